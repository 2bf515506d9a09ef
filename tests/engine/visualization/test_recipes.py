"""Comparisons: `fast` less one part each, and one line of numbers for a result."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from engine.core.request import Result
from engine.visualization import recipes
from engine.visualization.recipes import (
    ABLATIONS,
    FAST,
    MACO,
    PAPER,
    PAPER_CODE,
    RECIPES,
    Recipe,
    recipe_named,
    register_recipe,
)
from engine.visualization.scores import summary


def test_each_ablation_is_fast_with_only_what_it_names_changed():
    about = {"name", "summary", "source"}
    changed = {
        name: {field for field in FAST.model_dump() if getattr(FAST, field) != getattr(recipe, field)} - about
        for name, recipe in ABLATIONS.items()
    }
    assert changed == {
        "fast-no-jitter": {"jitter"},
        "fast-no-colour": {"colour_shift"},
        "fast-no-smoothing": {"total_variation", "finish", "finish_whole"},
        "fast-no-leak": {"leak"},
        "fast-no-waves": {"parameterization"},
        "fast-no-finish": {"finish", "finish_whole"},
        "fast-bare": {"jitter", "colour_shift", "total_variation", "finish", "finish_whole", "leak"},
    }


def test_requests_may_name_an_ablation_but_it_is_not_offered():
    assert recipe_named("fast-no-leak").leak == 0
    assert not RECIPES.keys() & ABLATIONS.keys()


def test_a_summary_of_four_pictures():
    table = pd.DataFrame(
        {
            "activation": [1.0, 2.0, 3.0, 6.0],
            "ratio_to_best_scene": [0.5, 1.5, 2.5, 9.0],
            "beats_every_scene": [False, True, True, True],
            "failed": [True, False, False, False],
            "seconds": [2.0] * 4,
        }
    )
    found = summary(Result({}, {}, {"units": table}, {}))
    assert (found["pictures"], found["activation"], found["ratio"], found["beat"], found["failed"]) == (
        4,
        3,
        2,
        0.75,
        0.25,
    )
    assert (found["beat_low"], found["beat_high"]) == (pytest.approx(0.301, abs=0.001), pytest.approx(0.954, abs=0.001))
    assert math.isnan(found["spectrum"]) and math.isnan(found["stability"])


MINE = PAPER.model_copy(update={"name": "mine", "summary": "Paper, but quick.", "source": "Ours.", "steps": 40})


@pytest.fixture
def own_recipes(monkeypatch) -> None:
    """Recipes that a test registers are gone after it."""
    for name in ("RECIPES", "ABLATIONS"):
        monkeypatch.setattr(recipes, name, dict(getattr(recipes, name)))


@pytest.mark.usefixtures("own_recipes")
def test_a_registered_recipe_has_a_name_like_the_others() -> None:
    register_recipe(MINE)
    assert recipe_named("mine") == MINE and [*recipes.RECIPES][-1] == "mine"
    register_recipe(MINE)
    assert [*recipes.RECIPES].count("mine") == 1


@pytest.mark.usefixtures("own_recipes")
@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"name": "fast"}, "other settings"),
        ({"name": "fast-bare"}, "other settings"),
        ({"name": "My recipe"}, "cannot be a recipe's name"),
        ({"name": "x" * 41}, "cannot be a recipe's name"),
        ({"steps": 10**9}, "steps"),
    ],
)
def test_a_name_that_is_taken_or_none_and_settings_beyond_limits_are_refused(update, words) -> None:
    with pytest.raises(ValueError, match=words):
        register_recipe(MINE.model_copy(update=update))
    assert "mine" not in recipes.RECIPES


def test_recipes_of_before_keep_their_text_and_so_their_results():
    for recipe in (FAST, PAPER, PAPER_CODE):
        assert recipe.model_dump().keys().isdisjoint({"optimizer", "schedule", "canvas", "view"})
    assert Recipe.model_validate(MACO.model_dump()) == MACO
