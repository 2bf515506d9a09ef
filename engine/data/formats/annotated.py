"""Folders of images with something that says where the objects are: ILSVRC's bounding boxes in XML, or masks in PNG.

Invariant: an annotation belongs to the image of the same path, but for the ending; what has no partner is reported.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from xml.etree import ElementTree

import numpy as np

from engine.core.errors import RefusedFile
from engine.core.images import open_image
from engine.core.paths import readable
from engine.data.dataset import digest
from engine.data.formats.folder import Folder, facts_of

IMAGES = ("images", "Images", "JPEGImages", "data")
MASKS = ("masks", "Masks", "annotations/masks", "SegmentationClass")
XML = ("Annotations", "annotations", "bbox", "boxes")
MOST_BYTES = 1 << 20  # of one XML file
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
    def open(cls, path: Path, name: str) -> Self:
        images, annotations = cls._parts(path) or (path, path)
        return cls(images, name, annotations)

    def __init__(self, images: Path, name: str, annotations: Path) -> None:
        self._beside = annotations.resolve()
        super().__init__(images, name)
        for path in [path for path in self._skipped if path.endswith(".xml")]:
            del self._skipped[path]  # they belong here
        found = {path.relative_to(self._beside) for path in self._beside.rglob(f"*{self.ending}")}
        wanted = {path.with_suffix(self.ending) for path, _ in self._files}
        self._with = found & wanted
        for path in sorted(found - wanted):
            self._skipped[readable(path.as_posix())] = "there is no image of that name"

    def _fingerprint(self) -> str:
        stats = [(path, (self._beside / path).stat()) for path in sorted(self._with)]
        return digest([super()._fingerprint().encode(), *(facts_of(path, found) for path, found in stats)])

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

    def __init__(self, images: Path, name: str, annotations: Path) -> None:
        super().__init__(images, name, annotations)
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
        kind = self.class_names[label]
        return [box for name, box in read_annotation(path).objects if name == kind] or None

    def drawn_on(self, index: int) -> tuple[int, int] | None:
        path = self._partner(index)
        return None if path is None else read_annotation(path).size

    def gives(self) -> frozenset[str]:
        return super().gives() | ({"boxes"} if self._with else set())


class Ilsvrc(BoxedFolder):
    """ImageNet as ILSVRC publishes it: Data/CLS-LOC and Annotations/CLS-LOC, validation images where they are there."""

    @classmethod
    def _parts(cls, path: Path) -> tuple[Path, Path] | None:
        splits = [
            tuple(path / kind / "CLS-LOC" / split for kind in ("Data", "Annotations")) for split in ("val", "train")
        ]
        return next(((images, boxes) for images, boxes in splits if images.is_dir() and boxes.is_dir()), None)


class MaskedFolder(_Annotated):
    """Images with masks in PNG: what is lighter than middle grey is object."""

    ending = ".png"

    @classmethod
    def _parts(cls, path: Path) -> tuple[Path, Path] | None:
        images, masks = _first(path, IMAGES), _first(path, MASKS)
        return None if images is None or masks is None else (images, masks)

    def mask(self, index: int) -> np.ndarray | None:
        path = self._partner(index)
        return None if path is None else open_image(path)[..., 0] > 127

    def gives(self) -> frozenset[str]:
        return super().gives() | ({"masks"} if self._with else set())


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)
