"""Stores and blobs for the tests of the cache."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from cache.blob import Blob
from cache.store import ResultStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    """A fresh store in its own folder."""
    opened = ResultStore(tmp_path / "results")
    yield opened
    opened.close()


@pytest.fixture
def blob_of() -> Callable[..., Blob]:
    """Blobs that a number tells apart, of a wanted size (an array that does not fit in a database row by default)."""

    def make(number: int, size: int = 50_000) -> Blob:
        return Blob({"x": np.full(size, number % 251, np.uint8)}, {}, {"request": {"number": number}, "facts": {}})

    return make


@pytest.fixture
def sql(tmp_path: Path) -> Callable[..., list[tuple]]:
    """Run a statement on the store's database, as somebody with access to the folder could."""

    def run(statement: str, *arguments: object) -> list[tuple]:
        with closing(sqlite3.connect(tmp_path / "results" / "cache.db", timeout=5)) as link, link:
            return link.execute(statement, arguments).fetchall()

    return run
