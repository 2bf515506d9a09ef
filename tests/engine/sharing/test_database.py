"""The file under collections and history: changes are whole, it is private, and what is wrong with it is said in a sentence."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from engine.core.errors import Unavailable
from engine.sharing.database import NAME, STEPS, Database, database


def people(opened: Database) -> list[str]:
    return [row["id"] for row in opened.read("SELECT id FROM people ORDER BY id")]


def add(opened: Database, id: str) -> None:
    with opened.change() as link:
        link.execute("INSERT INTO people VALUES (?, '', '[]', '', 0)", (id,))


def test_the_file_is_its_owners_alone(own_store: Path) -> None:
    add(database(), "a")
    assert stat.S_IMODE((own_store / NAME).stat().st_mode) == 0o600


def test_a_change_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    opened = Database(tmp_path / NAME)
    with pytest.raises(KeyError), opened.change() as link:
        link.execute("INSERT INTO people VALUES ('a', '', '[]', '', 0)")
        raise KeyError
    assert people(opened) == []
    add(opened, "b")
    assert people(opened) == ["b"]


def test_threads_and_a_second_opening_see_each_others_changes(tmp_path: Path) -> None:
    one, other = Database(tmp_path / NAME), Database(tmp_path / NAME)
    threads = [threading.Thread(target=add, args=(each, f"{n}")) for n, each in enumerate([one, other] * 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert people(one) == people(other) == sorted(str(n) for n in range(20))


def test_a_file_that_is_no_database_is_left_as_it_is_and_named(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"not a database at all, but somebody's file" * 100)
    opened = Database(path)
    with pytest.raises(Unavailable, match="move it away"):
        people(opened)
    assert path.read_bytes().startswith(b"not a database")
    path.unlink()
    add(opened, "a")
    assert people(opened) == ["a"]


def test_a_file_of_a_later_version_is_not_touched(tmp_path: Path) -> None:
    opened = Database(tmp_path / NAME)
    with opened.change() as link:
        link.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    opened.close()
    with pytest.raises(Unavailable, match="later version"):
        people(opened)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Unavailable, match="cannot be used"):
        people(Database(blocked / NAME))


def test_a_file_of_the_first_version_is_brought_up_with_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.sharing.database.STEPS", STEPS[:1])
    opened = Database(tmp_path / NAME)
    line = "'p', 'k', 'visualize', 'm', 's', 'title', 'text', '{}', 'done', '', NULL, 1, '', '', '', x'0102', 0"
    with opened.change() as link:
        link.execute(f"INSERT INTO history VALUES ({line})")
        link.execute("INSERT INTO links VALUES ('id', 'home', '{}', 'p', 7.0)")
    opened.close()
    monkeypatch.undo()
    assert opened.read("SELECT key, title FROM history")[0]["title"] == "title"
    assert opened.read("SELECT picture FROM thumbnails WHERE key = 'k'")[0]["picture"] == b"\x01\x02"
    assert opened.read("SELECT used FROM links WHERE id = 'id'")[0]["used"] == 7.0
