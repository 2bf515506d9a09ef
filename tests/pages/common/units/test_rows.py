"""A view's rows: one request each, made as the view says, of the layers, recipes or sites that it shows."""

from __future__ import annotations

import pytest

from engine.core.address import Address
from engine.evaluation.index import IndexRequest
from engine.visualization.recipes import PAPER, recipe_named
from engine.visualization.request import VisualizeRequest
from engine.visualization.tuning import changed
from pages.common.units import rows as rows_
from pages.common.units.layers import compared, side_by_side, through_depth
from pages.common.units.rows import index_request, refusal, rows
from pages.common.units.view import View

SITE = "blocks.6.mlp.hidden"
A, B = Address("starter-vit", SITE, (0, 3)), Address("starter-cnn", "stages.2.blocks.1", (5,))


def test_a_layer_is_one_row_for_each_model_with_all_that_the_view_says() -> None:
    view = View(a=A, b=B, recipe="paper", tuned="steps:64", seed=7, opposite=True, importance=True, several=2, seeds=3)
    more = {"seed": 7, "opposite": True, "importance": True, "several": 2, "seeds": 3}
    tuned = changed(PAPER, "steps:64")
    assert [(row.side, row.request) for row in rows(view)] == [
        ("a", VisualizeRequest(model=A.model, site=A.site, units=A.units, recipe=tuned, **more)),
        ("b", VisualizeRequest(model=B.model, site=B.site, units=B.units, recipe=tuned, **more)),
    ]


@pytest.mark.parametrize(("shown", "layers"), [("depth", through_depth), ("sites", side_by_side)])
def test_the_depth_and_the_sites_of_a_block_are_a_row_each_under_their_names(shown, layers) -> None:
    made = rows(View(a=A, view=shown))
    assert [row.address for row in made] == layers(A)
    assert [row.name for row in made] == [row.request.site for row in made] and len({row.key for row in made}) == len(
        made
    )


def test_recipes_are_a_row_each_of_the_same_units_under_the_recipes_names() -> None:
    made = rows(View(a=A, view="recipes", tuned="steps:64"))
    assert [row.name for row in made] == [*compared()]
    assert [(row.address, row.request.recipe) for row in made] == [(A, name) for name in compared()]
    assert all(recipe_named(row.name).steps > 64 for row in made), (
        "what was changed of one recipe is not changed of all"
    )


def test_the_index_of_a_layer_does_not_depend_on_its_units() -> None:
    assert index_request(A, "photos") == IndexRequest(model=A.model, site=A.site, data="photos")


def test_a_link_is_refused_where_the_model_has_no_such_unit_unless_its_result_is_there(monkeypatch) -> None:
    lost = View(a=Address(A.model, SITE, (99_999,)))
    assert refusal(View(a=A)) is None
    assert "there is no unit 99999" in (refusal(lost) or "")
    monkeypatch.setattr(rows_.results, "find", lambda key: object())
    assert refusal(lost) is None
