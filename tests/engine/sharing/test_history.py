"""The history: found by words, kind, model and person; each sees what is theirs to see."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from engine.people.person import Person
from engine.sharing import history, names
from engine.sharing.database import database
from engine.sharing.history import Line, Wanted
from engine.sharing.recording import line_of
from tests.engine.sharing.conftest import ANNA, BEN, CARA

OPERATOR = Person("op-id", "Op", "operator")
VIT = {
    "experiment": "visualize",
    "version": 1,
    "model": "starter-vit",
    "site": "blocks.6.mlp.hidden",
    "units": [3, 4, 5],
}
CNN = {"experiment": "index", "version": 1, "model": "starter-cnn", "site": "stages.2.blocks.1", "data": "starter"}


START = time.time() - 50_000
"""Times of planted lines are seconds from then."""


def plant(person: Person, key: str, facts: dict, ended: float, **more: Any) -> Line:
    """A line of this person's history, which ended (and `started`) so many seconds after START."""
    names.remember(person)
    ended = START + ended
    if "started" in more:
        more["started"] += START
    line = replace(line_of(key, facts, ended), person=person.id, **more)
    history.write([line])
    return line


@pytest.fixture(autouse=True)
def lines() -> None:
    plant(ANNA, "k1", VIT, 100.0, started=90.0, device="CPU")
    plant(ANNA, "k2", CNN, 200.0)
    plant(BEN, "k3", {**VIT, "units": [9]}, 300.0)
    plant(CARA, "k4", CNN, 400.0)


def keys(wanted: Wanted, person: Person) -> list[str]:
    return [line.key for line in history.search(wanted, person).lines]


def test_ones_own_are_the_newest_first() -> None:
    assert keys(Wanted(), ANNA) == ["k2", "k1"]
    assert [line.seconds for line in history.search(Wanted(), ANNA).lines] == [None, 10.0]


def test_a_line_is_called_by_what_it_is_of() -> None:
    assert history.search(Wanted(), ANNA).lines[1].title == "Feature visualization: starter-vit@blocks.6.mlp.hidden:3-5"


@pytest.mark.parametrize(
    "wanted, found",
    [
        (Wanted("vit"), ["k1"]),
        (Wanted("BLOCKS.6 vit"), ["k1"]),
        (Wanted("stages index"), ["k2"]),
        (Wanted("vit stages"), []),
        (Wanted(experiment="index"), ["k2"]),
        (Wanted(model="starter-vit"), ["k1"]),
        (Wanted("%"), []),
        (Wanted("_tarter"), []),
        (Wanted("' OR 1=1 --"), []),
    ],
)
def test_words_kinds_and_models_find_just_what_has_them(wanted: Wanted, found: list[str]) -> None:
    assert keys(wanted, ANNA) == found


def test_a_group_sees_its_own_and_finds_them_by_name() -> None:
    assert keys(Wanted(whose="group"), ANNA) == ["k3", "k2", "k1"]
    assert keys(Wanted("ben", whose="group"), ANNA) == ["k3"]
    assert keys(Wanted(whose="group"), CARA) == ["k4"]


def test_everything_is_for_operators_and_others_see_theirs_instead() -> None:
    assert keys(Wanted(whose="all"), OPERATOR) == ["k4", "k3", "k2", "k1"]
    assert keys(Wanted(whose="all"), ANNA) == ["k2", "k1"]
    assert keys(Wanted(whose="group"), OPERATOR) == []
    assert not history.may_see("all", ANNA) and not history.may_see("group", OPERATOR)


def test_choices_are_of_what_one_may_see() -> None:
    assert history.choices("model", "mine", BEN) == ["starter-vit"]
    assert history.choices("experiment", "group", ANNA) == ["index", "visualize"]


def test_pages_follow_each_other_without_gaps() -> None:
    for number in range(30):
        plant(BEN, f"p{number:02d}", VIT, 1000.0 + number)
    first, second = (history.search(Wanted(), BEN, start) for start in (0, 24))
    assert first.count == second.count == 31
    shown = [line.key for line in (*first.lines, *second.lines)]
    assert len(shown) == len(set(shown)) == 31


def test_asked_for_again_a_result_has_one_line_that_still_says_how_it_came_about() -> None:
    plant(ANNA, "k1", VIT, 500.0)
    first = history.search(Wanted(), ANNA).lines[0]
    assert (first.key, first.ended, first.device) == ("k1", START + 500.0, "CPU")
    assert first.seconds == 10.0, "as long as it took then"
    assert history.search(Wanted(), ANNA).count == 2


def test_a_line_that_says_of_what_was_found_that_it_was_computed_here_is_not_believed() -> None:
    """Such lines were written once: with the device and the version of the server that was asked."""
    plant(CARA, "k1", VIT, 50.0, device="This server", vitrine="1.0")
    plant(CARA, "k2", VIT, 60.0, device="As the result says")
    assert [
        (line.device, line.vitrine) for line in history.search(Wanted(), CARA).lines if line.key in ("k1", "k2")
    ] == [
        ("As the result says", ""),
        ("", ""),
    ]


def test_of_a_result_that_two_asked_for_the_one_who_had_it_made_is_named() -> None:
    plant(BEN, "k1", VIT, 50.0)
    made = history.of_result("k1")
    assert made is not None and made.person == ANNA.id


def test_a_person_forgets_what_is_theirs_alone() -> None:
    history.forget(ANNA, "k3")
    assert keys(Wanted(), BEN) == ["k3"]
    history.forget(ANNA, "k1")
    assert keys(Wanted(), ANNA) == ["k2"]
    history.forget(ANNA)
    assert keys(Wanted(), ANNA) == [] and keys(Wanted(), BEN) == ["k3"]


def test_what_is_old_is_forgotten() -> None:
    history.forget_old(0.0)
    assert keys(Wanted(whose="all"), OPERATOR) == []


def test_the_newest_lines_of_a_person_are_found_by_an_index_and_not_by_looking_at_all() -> None:
    query = "EXPLAIN QUERY PLAN SELECT * FROM history WHERE person = ? ORDER BY ended DESC, key LIMIT 24"
    plan = " ".join(row["detail"] for row in database().read(query, ANNA.id))
    assert "history_person" in plan and "SCAN" not in plan
