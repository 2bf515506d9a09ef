"""`collections`: what was gathered travels in one file, to whoever sits at another machine or to everybody at a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core import config
from engine.people.person import LOCAL
from engine.sharing import access, collections
from engine.sharing.database import database
from tests.engine.sharing.conftest import ANNA, BEN, KEY, stored, unit

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def apart(own_store: Path) -> Iterator[None]:
    yield
    database().close()


def gathered() -> str:
    """The id of a collection of whoever sits at the machine: one unit whose result is stored, and one that waits."""
    stored()
    mine = collections.create(LOCAL, "My findings", "Two units")
    collections.add(mine.id, LOCAL, [unit(1), unit(2, results=("b" * 26,))], ["the first"])
    return mine.id


def test_a_collection_travels_in_one_file_with_its_notes_and_results(ask: Ask, tmp_path: Path) -> None:
    id, file = gathered(), tmp_path / "findings.zip"
    said = ask("collections", "export", id, str(file))
    assert (said["title"], said["items"], said["bytes"]) == ("My findings", 2, file.stat().st_size)
    assert [path.name for path in tmp_path.glob("*findings*")] == ["findings.zip"]
    place = next(iter(config.store().stored()))
    before = config.store().get(place)
    collections.delete(id, LOCAL)
    config.store().delete(place)
    new = ask("collections", "import", str(file))
    assert (new["title"], new["items"], new["results"], new["shared"]) == ("My findings", 2, 1, "private")
    kept = collections.items(collections.find(new["collection"], LOCAL))
    assert [(each.item.title, each.note) for each in kept] == [("Unit 1", "the first"), ("Unit 2", "")]
    after = config.store().get(place)
    assert before is not None and after is not None and after.to_bytes() == before.to_bytes()
    assert config.store().pins(new["collection"]) == {place} and place.startswith(KEY)


def test_what_is_imported_for_a_server_is_open_to_everybody_who_is_known_there(ask: Ask, tmp_path: Path) -> None:
    ask("collections", "export", gathered(), str(tmp_path / "one.zip"))
    alone = ask("collections", "import", str(tmp_path / "one.zip"))
    shared = ask("collections", "import", str(tmp_path / "one.zip"), "--share")
    assert [each.id for each in collections.shared_with(BEN)] == [shared["collection"]]
    assert not access.may_look(BEN, collections.find(alone["collection"], LOCAL))


def test_the_list_has_ones_own_and_what_is_shared_and_nothing_private_of_others(ask: Ask) -> None:
    id = gathered()
    theirs, secret = collections.create(ANNA, "Open"), collections.create(ANNA, "Secret")
    database()
    with database().change() as link:
        link.execute("UPDATE collections SET shared = 'group', groups = '[]' WHERE id = ?", (theirs.id,))
    assert {each["collection"] for each in ask("collections", "list")["collections"]} == {id, theirs.id}
    assert secret.id not in str(ask("collections", "list"))


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("export {id} {folder}", "is a folder"),
        ("export {id} {folder}/no/where.zip", "cannot be written"),
        ("export {secret} {folder}/out.zip", "no such collection"),
        ("import {folder}/missing.zip", "cannot be imported: No such file"),
        ("import {folder}/text.zip", "not a collection that Vitrine wrote"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    refused: Callable[..., str], tmp_path: Path, argv: str, words: str
) -> None:
    (tmp_path / "text.zip").write_text("no ZIP file")
    secret = collections.create(ANNA, "Secret").id
    said = refused("collections", *argv.format(id=gathered(), secret=secret, folder=tmp_path).split())
    assert words in said and not (tmp_path / "out.zip").exists()
