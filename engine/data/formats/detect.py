"""Which layout a folder of images has, found from what lies in it.

Known are, in this order: the ImageNet-9 Backgrounds Challenge, Parquet files, images with a parallel tree of masks,
images with bounding boxes in XML (as ILSVRC publishes them), and plain folders. Everything that is read lies inside
the folder that was named.
"""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import Unavailable
from engine.data.dataset import Dataset
from engine.data.formats.annotated import BoxedFolder, MaskedFolder
from engine.data.formats.folder import Folder, unreadable
from engine.data.formats.imagenet9 import VARIATIONS, Challenge
from engine.data.formats.parquet import ParquetImages

IMAGES = ("images", "Images", "JPEGImages", "data")
MASKS = ("masks", "Masks", "annotations/masks", "SegmentationClass")
XML = ("Annotations", "annotations", "bbox", "boxes")
ILSVRC = "Data/CLS-LOC"


def open_folder(folder: Path, name: str) -> Dataset:
    """The data set in a folder, whatever its layout. Raises Unavailable, BadRequest or RefusedFile."""
    try:
        return _found(folder, name)
    except PermissionError as error:
        raise unreadable(name, "it, or something in it,", error) from None


def _found(folder: Path, name: str) -> Dataset:
    if not folder.is_dir():
        raise Unavailable(f"The data folder “{name}” is not here: {folder} is missing or not a folder.")
    if sum((folder / each).is_dir() for each in VARIATIONS) >= 2:
        return Challenge(folder, name)
    if any(folder.glob("*.parquet")):
        return ParquetImages(folder, name)
    for split in ("val", "train"):
        images, boxes = folder / ILSVRC / split, folder / "Annotations" / "CLS-LOC" / split
        if images.is_dir() and boxes.is_dir():
            return BoxedFolder(images, name, boxes)
    images = next((folder / each for each in IMAGES if (folder / each).is_dir()), None)
    if images is not None:
        if masks := next((folder / each for each in MASKS if (folder / each).is_dir()), None):
            return MaskedFolder(images, name, masks)
        for each in XML:
            if (folder / each).is_dir() and any((folder / each).rglob("*.xml")):
                return BoxedFolder(images, name, folder / each)
    if any(folder.rglob("*.xml")):
        return BoxedFolder(folder, name, folder)
    return Folder(folder, name)
