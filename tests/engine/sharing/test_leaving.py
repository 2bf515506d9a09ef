"""All that a person keeps is counted, and goes when they wish; what others keep stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.core import config
from engine.core.errors import BadRequest
from engine.jobs.lanes import SWEEP
from engine.jobs.scheduler import Jobs, jobs
from engine.people.person import Person
from engine.sharing import collections, leaving, links, names, notices, tokens
from engine.sharing.database import database
from tests.engine.jobs.playing import SECONDS, STAGE, Play
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
    assert counted(ANN) == {"collections": 1, "links": 1, "tokens": 1, "known": 1}
    leaving.erase(ANN)
    assert counted(ANN) == {}
    assert counted(BOB) == {"collections": 1, "tokens": 1, "known": 1}
    with pytest.raises(BadRequest, match="leads nowhere"):
        links.find(id)


def counted(person: Person) -> dict[str, int]:
    """What there is of them."""
    return {name: count for name, count in leaving.counts(person).items() if count}


def test_a_link_that_others_took_too_goes_with_nobody() -> None:
    id = links.keep("photo", {"image": "3"}, ANN)
    links.keep("photo", {"image": "3"}, BOB)
    leaving.erase(ANN)
    leaving.erase(BOB)
    assert links.find(id).params == {"image": "3"} and counted(BOB) == {}


def test_what_a_person_only_chose_is_counted_and_goes() -> None:
    names.prefer(ANN, notices.BY_MAIL, "yes")
    assert counted(ANN) == {"choices": 1}
    leaving.erase(ANN)
    assert counted(ANN) == {}


def test_jobs_are_cancelled_unless_others_want_them_or_they_are_parts_of_a_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = Jobs(config.store())
    monkeypatch.setattr("engine.jobs.scheduler.jobs", lambda: opened)
    STAGE.__init__()
    STAGE.gate("runs")
    runs = opened.submit(Play(name="runs"), ANN)
    STAGE.wait_for("runs")
    waits, both, part = (opened.submit(Play(name=name), ANN, batch) for name, batch in AFTER.items())
    opened.submit(Play(name="both"), BOB)
    assert counted(ANN) == {"jobs": 3}
    leaving.erase(ANN)
    assert counted(ANN) == {} and counted(BOB) == {"jobs": 1}
    assert opened.wait(runs, SECONDS).status == opened.snapshot(waits).status == "cancelled"
    assert {opened.wait(each, SECONDS).status for each in (both, part)} == {"done"}
    opened.close()


AFTER = {"waits": None, "both": None, "part": f"{SWEEP}0123abcd"}


def test_what_was_added_to_a_collection_that_is_closed_by_now_goes_too() -> None:
    shown = collections.create(BOB, "Ours")
    collections.share(shown.id, BOB, "public", others_add=True)
    collections.add(shown.id, ANN, [unit(1)])
    collections.add(shown.id, BOB, [unit(2)])
    collections.share(shown.id, BOB, "private")
    leaving.erase(ANN)
    assert [each.added_by for each in collections.items(shown)] == [BOB.id] and "items" not in counted(ANN)


def test_what_a_stopped_server_did_not_finish_and_small_pictures_go_too() -> None:
    for person in (ANN, BOB):
        plant(person, f"k-{person.name}", VIT, 10.0, picture=b"webp")
        plant(person, "both", VIT, 10.0, picture=b"webp")
    journal = jobs()._journal
    journal._interrupted["k"] = {"request": VIT, "since": time.time(), "owners": [ANN.id, BOB.id]}
    leaving.erase(ANN)
    assert jobs().interrupted(ANN) == {} and [*jobs().interrupted(BOB)] == ["k"]
    assert {row["key"] for row in database().read("SELECT key FROM thumbnails")} == {"k-Bob", "both"}
