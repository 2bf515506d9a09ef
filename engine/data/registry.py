"""Data sets by name: the starter's scenes, the photos, and the folders that somebody configured.

Invariant: a page can only open what is configured; a path opens only for who may type one, on the command line.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

from engine.core import choices, paths
from engine.core.config import settings
from engine.core.errors import BadRequest, RefusedFile
from engine.core.paths import brief, typed_path
from engine.data.dataset import Dataset
from engine.data.formats.detect import open_folder
from engine.data.formats.parquet import open_parquet
from engine.data.formats.photos import Photos, photos
from engine.data.formats.scenes import Scenes
from engine.data.imagenet import imagenet_ids

__all__ = ["Dataset", "dataset_names", "open_dataset"]

STARTER = paths.STARTER / "scenes" / "evaluation.parquet"
_ALLOWED_PATHS: set[str] = set()


@functools.lru_cache(maxsize=4)
def _scenes(path: Path, name: str, modified: int) -> Scenes:
    return Scenes(path, name)


def dataset_names() -> list[str]:
    """The names that `open_dataset` knows: the starter's scenes, the photos, and the configured folders."""
    return [choices.STARTER, choices.PHOTOS, *settings().data_folders]


def open_dataset(name: str, allow_path: bool = False) -> Dataset:
    """The data set of that name: `starter`, `photos` or a folder from the settings.

    With `allow_path` (the command line, never a page) the name may be the path of a folder or of a Parquet
    file of scenes; it then stays open to the requests of this process. Raises BadRequest for an unknown
    name, Unavailable when its files are not here.
    """
    if name == choices.STARTER:
        return _scenes(STARTER, name, STARTER.stat().st_mtime_ns if STARTER.exists() else 0)
    if name == choices.PHOTOS:
        return Photos(name, photos(), imagenet_ids())
    if name in settings().data_folders:
        return open_folder(settings().data_folders[name], name)
    if (allow_path or name in _ALLOWED_PATHS) and os.path.exists(path := typed_path(name)):
        if not path.is_dir() and not _is_parquet(path):
            raise RefusedFile(f"{brief(name)} is neither a folder of images nor a Parquet file. Name one of those.")
        _ALLOWED_PATHS.add(name)
        return open_folder(path, name) if path.is_dir() else open_parquet(path, name)
    known, more = ", ".join(dataset_names()), "the path of a folder" if allow_path else "a folder added to vitrine.toml"
    raise BadRequest(f"There is no data set “{brief(name)}”. Choose one of {known}, or {more}.")


def _is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet files do, or is at least named like one (whoever reads it says what is wrong)."""
    if path.suffix.lower() == ".parquet" or not path.is_file():
        return path.is_file()
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"
