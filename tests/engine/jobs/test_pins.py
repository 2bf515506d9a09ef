"""Pins: what is pinned outlives every trimming; only what is stored can be pinned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from cache.blob import Blob
from cache.store import ResultStore, StoreUnavailable
from engine.core import config
from engine.core.errors import BadRequest, Forbidden, Unavailable
from engine.jobs import pins
from engine.people.person import Person

ANN, OLGA = Person("ann", role="member"), Person("olga", role="operator")


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


def test_where_people_sign_in_operators_alone_pin_what_is_everybodys(
    three: list[str], configured: Callable[..., None]
) -> None:
    assert pins.pin(["one"], True, ANN) == ["one"]
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"]})
    for on in (True, False):
        with pytest.raises(Forbidden, match="You may not pin results here"):
            pins.pin(["one"], on, ANN)
    assert pins.pin(["one"], False, OLGA) == ["one"] and (pins.may_pin(ANN), pins.may_pin(OLGA)) == (False, True)


def test_what_people_pin_leaves_half_of_the_store_to_what_is_not_pinned(three: list[str]) -> None:
    store, rng = config.store(), np.random.default_rng(0)
    for name in ("first", "second", "third"):
        store.put(name, Blob({"a": rng.integers(0, 256, 200_000, np.uint8)}, {}, {}))
    store.limit_bytes = 900_000
    assert pins.pin(["first", "second"], True, ANN) == ["first", "second"]
    assert pins.pin(["first"], True, ANN) == ["first"], "it is pinned already"
    with pytest.raises(BadRequest, match="would be pinned, and there is room"):
        pins.pin(["third"], True, ANN)
    assert pins.pinned(["first", "second", "third"]) == {"first", "second"}
    pins.pin(["first"], False, ANN)
    assert pins.pin(["third"], True, ANN) == ["third"] and pins.pin(["first"], True, OLGA) == ["first"]
