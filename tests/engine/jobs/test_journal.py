"""The journal: what a process had taken on is listed by the next one until it is settled, and then by none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cache.process import ProcessMark
from engine.jobs import journal
from engine.jobs.journal import Journal

REQUEST = {"experiment": "play", "name": "a"}


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], tuple[Journal, Callable[[], None]]]:
    """Starts a process in a folder that all share: its journal, and what ends it without a word."""

    def process() -> tuple[Journal, Callable[[], None]]:
        mark = ProcessMark(tmp_path)
        return Journal(mark), mark.close

    return process


def test_what_a_dead_process_had_taken_on_is_listed_by_the_next_until_it_is_dismissed_and_then_never_again(
    start,
) -> None:
    first, die = start()
    first.begin("k", REQUEST)
    die()
    second, die = start()
    assert second.interrupted() == {"k": REQUEST}
    second.forget()
    die()
    third, die = start()
    assert third.interrupted() == {}
    die()


def test_one_can_be_dismissed_and_the_others_stay_listed(start) -> None:
    first, die = start()
    for key in ("k", "l", "m"):
        first.begin(key, {**REQUEST, "name": key})
    die()
    second, die = start()
    second.forget(key="l")
    second.forget(key="nobody's")
    assert list(second.interrupted()) == ["k", "m"]
    die()
    third, die = start()
    assert list(third.interrupted()) == ["k", "m"]
    die()


def test_a_request_that_was_asked_for_again_is_no_longer_listed_after_it_ended(start) -> None:
    first, die = start()
    first.begin("k", REQUEST)
    first.begin("other", {**REQUEST, "name": "b"})
    die()
    second, die = start()
    assert list(second.interrupted()) == ["k", "other"], "oldest first"
    second.begin("k", REQUEST)
    second.end("k")
    assert list(second.interrupted()) == ["other"]
    die()
    third, die = start()
    assert list(third.interrupted()) == ["other"]
    die()


def test_a_living_process_is_not_interrupted(start) -> None:
    first, die = start()
    first.begin("k", REQUEST)
    second, die_too = start()
    assert second.interrupted() == {}
    die_too()
    die()


def test_where_the_journal_cannot_be_written_theirs_stays(
    start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, die = start()
    first.begin("k", REQUEST)
    die()

    def full(source: Path, target: Path) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal.os, "replace", full)
        second, die = start()
        assert second.interrupted() == {"k": REQUEST}
        die()
    third, die = start()
    assert third.interrupted() == {"k": REQUEST}
    die()


def test_lines_that_are_damaged_or_too_old_are_left_out(start, tmp_path: Path) -> None:
    first, die = start()
    first.begin("new", REQUEST)
    die()
    (file,) = tmp_path.glob("*.json")
    lines = json.loads(file.read_text())
    lines["old"] = {"request": REQUEST, "since": lines["new"]["since"] - journal.REMEMBERED_SECONDS - 60}
    file.write_text(json.dumps(lines))
    second, die = start()
    assert list(second.interrupted()) == ["new"]
    die()


def test_what_a_person_took_back_is_offered_again_to_the_others_alone(start) -> None:
    first, die = start()
    for key, owners in {"k": ("ann", "bob"), "l": ("ann",)}.items():
        for owner in owners:
            first.begin(key, REQUEST, owner)
        first.leave(key, "ann")
        first.leave(key, "eve")
    die()
    second, die = start()
    assert second.interrupted("ann") == {} and second.interrupted("bob") == {"k": REQUEST} and len(second) == 1
    die()
