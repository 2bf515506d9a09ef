"""Pictures of feed-forward units that read better than all others, than some, than none, and too few units to tell."""

from __future__ import annotations

import numpy as np
import pytest

from engine.claims.claim import FAILS, HOLDS, PARTLY, UNTOLD
from engine.claims.figure import GAP
from engine.claims.reading import CLAIM, ROLES, figure, sites, strips
from engine.claims.subject import Subject
from tests.engine.claims.planted import SUBJECT, explained


@pytest.mark.parametrize(
    "hidden, query, key, value, units, word",
    [
        (0.9, 0.6, 0.6, 0.6, 40, HOLDS),
        (0.8, 0.6, 0.8, 0.9, 40, PARTLY),
        (0.6, 0.8, 0.8, 0.9, 40, FAILS),
        (0.8, 0.8, 0.8, 0.8, 40, UNTOLD),
        (0.8, 0.6, 0.6, 0.6, 1, UNTOLD),
    ],
)
def test_each_verdict_from_planted_answers(
    kinds, hidden: float, query: float, key: float, value: float, units: int, word: str
) -> None:
    told = CLAIM.tell(SUBJECT, {"explains-a": explained(hidden, query, key, value, units)})
    assert told.word == word, told.sentence


def test_the_number_is_feed_forward_less_the_others(kinds) -> None:
    told = CLAIM.tell(SUBJECT, {"explains-a": explained(0.9, 0.6, 0.6, 0.6)})
    assert told.number is not None and told.number.value == pytest.approx(0.3, abs=0.02)
    assert all(f"against {other}" in told.sentence for other in ("queries", "keys", "values"))


def test_the_card_the_sentence_and_the_figure_name_the_recipe_and_that_it_is_not_the_papers(kinds) -> None:
    result = explained(0.9, 0.6, 0.6, 0.6)
    drawn = figure(SUBJECT, {"explains-a": result})
    assert drawn is not None and "recipe “fast”" in CLAIM.tell(SUBJECT, {"explains-a": result}).sentence
    for said in (CLAIM.measured, drawn.caption):
        assert "recipe “fast”" in said and "begins from noise in pixels and was not used" in said


def test_the_card_says_which_difference_so_many_units_would_show() -> None:
    assert "12 units of each kind in each of two blocks would show a difference of about 20 points" in CLAIM.measured


@pytest.mark.parametrize("role, word", [("mlp.hidden", FAILS), ("attn.value", PARTLY)])
def test_what_all_pictures_of_a_kind_of_layer_tell_decides_nothing(kinds, role: str, word: str) -> None:
    """One kind is read better than the others, but another unit's picture serves as well: it has nothing to say of its unit."""
    right = {each: 0.9 if each == role else 0.7 for each in ROLES}
    told = CLAIM.tell(SUBJECT, {"explains-a": explained(*right.values(), common={role: 0.9})})
    assert told.word == word, told.sentence


def test_pictures_that_were_never_held_against_another_units_settle_nothing(kinds) -> None:
    result = explained(0.9, 0.6, 0.6, 0.6)
    result.tables["units"] = result.tables["units"].query("shown != 'fast of another unit'")
    assert CLAIM.tell(SUBJECT, {"explains-a": result}).word == UNTOLD


def test_four_kinds_of_layers_are_asked_about_in_two_blocks() -> None:
    named = sites("starter-vit")
    assert len(named) == 8 and {name.split(".", 2)[2] for name in named} == set(ROLES)
    assert sites("starter-cnn") == []
    (part,) = CLAIM.parts(Subject("starter-vit", "starter-cnn"))
    assert part.request.model_dump()["sites"] == tuple(named)


def test_twenty_photos_are_too_few_to_show_some_and_ask_about_others() -> None:
    photos = Subject("starter-vit", data="photos")
    assert "has 20 images" in CLAIM.missing(photos) and "26" in CLAIM.missing(photos) and CLAIM.parts(photos) == []


def test_the_pictures_are_those_of_the_units_that_were_asked_about(kinds) -> None:
    result = explained(0.9, 0.6, 0.6, 0.6, units=5)
    result.arrays["pictures_fast"] = np.repeat(np.arange(20, dtype=np.uint8), 8 * 8 * 3).reshape(20, 8, 8, 3)
    shown = strips(SUBJECT, {"explains-a": result})
    assert [each.label for each in shown] == [*ROLES.values()] and strips(SUBJECT, {}) == []
    keys = shown[2].pictures
    assert keys.shape == (96, 4 * 96 + 3 * GAP, 3) and keys[0, 0, 0] == 10 and keys[0, -1, 0] == 13, (
        "units 0 to 3 of the keys"
    )
    assert "units 0, 1, 2, 3 of vit, blocks.2.attn.key" in shown[2].says


def test_the_figure_has_the_control_beside(kinds) -> None:
    drawn = figure(SUBJECT, {"explains-a": explained(0.9, 0.6, 0.6, 0.6)})
    assert (
        drawn is not None
        and drawn.series[0].x == tuple(ROLES.values())
        and [s.colour for s in drawn.series] == [0, None]
    )


def test_an_observer_that_tells_nothing_from_top_images_settles_nothing(kinds) -> None:
    told = CLAIM.tell(SUBJECT, {"explains-a": explained(0.9, 0.6, 0.6, 0.6, top=0.5)})
    assert told.word == UNTOLD and "Shown top images, the observer, cnn, is right in 50.0%" in told.sentence


def test_the_pairs_other_model_is_the_observer_and_the_starters_key_stays_what_it_was() -> None:
    (own,) = CLAIM.parts(Subject("starter-vit", "starter-cnn"))
    assert own.request.model_dump()["observer"] == "", "what ships was asked for so"
    (other,) = CLAIM.parts(Subject("starter-vit", "starter-clip"))
    assert other.request.model_dump()["observer"] == "starter-clip"
    (alone,) = CLAIM.parts(Subject("starter-vit"))
    assert alone.request.key() == own.request.key()
