"""Activation maximization: the paper's recipe exactly, and pictures that do not depend on their company."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.plain import maximize_plainly
from engine.core.errors import BadRequest, Cancelled
from engine.models import catalog
from engine.visualization.goals import Unit
from engine.visualization.optimization import batch_size, optimize
from engine.visualization.optimization.optimize import Run
from engine.visualization.optimization.schedule import rate_at
from engine.visualization.recipes import FAST, FOURIER, MACO, PAPER, PAPER_CODE, RECONSTRUCT, Recipe
from tests.engine.small import small_cnn, small_vit

SITE = "blocks.1.mlp.hidden"

pytestmark = pytest.mark.usefixtures("float32")


def short(recipe: Recipe, steps: int = 6) -> Recipe:
    return recipe.model_copy(update={"steps": steps})


def test_the_paper_recipe_gives_the_picture_of_a_plain_implementation():
    model, steps = small_vit(), 12
    ours = optimize.maximize(model, SITE, [Unit(7)], short(PAPER, steps), seed=3).images[0]
    act = model.module.get_submodule("blocks.1.mlp.act")
    plain = maximize_plainly(model.module, act, 1, 7, (32, 32), model.mean, model.std, seed=3, steps=steps)
    # Adam divides by the size of the gradient, so rounding can turn a step around where it is tiny: compare most pixels.
    apart = np.abs(ours - plain.numpy())
    assert np.median(apart) < 1e-4
    assert (apart < 1e-2).mean() > 0.98


@pytest.mark.parametrize(
    "recipe", [PAPER, PAPER_CODE, FAST, FOURIER, MACO, RECONSTRUCT], ids=lambda recipe: recipe.name
)
@pytest.mark.parametrize(("model", "site"), [(small_vit, SITE), (small_cnn, "stages.2.blocks.0")])
def test_a_picture_has_the_same_bytes_alone_and_in_company(recipe, model, site, monkeypatch):
    """In batches of one size: where it stands in its batch, and what else is in it, makes no difference."""
    monkeypatch.setitem(batch_size.SIZES, "cpu", (4,))
    loaded = model()
    alone = optimize.maximize(loaded, site, [Unit(5)], short(recipe), seed=1)
    company = optimize.maximize(
        loaded, site, [Unit(2), Unit(9), Unit(5), Unit(0), Unit(11), Unit(3)], short(recipe), seed=1
    )
    assert alone.images[0].tobytes() == company.images[2].tobytes()
    assert alone.curves[0].tobytes() == company.curves[2].tobytes()
    assert alone.batches.tolist() == [4] and company.batches.tolist() == [4] * 6


@pytest.mark.parametrize("model", ["vit", "cnn"])
def test_pictures_of_batches_of_different_sizes_agree_far_better_than_pictures_of_different_seeds(model, monkeypatch):
    loaded, site = (small_vit(), SITE) if model == "vit" else (small_cnn(), "stages.2.blocks.0")
    units = [Unit(number) for number in range(8)]

    def ends(sizes: tuple[int, ...], seed: int) -> np.ndarray:
        monkeypatch.setitem(batch_size.SIZES, "cpu", sizes)
        return optimize.maximize(loaded, site, units, short(FAST, 24), seed).curves[:, -4:].mean(1)

    alone, company, other = ends((1,), 0), ends((4,), 0), ends((1,), 1)
    assert np.abs(alone - company).mean() < 0.1 * np.abs(alone - other).mean()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_picture():
    model = small_vit()
    first, again, other = (optimize.maximize(model, SITE, [Unit(4)], short(FAST), seed).images for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes()
    assert np.abs(first - other).mean() > 1e-3


def test_maximizing_ends_above_where_it_began_and_minimizing_below():
    model = small_vit()
    up, down = (
        optimize.maximize(model, SITE, [Unit(3)], short(FAST, 24), 0, Run(direction)).curves[0] for direction in (1, -1)
    )
    assert up[-6:].mean() > up[:6].mean()
    assert up[-6:].mean() > down[-6:].mean()


def test_fast_goes_on_from_its_waves_as_pixels():
    model, whole = small_vit(), short(FAST, 24)
    waves = whole.model_copy(update={"finish": None})
    curve, alone = (optimize.maximize(model, SITE, [Unit(4)], recipe, seed=0).curves[0] for recipe in (whole, waves))
    first = 24 // 8
    assert curve[:first].tobytes() == alone[:first].tobytes()
    assert curve[first] == pytest.approx(alone[first], rel=1e-5)  # the first pixels are the picture that the waves left
    assert [rate_at(whole, step) for step in (first - 1, first)] == pytest.approx([0.197, 0.115], abs=1e-3)


@pytest.mark.slow
def test_the_finish_reaches_what_waves_do_not_in_the_middle_of_a_cnn():
    model = catalog.load("starter-cnn")
    waves = FAST.model_copy(update={"finish": None})
    finished, unfinished = (
        optimize.maximize(model, "stages.1.blocks.1", [Unit(7)], short(recipe, 48), seed=0).curves[0, -1]
        for recipe in (FAST, waves)
    )
    assert finished > 1.2 * unfinished


def test_a_larger_canvas_is_seen_through_windows_of_the_models_size():
    model = small_vit()
    made = optimize.maximize(model, SITE, [Unit(3)], short(MACO, 2), seed=0)
    assert made.images.shape == (1, 3, 73, 73)  # 32 x 512 / 224


def test_minimizing_does_without_the_leak():
    model, fast = small_vit(), short(FAST)
    down, plain = (
        optimize.maximize(model, SITE, [Unit(3)], recipe, 0, Run(direction=-1)).images
        for recipe in (fast, fast.model_copy(update={"leak": 0.0}))
    )
    assert down.tobytes() == plain.tobytes()


@pytest.mark.slow
def test_a_unit_that_is_dead_at_the_start_comes_alive_with_the_leak_and_only_with_it():
    """A real unit that stands where GELU bends down at the start."""
    model, site, fast = catalog.load("starter-vit"), "blocks.6.mlp.hidden", short(FAST, 64)
    dead, alive = (
        optimize.maximize(model, site, [Unit(124)], fast.model_copy(update={"leak": leak}), seed=0).curves[0, -1]
        for leak in (0.0, FAST.leak)
    )
    assert dead < 0.1 < 1 < alive


def test_running_out_of_memory_takes_smaller_batches_and_finishes(monkeypatch):
    monkeypatch.setitem(batch_size.FIXED, "cpu", 1000.0)
    monkeypatch.setattr(batch_size, "_FITTED", {})
    inner, sizes = optimize.maximize_batch, []

    def hungry(aim, *rest):
        sizes.append(len(aim.names))
        if len(aim.names) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return inner(aim, *rest)

    monkeypatch.setattr(optimize, "maximize_batch", hungry)
    pictures = optimize.maximize(small_vit(), SITE, [Unit(number) for number in range(6)], short(FAST, 2), seed=0)
    assert sizes == [16, 4, 1, 1, 1, 1, 1, 1] and len(pictures.images) == 6 and pictures.batches.tolist() == [1] * 6


def test_stopping_in_the_middle_leaves_no_hook_behind():
    model = small_vit()

    def stop(step, images, curve):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        optimize.maximize(model, SITE, [Unit(1)], short(FAST), seed=0, run=Run(watch=stop))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.module.modules())


def test_an_unknown_site_is_a_bad_request():
    with pytest.raises(BadRequest, match=r"no site “blocks.9.mlp.hidden”"):
        optimize.maximize(small_vit(), "blocks.9.mlp.hidden", [Unit(0)], short(FAST), seed=0)
