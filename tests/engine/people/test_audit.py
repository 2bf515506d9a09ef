"""What people did is written down where the settings say so, a line each, for the server's account alone."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.people import audit
from engine.people.person import Person

ANN = Person("oidc:1", "Ann", "member")


@pytest.fixture
def folder(own_store: Path, configured: Callable[..., None]) -> Path:
    configured(access={"audit": True})
    return own_store / audit.FOLDER


def test_without_a_login_nothing_is_written(own_store: Path) -> None:
    audit.note(ANN, "compute", "done")
    assert not (own_store / audit.FOLDER).exists() and [*audit.lines()] == []


def test_a_line_says_who_what_and_how_it_went(folder: Path) -> None:
    audit.note(ANN, "compute", "done", key="k", seconds=1.5)
    audit.note(ANN, "compute", "refused", key="x" * 999)
    newest, oldest = audit.lines()
    assert {name: oldest[name] for name in ("person", "name", "role", "did", "outcome", "key", "seconds")} == {
        "person": "oidc:1",
        "name": "Ann",
        "role": "member",
        "did": "compute",
        "outcome": "done",
        "key": "k",
        "seconds": 1.5,
    }
    assert newest["time"] >= oldest["time"] and len(newest["key"]) == audit.LONGEST
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / audit.FILE).stat().st_mode) == 0o600


def test_nobody_writes_a_line_of_their_own_into_it(folder: Path) -> None:
    audit.note(Person("x", 'Eve\n{"person": "oidc:1"}'), "compute", "done")
    assert [line["person"] for line in audit.lines()] == ["x"]


def test_files_rotate_and_the_newest_lines_are_read_across_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BYTES", 2000)
    monkeypatch.setattr(audit, "FILES", 3)
    audit._log.cache_clear()
    for number in range(100):
        audit.note(ANN, "compute", "done", number=number)
    assert len([*folder.iterdir()]) == 4 and all(file.stat().st_size <= 2000 for file in folder.iterdir())
    assert [line["number"] for line in audit.lines(20)] == [*range(99, 79, -1)]


def test_damaged_lines_are_left_out(folder: Path) -> None:
    audit.note(ANN, "compute", "done")
    with (folder / audit.FILE).open("a") as file:
        file.write("{cut\n[]\n" + json.dumps({"person": "last"}) + "\n")
    assert [line["person"] for line in audit.lines()] == ["last", "oidc:1"]


def test_where_it_cannot_be_written_people_are_not_held_up(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way")
    audit.note(ANN, "compute", "done")
    assert "cannot be written" in caplog.text
