"""Which format a path has: each that is known is asked in turn, those that demand more before those that demand less.

Everything that is read lies inside the folder, or is the file, that was named.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.paths import brief
from engine.data.dataset import Dataset
from engine.data.formats import splits
from engine.data.formats.annotated import BoxedFolder, Ilsvrc, MaskedFolder
from engine.data.formats.folder import Folder, unreadable
from engine.data.formats.format import Format
from engine.data.formats.imagenet9 import Challenge
from engine.data.formats.parquet import ParquetImages
from engine.data.formats.scenes import Scenes

FORMATS: list[type[Format]] = [Challenge, Scenes, ParquetImages, Ilsvrc, MaskedFolder, BoxedFolder, Folder]


def register_format(kind: type[Format]) -> type[Format]:
    """Class decorator: makes a further format known. It is asked before those that are known already, so that a format
    of one's own can lie in a folder which would pass for one of images."""
    if kind not in FORMATS:
        FORMATS.insert(0, kind)
    return kind


def open_path(path: Path, name: str) -> Dataset:
    """The data set in a folder or file, whatever its format; a file that stays the same is read once for the process.

    Raises Unavailable where there is nothing, RefusedFile for a file of no known format or a damaged one, and BadRequest
    for a folder that cannot be used.
    """
    try:
        path, split = splits.virtual(path)
        if not path.exists():
            raise Unavailable(f"The data folder “{name}” is not here: {path} is missing or not a folder.")
        kind = next((kind for kind in FORMATS if kind.recognises(path)), None)
        if kind is None:
            raise RefusedFile(f"{brief(name)} is neither a folder of images nor a Parquet file. Name one of those.")
        if split:
            if not kind.has_splits:
                raise BadRequest(f"“{brief(name)}” has no splits that Vitrine knows how to tell apart.")
            opening: Any = kind.open
            return opening(path, name, split)
        if path.is_dir():  # whose time of change says nothing of what lies deeper
            return kind.open(path, name)
        facts = path.stat()
        return _file(kind, path, name, (facts.st_ino, facts.st_size, facts.st_mtime_ns))
    except PermissionError as error:
        raise unreadable(name, "it, or something in it,", error) from None


def is_there(path: Path) -> bool:
    """Whether `open_path` finds something at this path: a folder, a file, or a split of a folder. Raises PermissionError."""
    return path.exists() or bool(splits.virtual(path)[1])


@functools.lru_cache(maxsize=4)
def _file(kind: type[Format], path: Path, name: str, facts: tuple[int, ...]) -> Dataset:
    return kind.open(path, name)
