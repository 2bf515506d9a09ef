"""A step as a graph: taken only where it was measured to pay, for this machine once, and never another result."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core import kept
from engine.visualization.goals import units_of
from engine.visualization.optimization import graphs, optimize
from engine.visualization.optimization.optimize import maximize
from engine.visualization.recipes import FAST
from tests.engine.small import small_vit

SITE = "blocks.1.mlp.hidden"
SHORT = FAST.model_copy(update={"steps": 12})


class Captures:
    """Stands in for CUDA: what it captures runs as it is, and every replay is counted."""

    def __init__(self, error: str = "") -> None:
        self.error, self.shapes, self.replays = error, list[tuple[int, ...]](), 0

    def __call__(self, work: graphs.Work, images: Tensor) -> graphs.Work:
        self.shapes.append(tuple(images.shape))
        if self.error:
            raise RuntimeError(self.error)

        def replay(again: Tensor) -> Tensor:
            assert again.shape == images.shape and again.requires_grad
            self.replays += 1
            return work(again)

        return replay


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Make 16 pictures, one batch, where steps are captured by `captures`, with times measured as given: (plain, graph)."""
    model, plain = small_vit(), graphs.graphed
    changed = kept.settings().model_copy(update={"cache_folder": tmp_path})
    monkeypatch.setattr(kept, "settings", lambda: changed)

    def make(captures: Captures, *times: float, site: str = SITE) -> np.ndarray:
        measured = iter(times)
        monkeypatch.setattr(graphs, "seconds", lambda work, images, device: next(measured))
        monkeypatch.setattr(optimize, "graphed", lambda *about: plain(*about, captures))
        return maximize(model, site, units_of(range(16)), SHORT, seed=0).images

    return make


def leakless(recipe=SHORT) -> int:
    return sum(optimize.leak_at(recipe, step) == 0 for step in range(recipe.steps))


def test_a_graph_that_pays_is_replayed_at_every_step_without_a_leak(captured):
    captures = Captures()
    captured(captures, 2.0, 1.0)
    assert captures.shapes == [(16 * SHORT.copies, 3, 32, 32)]
    assert 0 < captures.replays == leakless() < SHORT.steps


def test_pictures_are_the_same_with_and_without_a_graph(captured):
    plain = maximize(small_vit(), SITE, units_of(range(16)), SHORT, seed=0).images
    assert np.array_equal(captured(Captures(), 2.0, 1.0), plain)


def test_a_graph_that_does_not_pay_is_measured_once_on_a_machine(captured, tmp_path):
    captures = Captures()
    captured(captures, 1.05, 1.0)
    captured(captures)  # nothing is measured, or there would be no time to give
    assert len(captures.shapes) == 1 and captures.replays == 0
    (facts,) = [json.loads(path.read_text()) for path in (tmp_path / "graphs").iterdir()]
    assert facts["times_as_fast"] == 1.05 and facts["pays"] is False and torch.__version__ in facts["machine"]


def test_that_one_pays_is_kept_too(captured):
    captured(Captures(), 2.0, 1.0)
    captures = Captures()
    captured(captures)
    assert captures.replays == leakless()


def test_another_site_is_measured_by_itself(captured):
    captured(Captures(), 1.0, 1.0)
    captures = Captures()
    captured(captures, 2.0, 1.0, site="blocks.0.mlp.hidden")
    assert captures.replays == leakless()


def test_a_step_that_cannot_be_captured_is_run_as_it_is_and_not_tried_again(captured):
    plain = maximize(small_vit(), SITE, units_of(range(16)), SHORT, seed=0).images
    captures = Captures("operation not permitted when stream is capturing")
    assert np.array_equal(captured(captures), plain)
    assert np.array_equal(captured(captures), plain) and len(captures.shapes) == 1


def test_running_out_of_memory_decides_for_this_batch_alone(captured):
    captured(Captures("CUDA out of memory"))
    captures = Captures()
    captured(captures, 2.0, 1.0)
    assert captures.replays == leakless()


def test_on_a_cpu_nothing_is_captured():
    def measure(images: Tensor, leak: float) -> Tensor:
        return images

    assert graphs.graphed(measure, small_vit(), SITE) is measure
