"""Pins: what is pinned outlives every trimming; only what is stored can be pinned."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from cache.blob import Blob
from cache.store import ResultStore, StoreUnavailable
from engine.core import config
from engine.core.errors import Unavailable
from engine.jobs import pins


@pytest.fixture
def three(own_store: Path) -> list[str]:
    """Three stored results, `one` the oldest."""
    names = ["one", "two", "three"]
    for name in names:
        config.store().put(name, Blob({}, {}, {}))
    return names


def test_what_is_pinned_is_never_trimmed_until_it_is_unpinned(three: list[str]) -> None:
    assert pins.pin(["one"]) == ["one"]
    config.store().trim(0)
    assert {entry.key for entry in config.store().entries()} == {"one", "three"}
    assert pins.pin(["one"], on=False) == ["one"]
    config.store().trim(0)
    assert {entry.key for entry in config.store().entries()} == {"three"}


def test_only_what_is_stored_is_pinned_and_only_what_was_asked_for_is_named(three: list[str]) -> None:
    assert pins.pin(["two", "not stored", "one"]) == ["two", "one"]
    assert pins.pinned(["one", "three", "not stored"]) == {"one"}


@pytest.mark.parametrize("on", [True, False])
def test_a_store_that_cannot_be_written_says_so(three: list[str], on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as readonly:
        readonly.setattr(ResultStore, "pin" if on else "unpin", Mock(side_effect=StoreUnavailable("It is read-only.")))
        with pytest.raises(Unavailable, match="It is read-only"):
            pins.pin(["one"], on)
