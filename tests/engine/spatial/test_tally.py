"""Sums over images for what is kept per unit: they are what NumPy gives for all images at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.sites.access import Site
from engine.sites.grid import Grid
from engine.spatial import measures
from engine.spatial.depth import Layer
from engine.spatial.images import Batch
from engine.spatial.resamples import ROUNDS, ends, smallest, weights_of
from engine.spatial.tally import Moments, Tally, Weighted, _median

CPU = torch.device("cpu")


def test_the_variance_between_images_is_that_of_their_means() -> None:
    draws = np.random.default_rng(0)
    maps = draws.normal(size=(40, 9, 3)) + draws.normal(size=(40, 1, 3)) * [0, 1, 5] + 100
    maps[..., 0] = 7  # a unit that never changes
    moments, weights = Moments(3, CPU), torch.from_numpy(weights_of(np.arange(40))).double()
    for part in (slice(0, 25), slice(25, 40)):
        moments.add(torch.from_numpy(maps[part]), weights[part])
    between = moments.between()
    assert between.shape == (1 + ROUNDS, 3) and np.isnan(between[:, 0]).all()
    expected = maps.mean(axis=1).var(axis=0)[1:] / maps.reshape(-1, 3).var(axis=0)[1:]
    np.testing.assert_allclose(between[0, 1:], expected, rtol=1e-6)
    assert _median(between)[0] == pytest.approx(np.median(expected))
    assert np.isnan(_median(np.full((2, 3), np.nan))).all()


def test_images_without_a_value_are_left_out_and_resamples_are_weighted() -> None:
    weighted, weights = Weighted(1, CPU), torch.tensor([[2.0] * ROUNDS, [0.0] * ROUNDS, [1.0] * ROUNDS])
    weighted.add(torch.tensor([[0.3], [0.6], [float("nan")]]).double(), weights.double())
    means = weighted.means()
    assert weighted.images == 2 and means[0, 0] == pytest.approx(0.45) and means[1:, 0] == pytest.approx(0.3)
    assert weighted.separation()[0, 0] == pytest.approx(0.55)


def test_a_set_has_the_same_weights_wherever_it_stands_and_of_mean_one() -> None:
    weights = weights_of(np.array([4, 9, 4]))
    assert np.array_equal(weights[0], weights[2]) and not np.array_equal(weights[0], weights[1])
    assert weights_of(np.arange(200)).mean() == pytest.approx(1, abs=0.02)


def test_an_interval_is_as_wide_as_the_resamples_are_spread() -> None:
    values = np.concatenate([[5.0], 5 + np.random.default_rng(0).normal(size=ROUNDS)])
    low, high = ends(values, 1000)
    assert low + high == pytest.approx(10) and high - low == pytest.approx(2 * 1.96, rel=0.15)
    assert smallest(values, 1000) / (high - low) == pytest.approx((1.96 + 0.84) / (2 * 1.96), rel=0.01)
    assert np.isnan(ends(values, 1)).all() and np.isnan(ends(np.full(3, np.nan), 9)).all()


@pytest.mark.parametrize("size", [1, 4, 9])
def test_each_map_is_held_against_the_masks_of_the_three_known_images_before(size: int) -> None:
    """Whatever the batches; images without a mask, or with nothing but object, are passed over."""
    draws = torch.Generator().manual_seed(0)
    maps, masks = torch.rand(9, 16, 2, generator=draws), (torch.rand(9, 4, 4, generator=draws) > 0.5).float()
    masks[3], masks[5] = torch.nan, 1.0
    site = Site("maps", 2, Grid(4, 4), 0, "residual", "maps")
    tally, taken = Tally(site, Layer(site, site), CPU), list[tuple]()
    tally.strongest.add = lambda *given: taken.append(given)  # type: ignore[method-assign]
    weights = torch.from_numpy(weights_of(np.arange(9))).double()
    for part in torch.arange(9).split(size):
        batch = Batch(part.numpy(), part.numpy(), torch.empty(0), masks[part])
        tally.add({"maps": maps[part]}, batch, weights[part], True)
    clusters, own, others = (
        np.concatenate([each[at] for each in taken], axis) for at, axis in ((0, 0), (2, 0), (3, 1))
    )
    known = [0, 1, 2, 4, 6, 7, 8]
    assert clusters.tolist() == known
    assert np.isnan(others[:, 0]).all() and np.isnan(others[1:, 1]).all(), "the first have no three others before them"
    flat = masks.flatten(1)
    for place in (3, 6):
        at, before = known[place], known[place - 3 : place][::-1]
        expected = torch.stack([measures.auroc(maps[at : at + 1], flat[each : each + 1])[0] for each in (at, *before)])
        np.testing.assert_allclose(np.stack([own[place], *others[:, place]]), expected)
