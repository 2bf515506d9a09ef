"""All that a person keeps is counted, and goes when they wish; what others keep stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.jobs.scheduler import jobs
from engine.people.person import Person
from engine.sharing import collections, leaving, links, tokens
from engine.sharing.database import database
from tests.engine.sharing.conftest import unit
from tests.engine.sharing.test_history import VIT, plant

ANN, BOB = Person("oidc:ann", "Ann", "member"), Person("oidc:bob", "Bob", "member")


@pytest.fixture(autouse=True)
def anew(own_store: Path) -> None:
    """A file of its own."""


def test_everything_goes_and_what_others_keep_stays() -> None:
    for person in (ANN, BOB):
        collections.create(person, "Mine")
        tokens.make(person, "script", 7, "member")
    id = links.keep("photo", {"image": "3"}, ANN)
    assert leaving.counts(ANN) == {"collections": 1, "items": 0, "history": 0, "links": 1, "tokens": 1}
    leaving.erase(ANN)
    assert not any(leaving.counts(ANN).values())
    assert leaving.counts(BOB) == {"collections": 1, "items": 0, "history": 0, "links": 0, "tokens": 1}
    assert links.find(id).params == {"image": "3"}, "whoever has the link can follow it"


def test_what_was_added_to_a_collection_that_is_closed_by_now_goes_too() -> None:
    shown = collections.create(BOB, "Ours")
    collections.share(shown.id, BOB, "public", others_add=True)
    collections.add(shown.id, ANN, [unit(1)])
    collections.add(shown.id, BOB, [unit(2)])
    collections.share(shown.id, BOB, "private")
    leaving.erase(ANN)
    assert [each.added_by for each in collections.items(shown)] == [BOB.id] and leaving.counts(ANN)["items"] == 0


def test_what_a_stopped_server_did_not_finish_and_small_pictures_go_too() -> None:
    for person in (ANN, BOB):
        plant(person, f"k-{person.name}", VIT, 10.0, picture=b"webp")
        plant(person, "both", VIT, 10.0, picture=b"webp")
    journal = jobs()._journal
    journal._interrupted["k"] = {"request": VIT, "since": time.time(), "owners": [ANN.id, BOB.id]}
    leaving.erase(ANN)
    assert jobs().interrupted(ANN) == {} and [*jobs().interrupted(BOB)] == ["k"]
    assert {row["key"] for row in database().read("SELECT key FROM thumbnails")} == {"k-Bob", "both"}
