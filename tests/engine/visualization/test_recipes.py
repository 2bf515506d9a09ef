"""Comparisons: `fast` less one part each, and one line of numbers for a result."""

from __future__ import annotations

import math

import pandas as pd
import pytest
import torch

from engine.core import choices
from engine.core.request import Result
from engine.visualization import recipes
from engine.visualization.optimization.total_variation import of_copies
from engine.visualization.recipes import (
    ABLATIONS,
    FAST,
    PAPER,
    RECIPES,
    recipe_named,
    register_recipe,
)
from engine.visualization.scoring.table import summary


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


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("paper", {"steps": 400, "copies": 8, "rate": 0.1, "betas": (0.5, 0.99), "total_variation": 0.004,
                   "noise": "pixel", "noise_start": 1.0, "noise_end": 1.0, "clip_rate": 1.0, "made_for": 0,
                   "jitter": 32, "jitter_shared": False, "colour_range": 1.0,
                   "colour_shift": "scale-then-shift", "leak": 0.0, "finish": None, "view": None, "canvas": 1.0}),
        ("paper-code", {"colour_shift": "shift-then-scale", "noise": "channel", "noise_start": 0.5, "noise_end": 0.0,
                        "jitter_shared": True, "steps": 400, "clip_rate": 1.0, "made_for": 0}),
        ("paper-scaled", {"made_for": 384, "jitter": 32, "total_variation": 0.004, "noise": "channel"}),
        ("paper-v30", {"total_variation": 0.12, "noise": "pixel", "noise_end": 1.0, "clip_rate": 1.0}),
        ("paper-code-v30", {"total_variation": 0.12, "noise": "channel", "noise_end": 0.0, "clip_rate": 1.0}),
        ("fourier", {"steps": 512, "copies": 1, "rate": 0.05, "betas": (0.9, 0.999), "total_variation": 0.0,
                     "colour_shift": "none", "noise": "none", "jitter": 0, "schedule": "constant", "leak": 0.0,
                     "finish": None, "parameterization": "fourier"}),
        ("maco", {"steps": 256, "copies": 32, "rate": 1.0, "optimizer": "nadam", "schedule": "constant", "leak": 0.0,
                  "noise": "none", "jitter": 0, "colour_shift": "none", "total_variation": 0.0, "canvas": 512 / 224,
                  "parameterization": "maco", "finish": None}),
        ("reconstruct", {"steps": 400, "copies": 1, "total_variation": 1.0, "colour_shift": "none", "noise": "none",
                         "noise_start": 0.0, "jitter": 0, "leak": 0.0, "parameterization": "pixels"}),
    ],
)  # fmt: skip
def test_published_recipes_are_as_published(name: str, settings: dict) -> None:
    recipe = RECIPES[name]
    assert {field: getattr(recipe, field) for field in settings} == settings


def test_the_names_of_recipes_are_those_of_the_choices() -> None:
    """Command line and pages offer them without reading the recipes."""
    names = {choices.FAST, choices.FOURIER, choices.MACO, choices.RECONSTRUCT, choices.PAPER, choices.PAPER_CODE,
             choices.PAPER_SCALED, choices.PAPER_V30, choices.PAPER_CODE_V30}  # fmt: skip
    assert names == RECIPES.keys() and {*choices.COMPARED_RECIPES} < names and choices.DEFAULT_RECIPE in names
    assert all(name == recipe.name and recipe.summary.endswith(".") for name, recipe in RECIPES.items())


def test_the_papers_text_and_its_code_differ_in_what_the_documents_list() -> None:
    paper, code = RECIPES["paper"], RECIPES["paper-code"]
    differing = {name for name in paper.settings if paper.settings[name] != code.settings[name]}
    assert differing == {"noise", "noise_start", "noise_end", "colour_shift", "jitter_shared"}
    for name in ("paper", "paper-code"):
        thirty = RECIPES[f"{name}-v30"]
        assert thirty.total_variation == pytest.approx(30 * RECIPES[name].total_variation)
        assert {**thirty.settings, "total_variation": 0.004} == RECIPES[name].settings
    assert {**RECIPES["paper-scaled"].settings, "made_for": 0} == code.settings


def test_the_papers_recipes_learn_faster_on_a_clip_alone() -> None:
    for name in ("paper", "paper-code", "paper-scaled", "paper-v30", "paper-code-v30"):
        assert [RECIPES[name].on((384, 384), clip).rate for clip in (False, True)] == [0.1, 1.0]
    assert RECIPES["fast"].on((384, 384), True) == RECIPES["fast"]


def test_a_recipe_made_for_384_pixels_shifts_by_the_same_share_of_any_input() -> None:
    scaled = RECIPES["paper-scaled"]
    assert [scaled.on((side, side), False).jitter for side in (384, 224, 96)] == [32, 19, 8]
    assert scaled.on((384, 384), False) == scaled, "the authors' own size: the authors' own code"
    assert scaled.on((96, 96), False).total_variation == 0.004
    assert RECIPES["paper"].on((96, 96), False).jitter == 32


@pytest.mark.parametrize("side", [224, 96])
def test_a_picture_costs_the_same_at_any_size_with_the_recipe_made_for_384_pixels(side: int) -> None:
    """One smooth picture, resized: its total variation weighs the same against the activation, which is a mean."""
    waves = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    large = torch.nn.functional.interpolate(waves, (384, 384), mode="bicubic")
    small = torch.nn.functional.interpolate(large, (side, side), mode="area" if 384 % side == 0 else "bilinear")
    costs = [
        RECIPES["paper-scaled"].on(picture.shape[-2:], False).total_variation * of_copies(picture[None]).item()
        for picture in (large, small)
    ]
    assert costs[1] == pytest.approx(costs[0], rel=0.05)


def test_keys_tell_pictures_of_before_from_those_that_are_smoothed_alike_at_any_size() -> None:
    for recipe in RECIPES.values():
        assert recipes.fingerprint(recipe).endswith(recipes.SMOOTHED_ALIKE) == (recipe.name == "paper-scaled")


def test_the_windows_of_the_published_recipes_are_theirs() -> None:
    """Lucid: a margin of 12 less the jitters of 8 and 4, zooms of 10%, turns of 10 degrees; xplique: 50% down to 5%."""
    fourier, maco = RECIPES["fourier"].view, RECIPES["maco"].view
    assert fourier is not None and maco is not None
    assert (fourier.side, fourier.zoom, fourier.turn, fourier.noise) == ((140 / 128, 140 / 128), 0.1, 10.0, 0.0)
    assert fourier.shift * 128 == 6
    assert (maco.side, maco.side_spread, maco.centre_spread, maco.noise) == ((0.5, 0.05), 0.05, 0.15, 0.08)
    assert (maco.zoom, maco.shift, maco.turn) == (0, 0, 0)


def test_fast_is_as_it_was_measured() -> None:
    """The numbers of docs/pictures.md are those of these settings; whoever changes one measures anew."""
    finish, whole = FAST.finish, FAST.finish_whole
    assert finish is not None and whole is not None
    assert (finish.after, finish.rate, finish.total_variation) == (0.125, 0.12, 0.001)
    assert (whole.after, whole.rate, whole.total_variation) == (0.5, 0.1, 0.01)
    assert (FAST.steps, FAST.copies, FAST.rate, FAST.total_variation, FAST.total_variation_relative) == (
        128,
        2,
        0.2,
        0.01,
        True,
    )
    assert (FAST.leak, FAST.leak_until, FAST.jitter, FAST.colour_range) == (0.15, 0.3, 32, 0.2)


def test_an_ablation_without_smoothing_smooths_nowhere() -> None:
    for name in ("fast-no-smoothing", "fast-bare"):
        recipe = ABLATIONS[name]
        assert recipe.finish is not None and recipe.finish_whole is not None
        assert (recipe.total_variation, recipe.finish.total_variation, recipe.finish_whole.total_variation) == (0, 0, 0)
        kept = {"total_variation": FAST.finish.total_variation if FAST.finish else 0}
        assert recipe.finish.model_copy(update=kept) == FAST.finish, "only the smoothing is taken away"


def test_each_ablation_turns_its_part_off() -> None:
    off = {name.removeprefix("fast-"): recipe for name, recipe in ABLATIONS.items()}
    assert off["no-jitter"].jitter == off["bare"].jitter == 0
    assert off["no-colour"].colour_shift == off["bare"].colour_shift == "none"
    assert off["no-leak"].leak == off["bare"].leak == 0
    assert off["no-waves"].parameterization == "pixels"
    assert off["no-finish"].finish is off["no-finish"].finish_whole is None


def test_requests_may_name_an_ablation_but_it_is_not_offered():
    assert recipe_named("fast-no-leak").leak == 0
    assert not RECIPES.keys() & ABLATIONS.keys()


def test_a_summary_of_four_pictures():
    table = pd.DataFrame(
        {
            "activation": [1.0, 2.0, 3.0, 6.0],
            "ratio_to_best_scene": [0.5, 1.5, 2.5, 9.0],
            "ratio_as_is": [0.5, 1.0, 2.0, 9.0],
            "beats_every_scene": [False, True, True, True],
            "failed": [True, False, False, False],
            "seconds": [2.0] * 4,
        }
    )
    found = summary(Result({}, {}, {"units": table}, {}))
    told = [found[name] for name in ("pictures", "activation", "ratio", "ratio_as_is", "beat", "good")]
    assert told == [4, 3, 2, 1.5, 0.75, 0.75]
    assert (found["good_low"], found["good_high"]) == (found["beat_low"], found["beat_high"])
    assert (found["beat_low"], found["beat_high"]) == (pytest.approx(0.194, abs=0.001), pytest.approx(0.994, abs=0.001))
    assert math.isnan(found["stability"])


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
