"""Random numbers by counter: the published generator, the same by both routes, of the stated distributions."""

from __future__ import annotations

import pytest
import torch

from engine.visualization.optimization.seeding import Draws, Purpose

CPU = torch.device("cpu")


def draws(*names: str | int, seed: int = 0) -> Draws:
    return Draws(seed, [(name,) for name in names], CPU)


def test_a_row_is_the_same_alone_and_in_company_and_at_every_call():
    together, alone = draws("a", 7, "b"), draws(7)
    for method in ("uniform", "normal"):
        rows = getattr(together, method)(Purpose.COLOUR, 3, (5, 2))
        assert rows.shape == (3, 5, 2)
        assert torch.equal(rows[1:2], getattr(alone, method)(Purpose.COLOUR, 3, (5, 2)))
        assert torch.equal(rows, getattr(together, method)(Purpose.COLOUR, 3, (5, 2)))


def test_seed_name_purpose_and_step_each_give_other_numbers():
    reference = draws(7).uniform(Purpose.JITTER, 3, (64,))
    others = [
        draws(7, seed=1).uniform(Purpose.JITTER, 3, (64,)),
        draws(8).uniform(Purpose.JITTER, 3, (64,)),
        draws(7).uniform(Purpose.NOISE, 3, (64,)),
        draws(7).uniform(Purpose.JITTER, 4, (64,)),
    ]
    assert all(not (reference == other).any() for other in others)


def test_the_distributions_are_those_that_are_promised():
    uniform = draws(1).uniform(Purpose.START, 0, (200_000,))
    assert uniform.min() >= 0 and uniform.max() < 1
    assert torch.histc(uniform, 20, 0, 1).sub(10_000).abs().max() < 500  # five standard deviations
    normal = draws(1).normal(Purpose.START, 0, (200_001,))[0]
    assert normal.mean().abs() < 0.012 and abs(normal.std() - 1) < 0.01
    assert (normal.abs() < 1).float().mean().item() == pytest.approx(0.6827, abs=0.006)
    assert (normal[:-1] * normal[1:]).mean().abs() < 0.012


def test_every_integer_of_the_range_comes_equally_often():
    counts = torch.bincount(draws(1).integers(Purpose.JITTER, 0, (70_000,), -3, 3).flatten() + 3)
    assert len(counts) == 7 and (counts - 10_000).abs().max() < 500
