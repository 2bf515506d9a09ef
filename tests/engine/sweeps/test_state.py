"""A sweep on disk: written by one process, stopped by another, damaged by none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core import config
from engine.core.errors import BadRequest, Forbidden
from engine.core.request import build
from engine.people import audit
from engine.people.person import Person
from engine.sweeps import state
from engine.sweeps.request import SweepRequest
from engine.sweeps.state import Progress


def begun(**fields: object) -> state.Sweep:
    return state.begin(build(SweepRequest, **{"models": ("small-vit",), **fields}), "ann")


def test_what_was_begun_is_found_and_listed_the_latest_first() -> None:
    first, second = begun(), begun(units="0-3")
    assert state.find(first.id) == first and first.wishes == {"ann": "on"}
    assert [each.id for each in state.listed()] == [second.id, first.id]
    state.forget(first, Person("ann", role="member"))
    assert [each.id for each in state.listed()] == [second.id]


def test_beginning_the_same_again_goes_on_with_it() -> None:
    first = begun()
    state.want(first.id, "paused")
    state.note(first.id, Progress(done=3, parts=5))
    again = state.begin(first.request, "ann")
    assert (again.id, [*again.wishes], again.begun, again.progress.done) == (first.id, ["ann"], first.begun, 3)
    assert again.wanted == "on"


def test_how_a_sweep_stands_follows_from_who_works_on_it_and_what_is_wanted() -> None:
    sweep = begun()
    assert sweep.status == "interrupted", "nobody works on it"
    state.note(sweep.id, Progress(process=config.store().mark.id, done=1, parts=2))
    assert state.find(sweep.id).status == "running"
    state.note(sweep.id, Progress(process="0" * 16, done=1, parts=2))
    assert state.find(sweep.id).status == "interrupted", "that process is gone"
    state.want(sweep.id, "paused")
    assert state.find(sweep.id).status == "paused"
    state.note(sweep.id, Progress(done=2, parts=2))
    assert state.find(sweep.id).status == "done"


def test_a_sweep_that_ended_with_parts_that_failed_is_on_no_more() -> None:
    sweep, mine = begun(), config.store().mark.id
    state.note(sweep.id, Progress(process=mine, done=1, parts=3, failed={"b": "It was damaged."}))
    assert state.find(sweep.id).status == "running", "a part is left"
    state.note(sweep.id, Progress(process=mine, done=2, parts=3, failed={"b": "It was damaged."}))
    assert state.find(sweep.id).status == "failed"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"done": []}', '{"request": 3}', '{"wanted": "x"}'])
def test_a_damaged_file_counts_as_missing(text: str) -> None:
    sweep = begun()
    for path in (state.folder() / sweep.id).glob("[wp]*.json"):
        path.write_text(text)
    found = state.find(sweep.id)
    assert found.wanted == "on" and isinstance(found.progress, Progress)
    (state.folder() / sweep.id / "request.json").write_text(text)
    assert state.listed() == []


@pytest.mark.parametrize("id", ["", "..", "../results", "0123456", "0123456G", "0123456g", "/etc", "01234567/.."])
def test_an_id_is_never_a_path(id: str) -> None:
    for use in (state.find, lambda id: state.want(id, "on")):
        with pytest.raises(BadRequest, match="not the id of a sweep"):
            use(id)


def test_nobody_but_its_owner_and_operators_stops_a_sweep_or_removes_it() -> None:
    sweep = begun()
    stranger, ann, operator = (
        Person("eve", role="member"),
        Person("ann", role="member"),
        Person("root", role="operator"),
    )
    for use in (lambda who: state.stop(sweep, who, "cancelled"), lambda who: state.forget(sweep, who)):
        with pytest.raises(Forbidden, match="another person's"):
            use(stranger)
    assert state.find(sweep.id).wanted == "on"
    state.stop(sweep, operator, "paused")
    state.stop(sweep, ann, "cancelled")
    assert state.find(sweep.id).wanted == "cancelled"


ANN, BOB, OPERATOR = Person("ann", role="member"), Person("bob", role="member"), Person("root", role="operator")


def test_whoever_asks_for_the_same_owns_it_too_and_takes_nothing_from_the_first() -> None:
    first = begun()
    state.stop(first, ANN, "paused")
    both = state.begin(first.request, "bob")
    assert both.wishes == {"ann": "paused", "bob": "on"} and both.wanted == "on"
    assert state.may_stop(both, ANN) and state.may_stop(both, BOB)
    assert (both.wanted_by(ANN), both.wanted_by(BOB), both.wanted_by(OPERATOR)) == ("paused", "on", "on")


def test_a_sweep_of_several_stops_when_none_of_them_wants_it_any_more() -> None:
    sweep = state.begin(begun().request, "bob")
    state.stop(sweep, ANN, "cancelled")
    assert state.find(sweep.id).wanted == "on"
    state.stop(sweep, BOB, "paused")
    assert state.find(sweep.id).wanted == "paused", "one of them means to go on some time"
    state.go_on(sweep, ANN)
    assert state.find(sweep.id).wishes == {"ann": "on", "bob": "paused"}
    state.stop(sweep, OPERATOR, "paused")
    assert state.find(sweep.id).wishes == {"ann": "paused", "bob": "paused"}, "an operator stops it for all"
    state.go_on(sweep, OPERATOR)
    assert state.find(sweep.id).wishes == {"ann": "on", "bob": "on"}


def test_who_stops_or_forgets_a_sweep_is_noted_down(configured: Callable[..., None]) -> None:
    configured(access={"audit": True})
    sweep = begun()
    state.stop(sweep, ANN, "paused")
    state.stop(sweep, OPERATOR, "cancelled")
    state.forget(sweep, ANN)
    noted = [(line["person"], line["did"], line["outcome"], line["key"]) for line in audit.lines()]
    done = (("ann", "forgotten"), ("root", "cancelled"), ("ann", "paused"))
    assert noted == [(who, "sweep", outcome, sweep.id) for who, outcome in done]


def test_forgetting_a_sweep_leaves_it_to_the_others_who_want_it() -> None:
    sweep = state.begin(begun().request, "bob")
    state.forget(sweep, ANN)
    left = state.find(sweep.id)
    assert left.wishes == {"bob": "on"} and not state.may_stop(left, ANN)
    assert state.of(ANN) == [] and state.of(BOB) == [left]
    assert not [path for path in (state.folder() / sweep.id).iterdir() if '"ann"' in path.read_text()]
    state.forget(left, BOB)
    assert state.listed() == []


@pytest.mark.parametrize("wanted", ["on", "paused"])
def test_a_sweep_of_when_there_was_one_owner_alone_is_read(wanted: state.Wanted) -> None:
    sweep = begun()
    place = state.folder() / sweep.id
    for path in place.glob("wanted-*.json"):
        path.unlink()
    (place / "wanted.json").write_text(f'{{"wanted": "{wanted}"}}')
    assert state.find(sweep.id).wishes == {"ann": wanted}
    assert state.begin(sweep.request, "bob").wishes == {"ann": wanted, "bob": "on"}
