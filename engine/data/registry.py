"""Data sets by name: the starter's scenes, the photos, and the folders that somebody configured.

Invariant: a page can only open what is configured; a path opens only for who may type one, on the command line or in a
notebook, and only while what they asked for is carried out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from engine.core import paths
from engine.core.choices import PHOTOS
from engine.core.choices import STARTER as STARTER_NAME
from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.paths import brief, typed_path
from engine.core.request import once
from engine.data.dataset import Dataset
from engine.data.formats.detect import is_there, open_path
from engine.data.formats.photos import Photos, photos
from engine.data.formats.scenes import Scenes
from engine.data.imagenet import imagenet_ids

__all__ = ["Dataset", "dataset_names", "open_dataset", "paths_may_be_typed"]

STARTER = paths.STARTER / "scenes" / "evaluation.parquet"
_TYPED: ContextVar[set[str] | None] = ContextVar("paths that were typed for what is carried out here", default=None)


@contextmanager
def paths_may_be_typed() -> Iterator[None]:
    """Inside, in this thread, a person who may read every file of their own asks: `open_dataset` opens a path that is
    given with `typed`, and from then on by its name, until this ends. No server enters here."""
    token = _TYPED.set(set(_TYPED.get() or ()))
    try:
        yield
    finally:
        _TYPED.reset(token)


def dataset_names() -> list[str]:
    """The names that `open_dataset` knows: the starter's scenes, the photos, and the configured folders."""
    return [STARTER_NAME, PHOTOS, *settings().data_folders]


def open_dataset(name: str, typed: bool = False) -> Dataset:
    """The data set of that name: `starter`, `photos` or a folder from the settings; one request opens it once.

    Where paths may be typed (see `paths_may_be_typed`), `typed` says that a person named it, and it may be the path of a
    folder or file of any format. Raises BadRequest for an unknown name, Unavailable when its files are not here.
    """
    return once(("data set", name), lambda: _opened(name, typed))


def _opened(name: str, typed: bool) -> Dataset:
    if name == STARTER_NAME:
        if not STARTER.exists():
            return Scenes(STARTER, name)  # says what is missing
        return open_path(STARTER, name)
    if name == PHOTOS:
        return Photos(name, photos(), imagenet_ids())
    if name in settings().data_folders:
        return open_path(settings().data_folders[name], name)
    allowed = _TYPED.get()
    if allowed is not None and (typed or name in allowed) and is_there(path := typed_path(name)):
        opened = open_path(path, name)
        allowed.add(name)
        return opened
    more = "a folder added to vitrine.toml" if allowed is None else "the path of a folder"
    raise BadRequest(f"There is no data set “{brief(name)}”. Choose one of {', '.join(dataset_names())}, or {more}.")
