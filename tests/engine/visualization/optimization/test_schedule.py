"""What changes over the steps of a run follows the published schedules."""

from __future__ import annotations

import pytest

from engine.visualization.optimization.schedule import finish_from, leak_at, noise_at, rate_at
from engine.visualization.recipes import FAST, FOURIER, MACO, PAPER, PAPER_CODE


def test_the_schedules_are_the_papers():
    assert rate_at(PAPER, 0) == pytest.approx(0.1)
    assert rate_at(PAPER, 200) == pytest.approx(0.05)
    assert rate_at(PAPER, 400) == pytest.approx(0, abs=1e-12)
    assert [noise_at(PAPER, step) for step in (0, 200, 399)] == [1, 1, 1], "the text knows no annealing"
    assert noise_at(PAPER_CODE, 0) == pytest.approx(0.5 * 398 / 400)
    assert noise_at(PAPER_CODE, 398) == 0 and noise_at(PAPER_CODE, 399) == 0


def test_noise_may_end_anywhere():
    recipe = PAPER.model_copy(update={"steps": 102, "noise_start": 1.0, "noise_end": 3.0})
    assert [noise_at(recipe, step) for step in (49, 100, 101)] == pytest.approx([2.0, 3.0, 3.0], abs=0.01)


def test_the_leak_falls_to_zero_and_the_papers_recipe_has_none():
    recipe = FAST.model_copy(update={"steps": 100, "leak": 0.2, "leak_until": 0.5})
    assert [leak_at(recipe, step) for step in (0, 25, 50, 99)] == pytest.approx([0.2, 0.1, 0.0, 0.0])
    assert leak_at(PAPER, 0) == 0 and leak_at(PAPER_CODE, 0) == 0


def test_the_published_recipes_keep_their_rate():
    assert [rate_at(recipe, 200) for recipe in (FOURIER, MACO)] == [0.05, 1.0]


def test_a_finish_begins_at_its_share_of_the_steps_and_never_at_the_first() -> None:
    assert [finish_from(FAST.model_copy(update={"steps": steps})) for steps in (128, 24, 2)] == [16, 3, 1]
    assert finish_from(PAPER) == PAPER.steps
