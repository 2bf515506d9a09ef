"""Folders of images with something that says where the objects are: ILSVRC's bounding boxes in XML, or masks in PNG.

Invariant: an annotation belongs to the image of the same path, but for the ending; what has no partner is reported.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from xml.etree import ElementTree

import numpy as np

from engine.core.errors import RefusedFile
from engine.core.images import MAX_BYTES as MOST_IMAGE_BYTES
from engine.core.paths import readable
from engine.data.dataset import digest
from engine.data.formats import splits
from engine.data.formats.folder import Folder, facts_of, orientation_of
from engine.data.masks import SAMPLE, Masks
from engine.data.turning import is_turned, upright_boxes, upright_mask, upright_size

IMAGES = ("images", "Images", "JPEGImages", "data")
MASKS = ("masks", "Masks", "annotations/masks", "SegmentationClass")
XML = ("Annotations", "annotations", "bbox", "boxes")
MOST_BYTES = 1 << 20  # of one XML file
TURNED = (
    "EXIF turns some of the images: those of which nothing tells what their boxes or masks were drawn on are left out."
)
MOST_LOOKED_AT = 2048
"""Images whose EXIF is read when a data set is opened for a result."""
_DECLARED = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_WIDE = re.compile(rb"\A(\xff\xfe|\xfe\xff)|\0")  # UTF-16 or UTF-32, in which a declaration looks otherwise


@dataclass(frozen=True)
class Annotation:
    """One XML file: (width, height) of the image it was drawn on, where it says so, and (class, box) of its objects."""

    size: tuple[int, int] | None
    objects: tuple[tuple[str, tuple[int, int, int, int]], ...]


def read_annotation(path: Path) -> Annotation:
    """ILSVRC's (and Pascal VOC's) XML. Coordinates are cut to whole pixels, right and bottom excluded, as the paper reads
    them. Raises RefusedFile for anything that is not such a file."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
        if not data or _WIDE.search(data) or _DECLARED.search(data):
            raise ValueError("too large, empty, in UTF-16, or with declarations of its own")
        root = ElementTree.fromstring(data)
        size = root.find("size")
        width, height = (_number(size, each) if size is not None else 0 for each in ("width", "height"))
        objects = []
        for item in root.iter("object"):
            box = item.find("bndbox")
            if box is None:
                raise ValueError("an object without a box")
            left, top, right, bottom = (_number(box, each) for each in ("xmin", "ymin", "xmax", "ymax"))
            objects.append(((item.findtext("name") or "").strip(), (left, top, right, bottom)))
    except (OSError, ValueError, OverflowError, LookupError, ElementTree.ParseError) as error:
        raise RefusedFile(f"its boxes in {readable(path.name)} cannot be read ({str(error)[:80]}).") from None
    return Annotation((width, height) if width and height else None, tuple(objects))


def _number(parent: ElementTree.Element, name: str) -> int:
    return int(float(parent.findtext(name) or "nothing"))


class _Annotated(Folder):
    """A folder of images, and beside it one of annotations with the same relative paths."""

    ending: str

    @classmethod
    def _parts(cls, path: Path) -> tuple[Path, Path] | None:
        """The two folders within this one; None where they are not there."""
        raise NotImplementedError

    @classmethod
    def recognises(cls, path: Path) -> bool:
        return path.is_dir() and cls._parts(path) is not None

    @classmethod
    def open(cls, path: Path, name: str, split: str = "") -> Self:
        images, annotations = cls._parts(path) or (path, path)
        return cls(images, name, annotations, split)

    def __init__(self, images: Path, name: str, annotations: Path, split: str = "") -> None:
        self._beside = annotations.resolve()
        super().__init__(images, name, split)
        for path in [path for path in self._skipped if path.endswith(".xml")]:
            del self._skipped[path]  # they belong here
        found = {path.relative_to(self._beside) for path in self._beside.rglob(f"*{self.ending}")}
        wanted = {path.with_suffix(self.ending) for path, _ in self._files}
        if self._is_split:  # those of another split belong to images that are not read
            found = {path for path in found if path in wanted or path.parent in {each.parent for each in wanted}}
        self._with = found & wanted
        for path in sorted(found - wanted):
            self._skipped[readable(path.as_posix())] = "there is no image of that name"

    def _fingerprint(self) -> str:
        stats = [(path, (self._beside / path).stat()) for path in sorted(self._with)]
        parts = [super()._fingerprint().encode(), *(facts_of(path, found) for path, found in stats)]
        return digest([*parts, *self._marks()])

    def _marks(self) -> list[bytes]:
        """For the fingerprint: what is read otherwise than it was before."""
        return [b"turned by EXIF"] if self._turned else []

    @functools.cached_property
    def _turned(self) -> int:
        """How many of the images with an annotation EXIF turns; of many, some are looked at."""
        files = [(path, found) for path, found in self._files if path.with_suffix(self.ending) in self._with]
        return sum(is_turned(self._header(*each)[0]) for each in files[:: max(1, len(files) // MOST_LOOKED_AT)])

    def notes(self) -> list[str]:
        """Also what EXIF turns."""
        return [*super().notes(), *([TURNED] if self._turned else [])]

    def _is_unread(self, path: Path) -> bool:
        return super()._is_unread(path) and self._beside not in path.resolve().parents

    def _orientation(self, index: int) -> tuple[int, tuple[int, int]]:
        return self._header(*self._files[self._checked(index)])

    def _header(self, path: Path, found: os.stat_result) -> tuple[int, tuple[int, int]]:
        return orientation_of(str(self._root / path), found.st_size, found.st_mtime_ns)

    def _partner(self, index: int) -> Path | None:
        """The annotation of an image, if there is one inside the folder."""
        relative = self._files[self._checked(index)][0].with_suffix(self.ending)
        path = self._beside / relative
        return path if relative in self._with and path.resolve().is_relative_to(self._beside) else None


class BoxedFolder(_Annotated):
    """Images with ILSVRC's XML. The class is the folder's; without class folders, as in ILSVRC's validation images, it is
    the class of the image's objects, which must be one."""

    ending = ".xml"

    @classmethod
    def _parts(cls, path: Path) -> tuple[Path, Path] | None:
        if (images := _first(path, IMAGES)) is not None:
            for annotations in [path / each for each in XML if (path / each).is_dir()]:
                if any(annotations.rglob("*.xml")):
                    return images, annotations
        return (path, path) if any(path.rglob("*.xml")) else None

    def __init__(self, images: Path, name: str, annotations: Path, split: str = "") -> None:
        super().__init__(images, name, annotations, split)
        self._own_classes = bool(self.class_names)
        if not self._own_classes:
            self.class_names = tuple(sorted({kind for kind in self._named if kind}))
            self._class_of = {kind: number for number, kind in enumerate(self.class_names)}

    @functools.cached_property
    def _named(self) -> list[str]:
        """The class that each image's XML names; empty where it names none or several."""
        return [self._sole_class(index) for index in range(len(self))]

    def _sole_class(self, index: int) -> str:
        path = self._partner(index)
        name = readable(self._files[index][0].as_posix())
        if path is None:
            self._skipped[name] = "it has no XML that says its class"
            return ""
        try:
            kinds = {kind for kind, _ in read_annotation(path).objects}
        except RefusedFile as error:
            self._skipped[name] = str(error)
            return ""
        if len(kinds) != 1:
            self._skipped[name] = f"its XML names {len(kinds)} classes instead of one"
        return kinds.pop() if len(kinds) == 1 else ""

    def label(self, index: int) -> int | None:
        return super().label(index) if self._own_classes else self._class_of.get(self._named[self._checked(index)])

    def labels(self) -> np.ndarray:
        if self._own_classes:
            return super().labels()
        return np.array([self._class_of.get(kind, -1) for kind in self._named], np.int32)

    def boxes(self, index: int) -> list[tuple[int, int, int, int]] | None:
        path, label = self._partner(index), self.label(index)
        if path is None or label is None:
            return None
        kind, about = self.class_names[label], read_annotation(path)
        boxes = [box for name, box in about.objects if name == kind]
        return upright_boxes(boxes, *self._orientation(index), about.size) or None

    def drawn_on(self, index: int) -> tuple[int, int] | None:
        """Of an image that EXIF turns: as it is seen, as `boxes` gives them."""
        path = self._partner(index)
        if path is None:
            return None
        size, (turned, stored) = read_annotation(path).size, self._orientation(index)
        return upright_size(turned, stored) if size == stored else size

    def gives(self) -> frozenset[str]:
        return super().gives() | ({"boxes"} if self._with else set())


class Ilsvrc(BoxedFolder):
    """ImageNet as ILSVRC publishes it: Data/CLS-LOC and Annotations/CLS-LOC, validation images where they are there."""

    @classmethod
    def _parts(cls, path: Path) -> tuple[Path, Path] | None:
        images, boxes = (path / kind / "CLS-LOC" for kind in ("Data", "Annotations"))
        return (images, boxes) if cls._splits(path) else None

    @classmethod
    def _splits(cls, path: Path) -> list[str]:
        both = [[each.name for each in (path / kind / "CLS-LOC").glob("*/")] for kind in ("Data", "Annotations")]
        return [split for split in ("val", "train") if all(split in names for names in both)]

    @classmethod
    def open(cls, path: Path, name: str, split: str = "") -> Self:
        kept = splits.choose(cls._splits(path), split, name)
        images, boxes = (path / kind / "CLS-LOC" / kept for kind in ("Data", "Annotations"))
        found = cls(images, name, boxes)
        if len(cls._splits(path)) > 1:
            found._read_as.append(splits.says(cls._splits(path), kept))
        return found


class MaskedFolder(_Annotated):
    """Images with masks in PNG; what they mean, `engine.data.masks` finds out."""

    ending = ".png"

    @classmethod
    def _parts(cls, path: Path) -> tuple[Path, Path] | None:
        images, masks = _first(path, IMAGES), _first(path, MASKS)
        return None if images is None or masks is None else (images, masks)

    def mask(self, index: int) -> np.ndarray | None:
        path = self._partner(index)
        if path is None:
            return None
        return upright_mask(self._masks.read(_bytes(path), readable(path.name)), *self._orientation(index))

    @functools.cached_property
    def _masks(self) -> Masks:
        paths = sorted(self._with)
        return Masks(_bytes(self._beside / path) for path in paths[:: max(1, len(paths) // SAMPLE)][:SAMPLE])

    def _marks(self) -> list[bytes]:
        return [*super()._marks(), *self._masks.mark()]

    def notes(self) -> list[str]:
        """Also what the masks mean."""
        return [*super().notes(), *self._masks.says()]

    def gives(self) -> frozenset[str]:
        return super().gives() | ({"masks"} if self._with else set())


def _bytes(path: Path) -> bytes:
    """A mask's file. Raises RefusedFile where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_IMAGE_BYTES + 1)
    except OSError as error:
        raise RefusedFile(f"{readable(path.name)} cannot be read: {error.strerror or error}.") from None


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)
