"""A sweep as one value: the same request is the same sweep, however it was spelled."""

from __future__ import annotations

from engine.core.request import build
from engine.sweeps.request import SweepRequest


def test_the_same_request_is_the_same_sweep_however_its_units_are_spelled() -> None:
    one = build(SweepRequest, models=("a", "b", "a"), units="3, 0-2")
    other = build(SweepRequest, models=("a", "b"), units="0:4")
    assert one == other and one.units == "0-3" and one.id == other.id and len(one.id) == 8


def test_another_request_is_another_sweep() -> None:
    fields = [{}, {"units": "0"}, {"sample": 3}, {"part": 8}, {"given": {"seed": 1}}, {"sites": ("mlp.out",)}]
    assert len({build(SweepRequest, models=("a",), **each).id for each in fields}) == len(fields)


def test_its_title_says_what_of_which_units() -> None:
    assert build(SweepRequest, models=("a",), sites=("x", "y"), sample=64).title == "pictures of a: x, y, 64 units each"
