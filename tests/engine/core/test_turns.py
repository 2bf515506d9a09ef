"""Long turns: for the thread that asks and those that it starts, until it asks for usual ones; nothing where there are none."""

from __future__ import annotations

import platform
import re
import sys
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


RELEASE = tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2])
TAKES = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64") and RELEASE >= (6, 12)


@pytest.mark.skipif(not TAKES, reason="this system takes no wishes about turns")
def test_a_thread_has_long_turns_until_it_asks_for_usual_ones_and_others_keep_theirs() -> None:
    usual = turns.of_this_thread()
    assert in_a_thread(asked) == (True, turns.LONG_SECONDS, turns.LONG_SECONDS, True, usual)
    assert usual == turns.of_this_thread() != turns.LONG_SECONDS


@pytest.mark.parametrize(("name", "value"), [("platform", "darwin"), ("platform", "win32"), ("machine", "abacus")])
def test_where_no_turns_can_be_asked_for_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    def broken(*_: object) -> int:
        raise ProcessLookupError

    monkeypatch.setattr(turns.os, "getpriority", broken)
    if name == "machine":
        monkeypatch.setattr(turns.platform, "machine", lambda: value)
    else:
        monkeypatch.setattr(turns.sys, "platform", value)
    assert turns.long() is False and turns.usual() is False and turns.of_this_thread() is None


def test_a_thread_whose_priority_nobody_tells_goes_on_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise ProcessLookupError

    monkeypatch.setattr(turns.os, "getpriority", broken)
    assert turns.long() is False
