"""Leases: one of two does the work, and nobody waits for one who fell silent."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from cache.store import ResultStore


def test_one_of_two_gets_the_lease_and_the_other_gets_it_afterwards(store: ResultStore) -> None:
    other = ResultStore(store.folder)
    with store.lease("k") as ours:
        assert ours
        with other.lease("k") as theirs:
            assert not theirs
        with other.lease("another") as theirs:
            assert theirs
    with other.lease("k") as theirs:
        assert theirs
    other.close()


def test_a_lease_is_renewed_while_its_holder_works(store: ResultStore) -> None:
    other = ResultStore(store.folder)
    with store.lease("k", seconds=1.5) as ours:
        assert ours
        time.sleep(2.5)
        with other.lease("k") as theirs:
            assert not theirs
    other.close()


def test_a_lease_whose_holder_fell_silent_runs_out(store: ResultStore, sql: Callable) -> None:
    assert store._shelf.add("lease/k", b'["", "somebody"]', 1.0)
    with store.lease("k") as ours:
        assert not ours
    time.sleep(1.1)
    with store.lease("k") as ours:
        assert ours


def test_a_lease_ends_with_an_exception_too(store: ResultStore) -> None:
    with pytest.raises(ZeroDivisionError), store.lease("k"):
        raise ZeroDivisionError
    with store.lease("k") as ours:
        assert ours


def test_leases_are_no_results(store: ResultStore) -> None:
    with store.lease("k"):
        assert store.entries() == [] and store.stats()["entries"] == 0
