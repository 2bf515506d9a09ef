"""What only a GPU can show: the same bytes run after run, the CPU's random numbers, no waiting in a step, room running out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.core import devices, kept
from engine.models.loaded import LoadedModel
from engine.visualization.goals import units_of
from engine.visualization.optimization import batch_size, graphs
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.optimization.optimize import PLAIN, _Batch, aim_at, maximize
from engine.visualization.optimization.seeding import Draws, Purpose
from engine.visualization.recipes import FAST, PAPER, RECIPES
from tests.conftest import compute_in
from tests.engine.small import small_cnn, small_vit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

SITE = "blocks.1.mlp.hidden"


def on_gpu(model: LoadedModel) -> LoadedModel:
    model.device = devices.pick()
    model.module.to(model.device)
    return model


def test_random_numbers_are_the_cpus():
    here, there = (Draws(3, [("a",), (7,)], torch.device(kind)) for kind in ("cpu", "cuda"))
    assert torch.equal(
        here.integers(Purpose.JITTER, 4, (9, 2), -32, 32), there.integers(Purpose.JITTER, 4, (9, 2), -32, 32).cpu()
    )
    assert torch.equal(here.uniform(Purpose.COLOUR, 4, (9,)), there.uniform(Purpose.COLOUR, 4, (9,)).cpu())
    assert (here.normal(Purpose.NOISE, 4, (999,)) - there.normal(Purpose.NOISE, 4, (999,)).cpu()).abs().max() < 1e-6


@pytest.mark.parametrize("recipe", [FAST, PAPER], ids=lambda recipe: recipe.name)
@pytest.mark.parametrize(("make", "site"), [(small_vit, SITE), (small_cnn, "stages.2.blocks.0")])
def test_five_runs_give_the_same_bytes(make, site, recipe):
    model = on_gpu(make())
    short = recipe.model_copy(update={"steps": 12})
    runs = {maximize(model, site, units_of(range(4)), short, 0).images.tobytes() for _ in range(5)}
    assert len(runs) == 1


@pytest.mark.parametrize("recipe", sorted(name for name, recipe in RECIPES.items() if recipe.optimizer == "adam"))
def test_a_step_does_not_wait_for_the_device(recipe):
    model = on_gpu(small_vit())
    batch = _Batch(aim_at(model, SITE, units_of(range(4)), module_for_gradients(model)), RECIPES[recipe], 0, PLAIN)
    batch.step(0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        batch.step(1)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
@pytest.mark.parametrize(("make", "site"), [(small_vit, SITE), (small_cnn, "stages.2.blocks.0")])
def test_pictures_have_the_same_bytes_when_their_steps_are_a_graph(monkeypatch, tmp_path, make, site, name):
    compute_in(monkeypatch, name)
    model, short = on_gpu(make()), FAST.model_copy(update={"steps": 24})
    changed = kept.settings().model_copy(update={"cache_folder": tmp_path})
    monkeypatch.setattr(kept, "settings", lambda: changed)
    pictures = []
    for gain in (1.0, 2.0):
        times = iter((gain, 1.0))
        monkeypatch.setattr(graphs, "seconds", lambda work, images, device, times=times: next(times))
        pictures.append(maximize(model, site, units_of(range(4)), short, 0))
        (path,) = (tmp_path / "graphs").iterdir()
        facts = json.loads(path.read_text())
        assert facts["pays"] == (gain > 1), "it could be captured"
        path.unlink()
    assert pictures[0].images.tobytes() == pictures[1].images.tobytes()
    assert pictures[0].curves.tobytes() == pictures[1].curves.tobytes()


def test_both_precisions_reach_the_same_activation(monkeypatch):
    ends = []
    for name in ("float32", "bfloat16"):
        compute_in(monkeypatch, name)
        ends.append(maximize(on_gpu(small_vit()), SITE, units_of(range(8)), FAST, 0).curves[:, -8:].mean())
    assert ends[1] == pytest.approx(ends[0], rel=0.1)


def test_running_out_of_memory_takes_smaller_batches(monkeypatch):
    """A limit that one picture keeps and many do not."""
    model = on_gpu(small_vit())
    monkeypatch.setattr(batch_size, "_FITTED", {})
    short = FAST.model_copy(update={"steps": 2})
    maximize(model, SITE, units_of([0]), short, 0)
    torch.cuda.empty_cache()
    room = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + (8 << 20)) / room)
    try:
        pictures = maximize(model, SITE, units_of(range(64)), short, 0)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert np.isfinite(pictures.images).all() and pictures.batches.max() < 64
