"""Names and groups of people as they were last seen."""

from __future__ import annotations

from engine.people.person import Person
from engine.sharing import names
from tests.engine.sharing.conftest import ANNA, BEN, CARA


def test_others_read_the_latest_name_and_never_an_id() -> None:
    assert names.name_of(ANNA.id) == names.NOBODY
    names.remember(ANNA)
    assert (names.shown(ANNA.id, BEN), names.shown(ANNA.id, ANNA)) == ("Anna", "you")
    names.remember(Person(ANNA.id, "Anna B.", groups=ANNA.groups))
    assert names.name_of(ANNA.id) == "Anna B."


def test_members_are_those_who_were_last_seen_in_a_group() -> None:
    for each in (ANNA, BEN, CARA):
        names.remember(each)
    assert sorted(names.members_of(frozenset({"vision"}))) == [ANNA.id, BEN.id]
    names.remember(Person(BEN.id, BEN.name, groups=frozenset({"chess"})))
    assert names.members_of(frozenset({"vision"})) == [ANNA.id] and names.members_of(frozenset()) == []


def test_a_choice_is_its_persons_own() -> None:
    names.prefer(ANNA, "collection", "x")
    assert names.preference(ANNA, "collection") == "x" and names.preference(BEN, "collection", "none") == "none"
