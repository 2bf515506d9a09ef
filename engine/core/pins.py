"""Pinned results: those that are never removed to make room for others."""

from __future__ import annotations

from collections.abc import Collection

from cache.store import StoreUnavailable
from engine.core import config
from engine.core.errors import Unavailable


def pin(keys: Collection[str], on: bool = True) -> list[str]:
    """Pin those of these results that are stored, or (`on` false) unpin them; returns which they are.

    Raises Unavailable where the store cannot be written.
    """
    store = config.store()
    stored = [key for key in keys if store.has(key)]
    try:
        for key in stored:
            (store.pin if on else store.unpin)(key)
    except StoreUnavailable as error:
        raise Unavailable(str(error)) from error
    return stored


def pinned(keys: Collection[str]) -> set[str]:
    """Which of these results are pinned."""
    return config.store().pins() & set(keys)
