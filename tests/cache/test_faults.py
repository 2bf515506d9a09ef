"""A folder that disappears and comes back, a clock that jumps: nothing is lost, and what is wrong is one sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cache.store import ResultStore, StoreUnavailable

YEAR = 365 * 86400.0


def test_a_folder_that_disappears_is_unavailable_and_all_is_there_when_it_returns(
    tmp_path: Path, blob_of: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    store = ResultStore(tmp_path / "results")
    for key, size in (("small", 10), ("large", 100_000)):
        store.put(key, blob_of(1, size))
    (tmp_path / "results").rename(tmp_path / "elsewhere")
    assert store.get("large") is None and not store.has("large")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        store.put("later", blob_of(1, 100_000))
    assert [problem for problem in store.problems() if "gone" in problem]
    assert not [problem for problem in store.problems() if "counts as missing" in problem], "it is not damaged"
    (tmp_path / "elsewhere").rename(tmp_path / "results")
    assert store.get("large") is not None and store.has("large") and store.get("small") is not None
    store.put("later", blob_of(1, 100_000))
    assert store.get("later") is not None
    store.close()


def test_a_folder_that_is_replaced_by_an_empty_one_is_not_taken_for_the_store(
    tmp_path: Path, blob_of: Callable
) -> None:
    """As when a volume is not mounted."""
    store = ResultStore(tmp_path / "results")
    store.put("large", blob_of(1, 100_000))
    (tmp_path / "results").rename(tmp_path / "elsewhere")
    (tmp_path / "results").mkdir()
    assert store.get("large") is None
    (tmp_path / "results").rmdir() if not any((tmp_path / "results").iterdir()) else None
    assert not (tmp_path / "results").exists(), "nothing was written into it"
    (tmp_path / "elsewhere").rename(tmp_path / "results")
    assert store.get("large") is not None
    store.close()


@pytest.mark.parametrize("jump", [-20 * YEAR, -3600.0, 3600.0, 20 * YEAR])
def test_a_clock_that_jumps_loses_no_result_and_no_pin(
    tmp_path: Path, blob_of: Callable, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    store = ResultStore(tmp_path / "results")
    store.put("before", blob_of(1, 100_000))
    store.pin("before")
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + jump)
    store.put("after", blob_of(1, 100_000))
    assert store.get("before") is not None and store.get("after") is not None and store.pins() == {"before"}
    with store.lease("something") as mine:
        assert mine
    monkeypatch.undo()
    with store.lease("something") as mine:
        assert mine, "a lease of that time holds up nobody"
    assert store.get("before") is not None and store.get("after") is not None and store.pins() == {"before"}
    store.close()
    opened = ResultStore(tmp_path / "results")
    assert opened.get("before") is not None and opened.get("after") is not None and opened.problems() == []
    opened.close()
