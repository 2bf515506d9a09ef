"""Maps that find the object better with depth in both models, in one, in none, and too few images."""

from __future__ import annotations

import pytest

from engine.claims.claim import FAILS, HOLDS, PARTLY, UNTOLD
from engine.claims.depth import CLAIM, MEASURE, figure
from engine.claims.subject import Subject
from tests.engine.claims.planted import SUBJECT, layers

RISING, LEVEL, FALLING = (0.6, 0.7, 0.9), (0.7, 0.7, 0.7), (0.9, 0.8, 0.6)


@pytest.mark.parametrize(
    "vit, cnn, reach, word",
    [
        (RISING, RISING, 0.01, HOLDS),
        (RISING, FALLING, 0.01, PARTLY),
        (FALLING, FALLING, 0.01, FAILS),
        (LEVEL, LEVEL, 0.1, UNTOLD),
        ((float("nan"),) * 3, LEVEL, 0.01, UNTOLD),
    ],
)
def test_each_verdict_from_planted_curves(kinds, vit, cnn, reach: float, word: str) -> None:
    results = {"spatial-layers-a": layers(MEASURE, vit, reach), "spatial-layers-b": layers(MEASURE, cnn, reach)}
    assert CLAIM.tell(SUBJECT, results).word == word


def test_what_could_have_been_seen_is_said(kinds) -> None:
    results = {f"spatial-layers-{side}": layers(MEASURE, LEVEL, 0.1) for side in "ab"}
    assert "one of 0.20 would have been" in CLAIM.tell(SUBJECT, results).sentence


def test_images_without_masks_cannot_tell() -> None:
    photos = Subject("starter-vit", "starter-cnn", "", "photos")
    assert "neither masks nor boxes" in CLAIM.missing(photos) and CLAIM.parts(photos) == []
    assert CLAIM.missing(Subject("starter-vit", "starter-cnn")) == ""


def test_chance_is_drawn_beside(kinds) -> None:
    drawn = figure(SUBJECT, {"spatial-layers-a": layers(MEASURE, RISING)})
    assert drawn is not None and drawn.levels[0].at == 0.5 and len(drawn.series) == 1


@pytest.mark.parametrize(
    "vit, cnn, word",
    [
        (0.9, 0.95, HOLDS),
        (0.02, 0.98, PARTLY),
        (0.5, 0.98, PARTLY),
    ],
)
def test_maps_that_find_the_object_by_marking_what_is_beside_it_are_no_objects(
    kinds, vit: float, cnn: float, word: str
) -> None:
    results = {}
    for side, share in (("a", vit), ("b", cnn)):
        results[f"spatial-layers-{side}"] = layers(MEASURE, RISING)
        table = results[f"spatial-layers-{side}"].tables["layers"]
        table["direction_units"] = 100
        for end, value in (("", share), ("_low", share - 0.02), ("_high", share + 0.02)):
            table[f"object_share{end}"] = value
    told = CLAIM.tell(SUBJECT, results)
    assert told.word == word
    assert "of the units of cnn's last block that mark one side, 9" in told.sentence
    if vit == 0.02:
        assert "of vit's last block that mark one side, 98.0% (96.0 to 100.0) mark the background" in told.sentence
