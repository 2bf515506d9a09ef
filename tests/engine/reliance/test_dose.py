"""Dose and response: models that were trained where the place says more rely on it more, by as much as it says more.

The networks of `python -m starter.make.dose` see pictures; these see what a picture is made of, and are trained in a second.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from engine.core.statistics import Estimate
from engine.reliance.calibration import measured

KINDS, PLACES = 18, 9
HOME = np.arange(KINDS) % PLACES
STRENGTH = 2.0


def features(draws: np.random.Generator, labels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n, KINDS + PLACES): noisy evidence for every kind, and the place."""
    seen = draws.normal(size=(len(labels), KINDS))
    seen[np.arange(len(labels)), labels] += STRENGTH
    return np.column_stack([seen, np.eye(PLACES)[places]])


def elsewhere(draws: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    return (HOME[labels] + draws.integers(1, PLACES, len(labels))) % PLACES


def trained(share: float, seed: int) -> torch.Tensor:
    """(KINDS, KINDS + PLACES): the weights of a linear classifier, trained where this share of scenes is at home."""
    draws = np.random.default_rng(seed)
    labels = np.arange(8000) % KINDS
    places = np.where(draws.random(8000) < share, HOME[labels], elsewhere(draws, labels))
    inputs, targets = torch.from_numpy(features(draws, labels, places)).float(), torch.from_numpy(labels)
    weights = torch.zeros(KINDS, KINDS + PLACES, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(inputs @ weights.T, targets) + 1e-5 * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach()


def relied(share: float) -> tuple[float, Estimate]:
    """(twice the planted log ratio, the reliance of a model trained with this home share)."""
    draws, labels = np.random.default_rng(99), np.arange(720) % KINDS
    away, weights = elsewhere(draws, labels), trained(share, 1)
    at_home = features(draws, labels, HOME[labels])
    moved = np.column_stack([at_home[:, :KINDS], np.eye(PLACES)[away]])  # the same object
    values = (torch.from_numpy(np.stack([at_home, moved], 1)).float() @ weights.T).numpy()
    ratio = math.log(share / ((1 - share) / (PLACES - 1)))
    return 2 * ratio, measured(values, labels, HOME[None] == away[:, None], ratio, (share, 1 - share), labels).mean


def test_models_rely_on_the_place_in_the_order_and_by_the_slope_of_what_it_told_them_in_training():
    doses = [relied(share) for share in (0.3, 0.6, 0.9)]
    planted = np.array([dose for dose, _ in doses])
    fall = np.array([dose * found.value for dose, found in doses])
    assert fall[0] < fall[1] < fall[2]
    assert 0.85 < np.polyfit(planted, fall, 1)[0] < 1.15, "each learnt what the place is worth, no more and no less"
    assert all(abs(found.value - 1) < 0.15 for _, found in doses)
