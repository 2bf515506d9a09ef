"""What a collection holds stays in the store, and is let go when nobody else wants it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cache.blob import Blob
from cache.store import ResultStore
from engine.core import config
from engine.core.errors import BadRequest
from engine.jobs import pins
from engine.sharing import collections, holding
from tests.engine.sharing.conftest import ANNA, BEN, KEY, stored, unit


def test_a_kept_result_outlives_trimming_and_its_cost_is_known() -> None:
    place = stored()
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1)])
    config.store().put("later", Blob({"x": np.zeros(1000)}))
    config.store().trim(1)
    assert config.store().has(place)
    assert holding.sizes(holding.keys_of(mine.id)) == {place: config.store().sizes([place])[place]}


def test_deleting_lets_go_what_no_other_collection_and_no_hand_keeps() -> None:
    place = stored()
    hers, his = collections.create(ANNA, "Hers"), collections.create(BEN, "His")
    collections.add(hers.id, ANNA, [unit(1)])
    collections.add(his.id, BEN, [unit(2)])
    collections.delete(hers.id, ANNA)
    assert config.store().pins() == {place}
    pins.pin([KEY])
    collections.delete(his.id, BEN)
    assert config.store().pins() == {place}
    pins.pin([KEY], on=False)
    assert config.store().pins() == set()


def test_taking_one_of_two_items_out_keeps_the_result_that_both_show() -> None:
    place = stored()
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1), unit(2)])
    first, second = collections.items(mine)
    collections.remove(mine.id, ANNA, first.id)
    assert config.store().pins(mine.id) == {place}
    collections.remove(mine.id, ANNA, second.id)
    assert config.store().pins() == set()


def test_unpinning_by_hand_leaves_the_collections_pin() -> None:
    place = stored()
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1)])
    pins.pin([KEY])
    pins.pin([KEY], on=False)
    assert config.store().pins() == {place} == config.store().pins(mine.id)


def test_a_result_that_comes_later_is_pinned_when_it_comes() -> None:
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1)])
    assert config.store().pins() == set()
    place = stored()
    holding.keep_what_ended(KEY)
    assert config.store().pins(mine.id) == {place}


def test_a_person_keeps_no_more_than_the_operator_allows(configured: Callable[..., None]) -> None:
    configured(sharing={"kept_bytes": 1 << 20})
    stored()
    stored("b" * 26, side=700)
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1)])
    with pytest.raises(BadRequest, match="are allowed for each person"):
        collections.add(mine.id, ANNA, [unit(2, results=("b" * 26,))])
    assert collections.find(mine.id, ANNA).count == 1


def test_what_comes_later_is_not_pinned_beyond_what_a_person_may_have(configured: Callable[..., None]) -> None:
    configured(sharing={"kept_bytes": 1 << 20})
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1)])
    stored(side=700)
    holding.keep_what_ended(KEY)
    assert config.store().pins() == set() and "are allowed for each person" in holding.keep(mine.id)
    configured()
    assert holding.keep(mine.id) == "" and len(config.store().pins(mine.id)) == 1


def test_the_collections_of_all_people_leave_room_in_the_store_for_what_nobody_keeps() -> None:
    first, second = stored(side=300), stored("b" * 26, side=300)
    config.store().limit_bytes = 1_000_000
    hers, his = collections.create(ANNA, "Hers"), collections.create(BEN, "His")
    collections.add(hers.id, ANNA, [unit(1), unit(2, results=("c" * 26,))])
    with pytest.raises(BadRequest, match=r"of all people together would hold .* ask whoever runs this server"):
        collections.add(his.id, BEN, [unit(2, results=("b" * 26,))])
    collections.add(his.id, BEN, [unit(1), unit(3, results=())])
    assert config.store().pins(his.id) == {first}, "which is pinned already, and takes no more room"
    stored("c" * 26, side=300)
    holding.keep_what_ended("c" * 26)
    assert config.store().pins() == {first} and "of all people together" in holding.keep(hers.id)
    pins.pin(["b" * 26])
    assert config.store().kept() == {first} and config.store().pins() == {first, second}


def test_a_result_counts_once_however_many_are_kept_that_stand_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    place = stored(side=300)
    config.store().limit_bytes = 1_000_000
    monkeypatch.setattr(ResultStore, "inside", lambda self, key: place)
    mine = collections.create(ANNA, "Mine")
    assert collections.add(mine.id, ANNA, [unit(1, results=("b" * 26,)), unit(2, results=("c" * 26,))]) == 2


def test_what_counts_is_each_result_of_ones_collections_once_whoever_made_it() -> None:
    places = [stored(), stored("b" * 26, side=70), stored("c" * 26, side=90)]
    sizes = config.store().sizes(places)
    mine, more = collections.create(ANNA, "Mine"), collections.create(ANNA, "More")
    others = collections.create(BEN, "Others")
    collections.add(mine.id, ANNA, [unit(1), unit(2, results=("b" * 26,))])
    collections.add(more.id, ANNA, [unit(1), unit(3, results=("d" * 26,))])
    collections.add(others.id, BEN, [unit(4, results=("c" * 26,))])
    assert holding.held_bytes(ANNA.id) == sizes[places[0]] + sizes[places[1]], "d is not stored yet"
    assert holding.held_bytes(BEN.id) == sizes[places[2]] and holding.held_bytes("nobody") == 0


def test_a_public_server_pins_nothing_for_whoever_passes_by(configured: Callable[..., None]) -> None:
    configured(demo=True)
    stored()
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1)])
    assert config.store().pins() == set() and collections.find(mine.id, ANNA).count == 1
