"""Verdicts follow from what is seen: all parts, some, none, or too little."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.claims import claim
from engine.claims.claim import FAILS, HOLDS, PARTLY, UNTOLD, Claim, Part, Verdict
from engine.claims.subject import Subject
from engine.core.request import Result
from engine.core.statistics import Estimate
from engine.spatial.layers import LayersRequest

SOME = Subject("starter-vit")


@pytest.mark.parametrize(
    "parts, word",
    [
        ([True, True], HOLDS),
        ([True, False], PARTLY),
        ([True, None], PARTLY),
        ([False, None], FAILS),
        ([False, False], FAILS),
        ([None, None], UNTOLD),
        ([], UNTOLD),
    ],
)
def test_a_claim_of_several_parts_is_judged_by_what_is_seen_of_each(parts: list[bool | None], word: str) -> None:
    assert claim.judged(parts) == word


def test_a_difference_is_seen_when_its_interval_leaves_out_zero() -> None:
    assert claim.sign(Estimate(0.2, 0.1, 0.3)) is True
    assert claim.sign(Estimate(-0.2, -0.3, -0.1)) is False
    assert claim.sign(Estimate(0.2, -0.1, 0.5)) is None
    assert claim.sign(Estimate(0.2, float("nan"), float("nan"))) is None and claim.sign(None) is None


def test_numbers_are_said_with_their_intervals() -> None:
    assert claim.points(Estimate(-0.121, -0.159, -0.084)) == "−12.1 points (−15.9 to −8.4)"
    assert claim.apart(Estimate(-0.121, -0.159, -0.084)) == "12.1 points (8.4 to 15.9)"
    assert claim.percent(Estimate(0.786, 0.761, 0.809)) == "78.6% (76.1 to 80.9)"
    assert claim.plain(Estimate(-0.035, -0.039, -0.03), 3, signed=True) == "−0.035 (−0.039 to −0.030)"


PART = Part("a", "positions", LayersRequest(model="starter-vit"))
KNOWN = Verdict(HOLDS, "the maps are flat.", Estimate(1, 0, 2), "maps", "1 (0 to 2)")
PLAIN = Claim(
    "name",
    "title",
    "says",
    "where",
    "paper",
    "measured",
    lambda _: "",
    lambda _: [PART],
    lambda *_: KNOWN,
    lambda *_: None,
)


def test_without_its_results_a_claim_has_no_verdict() -> None:
    assert PLAIN.verdict(SOME, {}) is None
    assert PLAIN.verdict(SOME, {"spatial-layers-a": Result({})}) == KNOWN


def test_what_stands_against_a_claim_wins_and_what_is_known_is_said_all_the_same() -> None:
    lacking = replace(PLAIN, missing=lambda _: "There are no labels.")
    told = lacking.verdict(SOME, {"spatial-layers-a": Result({})})
    assert told is not None and (told.word, told.number) == (UNTOLD, KNOWN.number)
    assert told.sentence == "There are no labels. What is known: the maps are flat."


def test_where_nothing_can_be_computed_the_reason_is_the_verdict() -> None:
    lacking = replace(PLAIN, missing=lambda _: "There are no labels.", parts=lambda _: [])
    assert lacking.verdict(SOME, {}) == Verdict(UNTOLD, "There are no labels.")
