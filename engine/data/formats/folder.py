"""A folder of images as a data set: class subfolders or flat, with nothing outside the folder ever read.

Invariant: images are numbered by sorted path, and stay numbered even where a file turns out to be damaged.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.images import SUFFIXES, open_image, orientation, significant_bits, used_bits
from engine.core.paths import brief, readable
from engine.data.dataset import digest
from engine.data.formats import splits
from engine.data.formats.format import Format
from engine.data.formats.groups import FILE, of_files

Files = list[tuple[Path, os.stat_result]]
MOST_BESIDE = 5000
LOOKED_AT = 16
"""Images of a data set that are decoded to learn how its colours are kept."""
# What other tools keep beside images and is not read here: ending (or name), and what people are told.
NOT_READ = (
    ("ImageSets/", "The lists in ImageSets are not read: images of all splits are used."),
    (".json", "JSON annotations (COCO's and the like) are not read: they give no classes and no boxes here."),
    (".jsonl", "metadata.jsonl and the like are not read: classes are those of the folders."),
    (".csv", "CSV files are not read: classes are those of the folders."),
    (".xml", "XML annotations are not read here: they give no classes and no boxes."),
)


class Folder(Format):
    """PNG, JPEG and WebP files under a folder; the first level of subfolders, where there is one, are the classes. Folders
    that are called as splits are (train, val ...) are none: one split is read. Nor is one called `images` that has all."""

    has_splits = True

    def __init__(self, folder: Path, name: str, split: str = "") -> None:
        """Lists the files without opening them. Raises Unavailable or BadRequest where there is nothing to list, or not this
        split."""
        super().__init__()
        self.name = name
        if not folder.is_dir():
            raise Unavailable(f"The data folder “{name}” is not here: {folder} is missing or not a folder.")
        self._root = folder.resolve()
        self._files = self._list()
        if not self._files:
            raise BadRequest(f"The data folder “{name}” holds no PNG, JPEG or WebP images: {folder}.")
        self._read_as: list[str] = []
        self._is_split = False
        self._depth = 0
        """Which of a path's folders is the class."""
        self._find_classes(split)
        classes = sorted({kind for path, _ in self._files if (kind := self._kind(path))})
        self.class_names = tuple(map(readable, classes))
        self._class_of = {kind: number for number, kind in enumerate(classes)}

    @classmethod
    def recognises(cls, path: Path) -> bool:
        return path.is_dir()

    @classmethod
    def open(cls, path: Path, name: str, split: str = "") -> Self:
        return cls(path, name, split)

    def _find_classes(self, split: str) -> None:
        """Which folders are splits, of which one is kept, and which are classes."""
        while all(len(path.parts) > self._depth + 1 for path, _ in self._files):
            tops = {path.parts[self._depth] for path, _ in self._files}
            if all(map(splits.is_split, tops)):
                self._keep_split(tops, self._depth, split)
            elif len(tops) > 1 or next(iter(tops)).lower() not in splits.CONTAINERS:
                break
            self._depth += 1
        below = self._depth + 1
        inner = {path.parts[below] for path, _ in self._files if len(path.parts) > below + 1}
        if len(inner) > 1 and all(map(splits.is_split, inner)):  # class/train/..., as well as train/class/...
            self._keep_split(inner, below, split)
        elif split and not self._is_split:
            raise BadRequest(f"“{self.name}” has no splits.")

    def _keep_split(self, names: Iterable[str], depth: int, wanted: str) -> None:
        kept = splits.choose(names, wanted, self.name)
        self._is_split = True
        self._read_as.append(splits.says([*names], kept))
        self._files = [each for each in self._files if each[0].parts[depth] == kept or len(each[0].parts) <= depth + 1]

    def _kind(self, path: Path) -> str:
        """The folder that says an image's class; empty where none does."""
        return path.parts[self._depth] if len(path.parts) > self._depth + 1 else ""

    def notes(self) -> list[str]:
        """Also the splits, annotations that are not read, and images of 16 bits."""
        few = [] if len(self.class_names) != 1 else [f"All images are of one class, “{self.class_names[0]}”."]
        return [*super().notes(), *self._read_as, *few, *self._beside_images(), *bits_said(self._used_bits())]

    def _beside_images(self) -> list[str]:
        """What lies in the folder, or beside it where it is only the images of one, and may say something of them unread."""
        left = [name for name, why in self._skipped.items() if "not named like" in why]
        if self._root.name.lower() in splits.CONTAINERS:
            around = self._root.parent
            found = itertools.islice((each for depth in ("*", "*/*") for each in around.glob(depth)), MOST_BESIDE)
            left += [readable(each.relative_to(around).as_posix()) for each in found if self._is_unread(each)]
        told = [says for mark, says in NOT_READ if any(name.endswith(mark) or name.startswith(mark) for name in left)]
        yolo = any(name.startswith("labels/") and name.endswith(".txt") for name in left)
        return [*told, *(["labels/*.txt (YOLO's boxes) are not read."] if yolo else [])]

    def _is_unread(self, path: Path) -> bool:
        """Whether a file beside the folder belongs to nothing that is read."""
        return path.is_file() and self._root not in path.parents

    def _sixteen(self) -> dict[str, tuple[int, int]]:
        """Images in PNG with 16 bits, of some that are looked at: name -> (bits that it uses, what its sBIT says or 0)."""
        pngs = [(path, found) for path, found in self._files if path.suffix.lower() == ".png"]
        sixteen = [
            (path, found)
            for path, found in pngs
            if _is_sixteen(str(self._root / path), found.st_size, found.st_mtime_ns)
        ]
        some = sixteen[:: max(1, len(sixteen) // LOOKED_AT)][:LOOKED_AT]
        return {
            readable(path.as_posix()): _bits(str(self._root / path), found.st_size, found.st_mtime_ns)
            for path, found in some
        }

    def _used_bits(self) -> dict[str, int]:
        return {name: used for name, (used, _) in self._sixteen().items()}

    def _fingerprint(self) -> str:
        """Digest of every file's relative path, size and time of change, as they were when the folder was opened, and of
        what is read otherwise than it was before."""
        marks = [b"splits", *[kind.encode() for kind in self.class_names]] if self._depth or self._is_split else []
        marks += bits_marks(self._sixteen())
        beside = [(Path(FILE), (self._root / FILE).stat())] if (self._root / FILE).is_file() else []
        return digest([*(facts_of(path, found) for path, found in [*self._files, *beside]), *marks])

    def clusters(self) -> np.ndarray | None:
        return of_files(self._root, [path for path, _ in self._files])

    def __len__(self) -> int:
        return len(self._files)

    def image(self, index: int) -> np.ndarray:
        path = self._root / self._files[self._checked(index)][0]
        if not self._inside(path):  # it may have been replaced since the folder was listed
            raise RefusedFile(f"{readable(path.name)} leads out of the data folder “{self.name}”.")
        return open_image(path)

    def label(self, index: int) -> int | None:
        return self._class_of.get(self._kind(self._files[self._checked(index)][0]))

    def describe(self, index: int) -> dict[str, Any]:
        path, label = self._files[self._checked(index)][0], self.label(index)
        kind = {} if label is None else {"kind": self.class_names[label]}
        return {"id": index, "name": readable(path.as_posix()), **kind}

    def _list(self) -> Files:
        """Relative path and facts of every image file, sorted by path; hidden files are none of our business.

        What vanishes meanwhile is as if it had never been there. Raises BadRequest for a folder that cannot be read: its
        classes would be missing from the numbering.
        """
        found: Files = []
        kinds: list[str] = []
        for place, folders, files in os.walk(self._root, onerror=self._unreadable, followlinks=False):
            folders[:] = [folder for folder in folders if not folder.startswith(".")]
            for folder in [folder for folder in folders if (Path(place) / folder).is_symlink()]:
                self._skip(Path(place) / folder, "a link to a folder; links are not followed")
            for file in files:
                path = Path(place) / file
                try:
                    if not file.startswith(".") and self._is_image(path):
                        found.append((path.relative_to(self._root), path.stat()))
                except OSError as error:
                    self._unreadable(error)
            if Path(place) == self._root:
                kinds = [folder for folder in folders if not (self._root / folder).is_symlink()]
        with_images = {path.parts[0] for path, _ in found}
        for kind in kinds:
            if kind not in with_images:
                self._skip(self._root / kind, "a class folder without images")
        return sorted(found, key=lambda entry: entry[0].parts)

    def _is_image(self, path: Path) -> bool:
        if path == self._root / FILE:
            return False
        if path.suffix.lower() not in SUFFIXES:
            self._skip(path, "not named like a PNG, JPEG or WebP image")
        elif not self._inside(path):
            self._skip(path, "a link out of the data folder")
        elif not path.is_file():
            self._skip(path, "not a file, or a link that leads nowhere")
        else:
            return True
        return False

    def _unreadable(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            place = brief(os.path.relpath(error.filename or self._root, self._root))
            what = "it" if place == "." else f"“{place}” in it"
            raise unreadable(self.name, what, error) from None

    def _inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self._root)

    def _skip(self, path: Path, reason: str) -> None:
        self._skipped[readable(path.relative_to(self._root).as_posix())] = reason


def unreadable(name: str, what: str, error: OSError) -> BadRequest:
    """The refusal of a data folder of that name, of which `what` cannot be read."""
    reason = f"{what} cannot be read ({error.strerror or error})"
    return BadRequest(
        f"The data folder “{brief(name)}” cannot be used: {reason}. Allow reading it, or name another folder."
    )


def bits_said(bits: dict[str, int]) -> list[str]:
    """What people are told of PNGs with 16 bits where some use fewer: name -> the bits that it uses, 0 where nothing can be
    read."""
    used = sorted({each for each in bits.values() if each})
    narrow = [each for each in used if each < 16]
    if not narrow:
        return []
    first = next(name for name, each in bits.items() if each in narrow)
    told = (
        f"PNGs with 16 bits a channel use {' or '.join(map(str, narrow))} of them (as “{first}”) and are read as such."
    )
    mixed = " Not all use as many: each is scaled by its own number of bits, so their brightness does not compare."
    return [told + mixed * (len(used) > 1)]


def bits_marks(bits: dict[str, tuple[int, int]]) -> list[bytes]:
    """What the fingerprint holds of PNGs with 16 bits: name -> as `bits_of`."""
    marks = [b"bits"] if any(0 < used < 16 for used, _ in bits.values()) else []
    return [*marks, *([b"sBIT"] if any(said for _, said in bits.values()) else [])]


def bits_of(data: bytes) -> tuple[int, int]:
    """(how many bits a PNG with 16 uses, what its sBIT says or 0); (0, 0) where it is none, or cannot be read: that is said
    where it is opened."""
    try:
        return used_bits(data), significant_bits(data)
    except Exception:  # whatever a decoder raises on hostile bytes
        return 0, 0


@functools.lru_cache(maxsize=1 << 16)
def _is_sixteen(path: str, size: int, changed: int) -> bool:
    """Whether the header of a PNG of this size and time of change says 16 bits a channel."""
    try:
        with open(path, "rb") as file:
            return file.read(25)[24:] == b"\x10"
    except OSError:
        return False


@functools.lru_cache(maxsize=1 << 10)
def _bits(path: str, size: int, changed: int) -> tuple[int, int]:
    return bits_of(Path(path).read_bytes()) if os.access(path, os.R_OK) else (0, 0)


@functools.lru_cache(maxsize=1 << 14)
def orientation_of(path: str, size: int, changed: int) -> tuple[int, tuple[int, int]]:
    """`engine.core.images.orientation` of a file of this size and time of change."""
    return orientation(Path(path))


def facts_of(path: Path | str, found: os.stat_result) -> bytes:
    """A file's name, size and time of change, for a fingerprint."""
    return os.fsencode(path) + f"\0{found.st_size}\0{found.st_mtime_ns}".encode()
