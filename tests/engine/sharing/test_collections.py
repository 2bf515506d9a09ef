"""Collections: a person's own, shared as far as they say, and closed to everybody else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.core import config
from engine.core.errors import BadRequest
from engine.people import audit
from engine.people.person import Person
from engine.sharing import access, collections
from tests.conftest import ROOT
from tests.engine.sharing.conftest import ANNA, BEN, CARA, stored, unit


def test_a_collection_keeps_items_in_order_with_notes() -> None:
    mine = collections.create(ANNA, "  Round   things ", "What looks **round**")
    assert (mine.title, mine.about, mine.shared, mine.count) == ("Round things", "What looks **round**", "private", 0)
    assert collections.add(mine.id, ANNA, [unit(1), unit(2), unit(3)], ["first", "second"]) == 3
    first, second, third = collections.items(mine)
    assert [each.note for each in (first, second, third)] == ["first", "second", ""]
    collections.order(mine.id, ANNA, [third.id, first.id])
    collections.annotate(mine.id, ANNA, third.id, "now the first")
    collections.remove(mine.id, ANNA, second.id)
    shown = [(each.item.title, each.note) for each in collections.items(mine)]
    assert shown == [("Unit 3", "now the first"), ("Unit 1", "first")]


def test_the_same_thing_is_kept_once_whatever_it_is_called() -> None:
    mine = collections.create(ANNA, "One")
    assert collections.add(mine.id, ANNA, [unit(1), unit(1, title="again")]) == 1
    assert collections.add(mine.id, ANNA, [unit(1)]) == 0
    assert collections.find(mine.id, ANNA).count == 1


def test_a_private_collection_does_not_exist_for_others() -> None:
    mine = collections.create(ANNA, "Mine")
    absent = pytest.raises(BadRequest, match="no such collection")
    for work in (
        lambda: collections.find(mine.id, BEN),
        lambda: collections.add(mine.id, BEN, [unit(1)]),
        lambda: collections.copy(mine.id, BEN),
        lambda: collections.share(mine.id, BEN, "public"),
        lambda: collections.delete(mine.id, BEN),
        lambda: collections.find("0" * 20, ANNA),
    ):
        with absent:
            work()
    assert collections.shared_with(BEN) == [] and collections.find(mine.id, ANNA).shared == "private"


def test_a_group_looks_and_adds_where_the_owner_lets_it_and_a_stranger_does_neither() -> None:
    shown = collections.create(ANNA, "Ours")
    collections.share(shown.id, ANNA, "group")
    assert [each.id for each in collections.shared_with(BEN)] == [shown.id]
    assert collections.shared_with(CARA) == []
    with pytest.raises(BadRequest, match="not open to additions"):
        collections.add(shown.id, BEN, [unit(1)])
    collections.share(shown.id, ANNA, "group", others_add=True)
    assert collections.add(shown.id, BEN, [unit(1)]) == 1
    with pytest.raises(BadRequest, match="no such collection"):
        collections.add(shown.id, CARA, [unit(2)])
    (added,) = collections.items(collections.find(shown.id, ANNA))
    assert added.added_by == BEN.id


def test_who_is_in_no_group_that_shares_opens_nothing_to_everybody_by_mistake(configured: Callable[..., None]) -> None:
    shown, alone = collections.create(ANNA, "Ours"), replace(ANNA, groups=frozenset())
    configured(access={"groups": ["vision"]})
    with pytest.raises(BadRequest, match="none of the groups that share here"):
        collections.share(shown.id, alone, "group")
    assert collections.find(shown.id, ANNA).shared == "private"


def test_whoever_added_may_note_and_take_out_and_only_the_owner_may_all_else() -> None:
    shown = collections.create(ANNA, "Ours")
    collections.share(shown.id, ANNA, "group", others_add=True)
    collections.add(shown.id, ANNA, [unit(1)])
    collections.add(shown.id, BEN, [unit(2)])
    hers, his = collections.items(shown)
    collections.annotate(shown.id, BEN, his.id, "mine")
    with pytest.raises(BadRequest, match="Only the person who added"):
        collections.annotate(shown.id, BEN, hers.id, "yours")
    with pytest.raises(BadRequest, match="Only the person who added"):
        collections.remove(shown.id, BEN, hers.id)
    for work in (
        lambda: collections.change(shown.id, BEN, title="His"),
        lambda: collections.order(shown.id, BEN, [his.id]),
        lambda: collections.share(shown.id, BEN, "public"),
        lambda: collections.delete(shown.id, BEN),
    ):
        with pytest.raises(BadRequest, match="Only its owner"):
            work()
    collections.remove(shown.id, ANNA, his.id)
    assert [each.id for each in collections.items(shown)] == [hers.id]


def test_an_item_of_another_collection_cannot_be_reached_through_ones_own() -> None:
    hers, his = collections.create(ANNA, "Hers"), collections.create(BEN, "His")
    collections.add(hers.id, ANNA, [unit(1)])
    (item,) = collections.items(hers)
    for work in (
        lambda: collections.annotate(his.id, BEN, item.id, "changed"),
        lambda: collections.remove(his.id, BEN, item.id),
    ):
        with pytest.raises(BadRequest, match="not in the collection"):
            work()
    collections.order(his.id, BEN, [item.id])
    assert [each.note for each in collections.items(hers)] == [""]


def test_a_public_collection_is_for_whoever_has_its_link_and_listed_nowhere() -> None:
    shown = collections.create(ANNA, "For all")
    collections.share(shown.id, ANNA, "public", others_add=True)
    nobody = Person("", role="viewer")
    assert collections.find(shown.id, nobody).title == "For all"
    assert collections.shared_with(CARA) == []
    assert not access.may_add(nobody, collections.find(shown.id, nobody))
    assert access.may_add(CARA, collections.find(shown.id, CARA))


def test_what_is_open_to_everyone_is_not_open_to_whoever_did_not_sign_in_where_others_do(
    configured: Callable[..., None],
) -> None:
    shown, alone = collections.create(ANNA, "Ours"), replace(ANNA, groups=frozenset())
    visitor = Person("browser:abc", "", "viewer")
    collections.share(shown.id, alone, "group")
    assert [each.id for each in collections.shared_with(visitor)] == [shown.id]
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"], "members": ["*"], "visitors": "viewer"})
    assert collections.shared_with(visitor) == []
    with pytest.raises(BadRequest, match="no such collection"):
        collections.find(shown.id, visitor)
    assert [each.id for each in collections.shared_with(CARA)] == [shown.id]
    collections.share(shown.id, alone, "public")
    assert collections.find(shown.id, visitor).title == "Ours", "whoever has the link"


def test_what_becomes_of_a_collection_is_noted_down(configured: Callable[..., None]) -> None:
    configured(access={"audit": True})
    mine = collections.create(ANNA, "Mine")
    for _ in range(2):
        collections.add(mine.id, ANNA, [unit(1), unit(2)])  # the second time there is nothing new
    collections.delete(mine.id, ANNA)
    noted = [(line["name"], line["did"], line["outcome"], line.get("items")) for line in audit.lines()]
    done = (("deleted", None), ("added to", 2), ("created", None))
    assert noted == [("Anna", "collection", *each) for each in done]


def test_leaving_the_group_ends_what_it_opened() -> None:
    shown = collections.create(ANNA, "Ours")
    collections.share(shown.id, ANNA, "group")
    assert collections.find(shown.id, BEN)
    with pytest.raises(BadRequest, match="no such collection"):
        collections.find(shown.id, Person(BEN.id, BEN.name, "member", frozenset({"chess"})))


def test_a_copy_is_ones_own_and_the_original_stays() -> None:
    shown = collections.create(ANNA, "Ours", "about")
    collections.add(shown.id, ANNA, [unit(1), unit(2)], ["a", "b"])
    collections.share(shown.id, ANNA, "group")
    made = collections.copy(shown.id, BEN)
    assert (made.owner, made.title, made.shared, made.count) == (BEN.id, "Copy of Ours", "private", 2)
    assert [each.note for each in collections.items(made)] == ["a", "b"]
    collections.delete(made.id, BEN)
    assert collections.find(shown.id, ANNA).count == 2


def test_one_click_begins_a_collection_and_goes_on_with_the_chosen_one() -> None:
    into, new = collections.keep(ANNA, unit(1))
    assert (into.title, new) == (collections.FIRST, True)
    assert collections.keep(ANNA, unit(1))[1] is False
    other = collections.create(ANNA, "Other")
    collections.choose(ANNA, into.id)
    assert collections.keep(ANNA, unit(2))[0].id == into.id
    collections.delete(into.id, ANNA)
    assert collections.keep(ANNA, unit(3))[0].id == other.id


def test_what_is_too_much_is_refused_and_nothing_of_it_stays() -> None:
    with pytest.raises(BadRequest, match="name is empty"):
        collections.create(ANNA, "   ")
    with pytest.raises(BadRequest, match="200 are allowed"):
        collections.create(ANNA, "x" * 201)
    mine = collections.create(ANNA, "Full")
    with pytest.raises(BadRequest, match="10000 are allowed"):
        collections.add(mine.id, ANNA, [unit(1)], ["x" * 10_001])
    with pytest.raises(BadRequest, match="500 items at most"):
        collections.add(mine.id, ANNA, [unit(number) for number in range(501)])
    assert collections.find(mine.id, ANNA).count == 0


def test_two_processes_that_add_at_once_lose_nothing() -> None:
    mine = collections.create(ANNA, "Both")
    place = stored()
    script = f"""
from engine.sharing import collections
from tests.engine.sharing.conftest import ANNA, unit
import sys
start = int(sys.argv[1])
for number in range(start, start + 20):
    collections.add("{mine.id}", ANNA, [unit(number)])
"""
    running = [subprocess.Popen([sys.executable, "-c", script, str(start)], cwd=ROOT) for start in (0, 100)]
    assert [each.wait(120) for each in running] == [0, 0]
    kept = collections.items(mine)
    assert sorted(each.item.title for each in kept) == sorted(f"Unit {n}" for n in [*range(20), *range(100, 120)])
    assert place in config.store().pins(mine.id)
