"""A last layer that pools, one that does in part, one that does not, and none that can be asked."""

from __future__ import annotations

import pytest

from engine.claims.claim import FAILS, HOLDS, PARTLY, UNTOLD
from engine.claims.pooling import CLAIM, figure
from engine.claims.subject import Subject
from tests.engine.claims.planted import SUBJECT, last_layer, layers

NAME = "spatial-last-a"


@pytest.mark.parametrize(
    "isolated, patch, cost, reach, word",
    [
        (0.786, 0.757, 0.02, 0.01, HOLDS),
        (0.001, 0.17, 0.02, 0.01, PARTLY),
        (0.001, 0.17, 0.4, 0.01, FAILS),
        (0.43, 0.43, 0.08, 0.2, UNTOLD),
    ],
)
def test_each_verdict_from_planted_accuracies(
    kinds, isolated: float, patch: float, cost: float, reach: float, word: str
) -> None:
    told = CLAIM.tell(SUBJECT, {NAME: last_layer(0.842, isolated, patch, cost, reach)})
    assert told.word == word, told.sentence


def test_the_number_is_what_isolation_leaves(kinds) -> None:
    told = CLAIM.tell(SUBJECT, {NAME: last_layer(0.842, 0.786, 0.757, 0.02)})
    assert told.shown == "78.6% (77.6 to 79.6)" and told.sentence.startswith(
        "vit classifies 84.2% (83.2 to 85.2) correctly as it is"
    )


def test_a_model_without_classes_says_how_flat_its_maps_are_and_no_more(kinds) -> None:
    last = {"map_between": {"difference": 0.26, "interval": [0.19, 0.32]}}
    told = CLAIM.tell(SUBJECT, {"spatial-layers-a": layers("map_between", (0.1, 0.2, 0.5), last=last)})
    assert told.word == UNTOLD and "flatter than those before" in told.sentence
    assert "would have been" not in told.sentence
    last = {"map_between": {"difference": 0.02, "interval": [-0.01, 0.05], "smallest": 0.043}}
    level = CLAIM.tell(SUBJECT, {"spatial-layers-a": layers("map_between", (0.1, 0.2, 0.5), last=last)})
    assert "not seen to differ from" in level.sentence and "one of 4.3 points would have been." in level.sentence
    nothing = CLAIM.tell(SUBJECT, {"spatial-layers-a": layers("map_between", (0.1, 0.2, 0.5))})
    assert nothing.word == UNTOLD and nothing.number is None


def test_the_figure_shows_accuracies_where_there_are_some_else_the_maps(kinds) -> None:
    drawn = figure(SUBJECT, {NAME: last_layer(0.842, 0.786, 0.757, 0.02)})
    assert drawn is not None and drawn.series[0].name == "as it is" and len(drawn.series) == 4
    maps = figure(SUBJECT, {"spatial-layers-a": layers("map_between", (0.1, 0.2, 0.5))})
    assert maps is not None and maps.kind == "lines"
    assert figure(SUBJECT, {}) is None


def test_what_stands_against_it_is_found_out_from_model_and_images() -> None:
    assert CLAIM.missing(Subject("starter-vit")) == ""
    assert "no classes to answer with" in CLAIM.missing(Subject("starter-clip"))
    (only,) = CLAIM.parts(Subject("starter-clip"))
    assert only.request.experiment == "spatial-layers"
    assert "none of the data set's classes" in CLAIM.missing(Subject("starter-vit", data="photos"))
