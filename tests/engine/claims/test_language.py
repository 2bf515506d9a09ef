"""A CLIP with more concept units of its own, with more of its layers', with fewer, and with none to tell."""

from __future__ import annotations

import pytest

from engine.claims.claim import FAILS, HOLDS, PARTLY, UNTOLD
from engine.claims.language import CLAIM, figure
from engine.claims.subject import Subject
from tests.engine.claims.planted import SUBJECT, purity


@pytest.mark.parametrize(
    "clip, vit, directions, word",
    [
        (0.3, 0.1, 0.1, HOLDS),
        (0.3, 0.1, 0.3, PARTLY),
        (0.1, 0.3, 0.1, FAILS),
        (0.12, 0.1, 0.1, UNTOLD),
    ],
)
def test_each_verdict_from_planted_shares(kinds, clip: float, vit: float, directions: float, word: str) -> None:
    told = CLAIM.tell(SUBJECT, {"purity-c": purity(clip, directions), "purity-a": purity(vit, 0.1)})
    assert told.word == word, told.sentence


def test_what_was_not_seen_of_single_units_is_not_told_as_equal(kinds) -> None:
    def said(directions: float) -> str:
        return CLAIM.tell(SUBJECT, {"purity-c": purity(0.3, directions), "purity-a": purity(0.1, 0.1)}).sentence

    assert "was not seen" in said(0.3) and "would have been seen in 80% of samples" in said(0.3)
    assert "not in single units" in said(0.4) and "more than of its units" in said(0.4)


def test_the_number_is_the_difference_in_points(kinds) -> None:
    told = CLAIM.tell(SUBJECT, {"purity-c": purity(0.3, 0.1), "purity-a": purity(0.1, 0.1)})
    assert told.shown == "+20.0 points (17.2 to 22.8)"


def test_what_stands_against_it_is_said(kinds) -> None:
    assert "no CLIP is chosen" in CLAIM.missing(Subject("vit", "cnn"))
    assert "cnn has no text tower" in CLAIM.missing(Subject("vit", "cnn", "cnn"))
    assert "a model trained with labels is needed" in CLAIM.missing(Subject("clip", "cnn", "clip"))
    assert "Neither model is a vision transformer" in CLAIM.missing(Subject("cnn", "", "clip"))
    assert "no tags" in CLAIM.missing(Subject("vit", "cnn", "clip", "photos"))
    assert CLAIM.missing(Subject("vit", "cnn", "clip", "starter")) == ""


def test_the_figure_has_what_chance_finds_beside(kinds) -> None:
    drawn = figure(SUBJECT, {"purity-c": purity(0.3, 0.1), "purity-a": purity(0.1, 0.1)})
    assert drawn is not None and [one.colour for one in drawn.series] == [2, 0]
    assert drawn.series[0].x == ("units", "random directions"), "an untrained twin that is not known is not drawn"
