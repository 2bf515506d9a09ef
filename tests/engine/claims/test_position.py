"""Position that goes in the last block, that fades before, that stays, and too little to tell."""

from __future__ import annotations

import pytest

from engine.claims.claim import FAILS, HOLDS, PARTLY, UNTOLD
from engine.claims.position import CLAIM, figure
from tests.engine.claims.planted import SUBJECT, layers


@pytest.mark.parametrize(
    "curve, reach, word",
    [
        ((0.9, 0.89, 0.88, 0.2), 0.01, HOLDS),
        ((0.9, 0.8, 0.7, 0.55), 0.01, PARTLY),
        ((0.9, 0.7, 0.5, 0.48), 0.01, FAILS),
        ((0.5, 0.5, 0.5, 0.8), 0.01, FAILS),
        ((0.5, 0.5, 0.5, 0.48), 0.1, UNTOLD),
        ((0.9, 0.2), 0.01, UNTOLD),
    ],
)
def test_each_verdict_from_planted_curves(kinds, curve: tuple[float, ...], reach: float, word: str) -> None:
    told = CLAIM.tell(SUBJECT, {"spatial-layers-a": layers("position_r2", curve, reach)})
    assert told.word == word, told.sentence


def test_the_number_is_what_the_last_block_takes(kinds) -> None:
    told = CLAIM.tell(SUBJECT, {"spatial-layers-a": layers("position_r2", (0.9, 0.89, 0.88, 0.2))})
    assert told.number is not None and told.number.value == pytest.approx(0.68) and told.number.low > 0.6
    assert told.shown == "0.68 (0.67 to 0.69)" and "most of the loss is the last block's" in told.sentence


def told(curve: tuple[float, ...], reach: float) -> str:
    return CLAIM.tell(SUBJECT, {"spatial-layers-a": layers("position_r2", curve, reach)}).sentence


def test_what_would_have_been_seen_is_of_what_was_judged(kinds) -> None:
    """The last loss of 0.02 less the mean of two earlier ones, none: by hand, its interval reaches 0.1 times the root of
    1.5² + 1 + 0.5², and what would have been seen is 1.43 times as much. (Of the last loss alone it would be 0.20.)"""
    sentence = told((0.5, 0.5, 0.5, 0.48), 0.1)
    assert "on average (+0.02 (−0.17 to 0.21)); 0.27 more would have been, in 80% of samples" in sentence


def test_in_part_says_whether_the_others_are_known_to_take_as_much(kinds) -> None:
    assert "but the others take 0.20" in told((0.9, 0.8, 0.7, 0.55), 0.001)
    # The last block's 0.18 less the others' 0.20: the interval reaches 0.05 times the root of 2² + 1 + 1.
    sentence = told((0.9, 0.8, 0.7, 0.52), 0.02)
    assert "than all others together (0.20 (0.17 to 0.23)) is not seen, 0.07 more would have been" in sentence


def test_the_vit_is_judged_whichever_side_it_is_on(kinds) -> None:
    turned = SUBJECT.__class__("cnn", "vit", "", "somewhere")
    flat, falls = layers("position_r2", (0.5, 0.5, 0.5)), layers("position_r2", (0.9, 0.9, 0.1))
    assert CLAIM.tell(turned, {"spatial-layers-a": flat, "spatial-layers-b": falls}).word == HOLDS


def test_both_models_are_drawn(kinds) -> None:
    flat = layers("position_r2", (0.5, 0.5, 0.5))
    drawn = figure(SUBJECT, {"spatial-layers-a": flat, "spatial-layers-b": flat})
    assert drawn is not None and [line.colour for line in drawn.series] == [0, 1] and drawn.kind == "lines"
    assert figure(SUBJECT, {}) is None


def test_without_attention_it_cannot_be_told(kinds) -> None:
    alone = SUBJECT.__class__("cnn", "", "", "somewhere")
    assert "cnn has no attention" in CLAIM.missing(alone)
    assert CLAIM.parts(alone) == [] and CLAIM.verdict(alone, {}) is not None, (
        "nothing is computed for a claim that it is not about"
    )


def test_what_is_below_zero_tells_nothing_and_loses_no_more_than_all(kinds) -> None:
    zero, below = (
        CLAIM.tell(SUBJECT, {"spatial-layers-a": layers("position_r2", (0.9, 0.89, 0.88, last), 0.01)})
        for last in (-0.02, -5.0)
    )
    assert zero.number is not None and below.number is not None
    assert below.number.value == zero.number.value == pytest.approx(0.88)
