"""Training and test splits within one data set: told apart by the names of folders and files or by a column, and never joined.

Invariant: of several splits one is read, held-out images before those that models learned from, and which one is said.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow.parquet.core import ParquetFile

from engine.core.errors import BadRequest

_NAME = re.compile(
    r"(train|training|val|valid|validation|dev|test|testing|eval)(?:[-_]?(?:set|split|\d{4}))?", re.IGNORECASE
)
_ORDER = ("val", "valid", "validation", "dev", "test", "testing", "eval", "train", "training")
CONTAINERS = frozenset({"images", "image", "imgs", "img", "jpegimages", "data"})
"""Folders that hold all images and are no class, in small letters."""
COLUMN = "split"
"""The column of a Parquet file that says which split a row is of."""


def is_split(name: str) -> bool:
    """Whether a folder or a shard is called as splits are: train, val2017, test ..."""
    return _NAME.fullmatch(name) is not None


def of_file(name: str) -> str:
    """The split that a file's name begins with, like train-00000-of-00002.parquet; empty where it names none."""
    return next((word for word in [re.split(r"[-_.]", name)[0]] if is_split(word)), "")


def named(values: Iterable[Any]) -> set[str]:
    """The values of a column that are names of splits."""
    return {value for value in values if isinstance(value, str) and is_split(value)}


def of_rows(file: Path) -> frozenset[str]:
    """The splits that a Parquet file's column names; none where it has no such column, or cannot be read."""
    found = file.stat()
    return _of_rows(file, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _of_rows(file: Path, size: int, changed: int) -> frozenset[str]:
    try:
        with ParquetFile(file) as opened:
            if COLUMN not in opened.schema_arrow.names:
                return frozenset()
            return frozenset(named(opened.read(columns=[COLUMN])[COLUMN].unique().to_pylist()))
    except (pa.ArrowException, OSError):
        return frozenset()  # whoever opens it says what is wrong


def choose(names: Iterable[str], wanted: str, name: str) -> str:
    """One of the splits of the data set `name`: the one that was asked for, else the first held-out one. Raises BadRequest
    where it is not there."""
    known = sorted(set(names), key=lambda split: (_ORDER.index(_NAME.fullmatch(split)[1].lower()), split))  # pyrefly: ignore
    if wanted and wanted not in known:
        raise BadRequest(f"“{name}” has no split {wanted}. It has {', '.join(known)}.")
    return wanted or known[0]


def says(names: Sequence[str], chosen: str) -> str:
    """What people are told of it."""
    others = [name for name in sorted(set(names)) if name != chosen]
    if not others:
        return f"All images lie in “{chosen}”, which is taken as a split and not as a class."
    return (
        f"Of the splits {', '.join(sorted(set(names)))} only {chosen} is read. For another, add its name to the path: "
        f".../{others[0]}."
    )


def virtual(path: Path) -> tuple[Path, str]:
    """(folder or file, split) of a path like SET/train where SET keeps its splits otherwise than in folders of that name: in the
    names of its shards, in the column of a Parquet file, or below `images`; (path, "") for any other."""
    around, split = path.parent, path.name
    if path.exists() or not is_split(split) or not around.exists():
        return path, ""
    return (around, split) if split in (of_rows(around) if around.is_file() else _within(around, split)) else (path, "")


def _within(folder: Path, split: str) -> set[str]:
    """The splits that a folder's shards have, and this one where a folder of that name lies below `images`."""
    below = [each for each in folder.iterdir() if each.name.lower() in CONTAINERS]
    if any((each / split).is_dir() or (each / "CLS-LOC" / split).is_dir() for each in below):
        return {split}
    shards = [*folder.glob("*.parquet")]
    return {of_file(each.name) for each in shards} - {""} or {name for each in shards for name in of_rows(each)}
