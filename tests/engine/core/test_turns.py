"""Long turns: for the thread that asks and those that it starts, until it asks for usual ones; nothing where there are none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from engine.core import turns


def in_a_thread(work: Callable[[], Any]) -> Any:
    """What it gives in a thread of its own, whose turns nobody else has."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def asked() -> tuple[bool, float | None, float | None, bool, float | None]:
    long, mine, childs = turns.long(), turns.of_this_thread(), in_a_thread(turns.of_this_thread)
    return long, mine, childs, turns.usual(), turns.of_this_thread()


def test_a_thread_has_long_turns_until_it_asks_for_usual_ones_and_others_keep_theirs() -> None:
    usual = turns.of_this_thread()
    long, mine, childs, back, after = in_a_thread(asked)
    if not long or mine == usual:
        pytest.skip("this system takes no wishes about turns")
    assert mine == childs == turns.LONG_SECONDS and back and after == usual == turns.of_this_thread()


def test_where_no_turns_can_be_asked_for_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns.platform, "machine", lambda: "abacus")
    assert in_a_thread(turns.long) is False and in_a_thread(turns.of_this_thread) is None
