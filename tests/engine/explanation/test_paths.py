"""Pictures that are made of what excites a unit take the way of its images; pictures of something else are flagged."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import BadRequest
from engine.explanation.following import ANOTHER, FOLLOWS, LEAVES, NATURAL, NOISE, OTHER, PART
from engine.explanation.paths import LayerPathsRequest
from tests.engine.explanation.planted import Desk

SITE = "stages.0.blocks.0"


def ways():
    return LayerPathsRequest(model="colours", sites=(SITE,), units=tuple(range(6)), recipes=("brief",)).run(Desk())


def test_pictures_of_a_units_cue_take_its_images_way(world):
    result = ways()
    row = result.tables["follows"].set_index("shown").loc["brief"]
    assert row["part_low"] > PART and row["says"] == FOLLOWS and row["units"] == 6
    curve = result.tables["curve"].set_index(["block", "shown"])["similarity"]
    for block in (SITE, "stages.1.blocks.0"):
        assert curve[block, "brief"] > 0.5 and curve[block, NATURAL] > 0.5
        assert curve[block, OTHER] < 0 and curve[block, NOISE] < curve[block, "brief"]
        assert curve[block, f"brief {ANOTHER}"] < 0.2


def test_pictures_are_counted_over_layers_and_recipes_before_anything_is_loaded(configured):
    configured(limits={"units_per_request": 40})
    fits = {"model": "colours", "sites": (SITE, "other"), "each": 10, "recipes": ("a", "b")}
    LayerPathsRequest(**fits).check_size()
    for more in ({"recipes": ("a", "b", "c")}, {"units": tuple(range(11))}, {"sites": ()}):
        with pytest.raises(BadRequest, match="the limit is 40"):
            LayerPathsRequest(**{**fits, **more}).check_size()


def test_what_is_asked_by_default_of_a_large_model_is_not_too_much(configured):
    configured()
    LayerPathsRequest(model="colours").check_size()


def test_pictures_of_something_else_are_flagged(world, monkeypatch):
    grey = [np.full((32, 32, 3), 40 * place + 20, np.uint8) for place in range(6)]
    monkeypatch.setattr("engine.explanation.paths.pictures", lambda *given: grey)
    rows = ways().tables["follows"].set_index("shown")
    assert rows["says"].to_dict() == {NATURAL: FOLLOWS, "brief": LEAVES}
    assert rows.loc["brief", "part_high"] < PART


def test_a_result_of_before_says_what_changed():
    assert "what part of natural images' lead" in LayerPathsRequest(model="colours").changed_since(1)
    assert "before it was a third" in LayerPathsRequest(model="colours").changed_since(2)
