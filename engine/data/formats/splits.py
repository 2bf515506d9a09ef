"""Training and test splits within one data set: told apart by the names of folders and files, and never joined.

Invariant: of several splits one is read, held-out images before those that models learned from, and which one is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.core.errors import BadRequest

_NAME = re.compile(
    r"(train|training|val|valid|validation|dev|test|testing|eval)(?:[-_]?(?:set|split|\d{4}))?", re.IGNORECASE
)
_ORDER = ("val", "valid", "validation", "dev", "test", "testing", "eval", "train", "training")
CONTAINERS = frozenset({"images", "image", "imgs", "img", "jpegimages", "data"})
"""Folders that hold all images and are no class, in small letters."""


def is_split(name: str) -> bool:
    """Whether a folder or a shard is called as splits are: train, val2017, test ..."""
    return _NAME.fullmatch(name) is not None


def of_file(name: str) -> str:
    """The split that a file's name begins with, like train-00000-of-00002.parquet; empty where it names none."""
    return next((word for word in [re.split(r"[-_.]", name)[0]] if is_split(word)), "")


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
    """(folder, split) of a path like SET/train where SET keeps its splits otherwise than in folders of that name: in the names
    of its shards, or below `images`; (path, "") for any other."""
    folder, split = path.parent, path.name
    if path.exists() or not is_split(split) or not folder.is_dir():
        return path, ""
    below = [each for each in folder.iterdir() if each.name.lower() in CONTAINERS]
    inside = any((each / split).is_dir() or (each / "CLS-LOC" / split).is_dir() for each in below)
    shards = any(of_file(each.name) == split for each in folder.glob("*.parquet"))
    return (folder, split) if inside or shards else (path, "")
