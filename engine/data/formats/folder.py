"""A folder of images as a data set: class subfolders or flat, with nothing outside the folder ever read.

Invariant: images are numbered by sorted path, and stay numbered even where a file turns out to be damaged.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

import numpy as np

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.images import SUFFIXES, open_image
from engine.core.paths import brief, readable
from engine.data.dataset import digest
from engine.data.formats.format import Format


class Folder(Format):
    """PNG, JPEG and WebP files under a folder; the first level of subfolders, where there is one, are the classes."""

    def __init__(self, folder: Path, name: str) -> None:
        """Lists the files without opening them. Raises Unavailable or BadRequest where there is nothing to list."""
        super().__init__()
        self.name = name
        if not folder.is_dir():
            raise Unavailable(f"The data folder “{name}” is not here: {folder} is missing or not a folder.")
        self._root = folder.resolve()
        self._files = self._list()
        if not self._files:
            raise BadRequest(f"The data folder “{name}” holds no PNG, JPEG or WebP images: {folder}.")
        classes = sorted({path.parts[0] for path, _ in self._files if len(path.parts) > 1})
        self.class_names = tuple(map(readable, classes))
        self._class_of = {kind: number for number, kind in enumerate(classes)}

    @classmethod
    def recognises(cls, path: Path) -> bool:
        return path.is_dir()

    @classmethod
    def open(cls, path: Path, name: str) -> Self:
        return cls(path, name)

    def _fingerprint(self) -> str:
        """Digest of every file's relative path, size and time of change, as they were when the folder was opened."""
        return digest(facts_of(path, found) for path, found in self._files)

    def __len__(self) -> int:
        return len(self._files)

    def image(self, index: int) -> np.ndarray:
        path = self._root / self._files[self._checked(index)][0]
        if not self._inside(path):  # it may have been replaced since the folder was listed
            raise RefusedFile(f"{readable(path.name)} leads out of the data folder “{self.name}”.")
        return open_image(path)

    def label(self, index: int) -> int | None:
        path = self._files[self._checked(index)][0]
        return self._class_of.get(path.parts[0]) if len(path.parts) > 1 else None

    def describe(self, index: int) -> dict[str, Any]:
        path, label = self._files[self._checked(index)][0], self.label(index)
        kind = {} if label is None else {"kind": self.class_names[label]}
        return {"id": index, "name": readable(path.as_posix()), **kind}

    def _list(self) -> list[tuple[Path, os.stat_result]]:
        """Relative path and facts of every image file, sorted by path; hidden files are none of our business.

        What vanishes meanwhile is as if it had never been there. Raises BadRequest for a folder that cannot be read: its
        classes would be missing from the numbering.
        """
        found: list[tuple[Path, os.stat_result]] = []
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


def facts_of(path: Path | str, found: os.stat_result) -> bytes:
    """A file's name, size and time of change, for a fingerprint."""
    return os.fsencode(path) + f"\0{found.st_size}\0{found.st_mtime_ns}".encode()
