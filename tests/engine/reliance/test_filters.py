"""Filters: what passes is what the cut-off says, at every size, and bands add up to the image."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from engine.reliance.filters import filtered, kept_radius, radius, ring_energy, ring_shares

SIZE = 48


def waves(*per_image: tuple[float, float]) -> Tensor:
    """(1, 3, 48, 48): middle grey plus waves of (cycles down, cycles across the image), a tenth each."""
    rows, columns = torch.meshgrid(torch.arange(SIZE) / SIZE, torch.arange(SIZE) / SIZE, indexing="ij")
    total = sum(0.1 * torch.cos(2 * math.pi * (down * rows + across * columns)) for down, across in per_image)
    return (0.5 + total).expand(1, 3, SIZE, SIZE).contiguous()


@pytest.mark.parametrize("shape", ["ideal", "gaussian"])
@pytest.mark.parametrize("size", [(48, 48), (33, 50), (31, 31)])
def test_a_low_pass_at_1_changes_no_pixel(shape, size):
    images = torch.rand(4, 3, *size, generator=torch.Generator().manual_seed(0))
    assert (filtered(images, [(0, 1)], shape)[:, 0] - images).abs().max() < 1e-5


@pytest.mark.parametrize("shape", ["ideal", "gaussian"])
@pytest.mark.parametrize("size", [(48, 48), (33, 50)])
def test_bands_add_up_to_the_image(shape, size):
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    parts = filtered(images, [(0, 0.2), (0.2, 0.5), (0.5, 1)], shape)
    parts[:, 1:] -= 0.5  # bands stand about middle grey
    torch.testing.assert_close(parts.sum(1), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(48, 48), (33, 50), (31, 45)])
def test_parseval_holds_for_the_rings(size):
    images = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(ring_energy(images, 20).sum(1), (images**2).sum((1, 2, 3)), rtol=1e-5, atol=0)
    torch.testing.assert_close(ring_shares(images, 20).sum(1), torch.ones(3))


def test_a_wave_stands_in_the_ring_of_its_frequency_and_passes_where_it_must():
    """6 cycles across 48 pixels are a quarter of Nyquist; 9 down and 12 across are 15, five eighths."""
    slow, fast = (0, 6), (9, 12)
    images = waves(slow, fast)
    energy = ring_energy(images - 0.5, 16)[0]
    assert (energy.argsort(descending=True)[:2].sort().values + 1).tolist() == [4, 10]
    low, high, band = filtered(images, [(0, 0.3), (0.3, 1), (0.2, 0.3)])[0]
    torch.testing.assert_close(low, waves(slow)[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(high, waves(fast)[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(band, waves(slow)[0], atol=1e-5, rtol=0)


def test_a_gaussian_halves_a_wave_at_the_cut_off():
    halved = filtered(waves((0, 12)), [(0, 0.5)], "gaussian")[0, 0]
    torch.testing.assert_close(halved - 0.5, (waves((0, 12))[0] - 0.5) / 2, atol=1e-5, rtol=0)


def test_cut_offs_mean_the_same_at_every_size():
    for side in (48, 96):
        assert radius(side, side)[0, side // 4] == 0.5
        assert radius(side, side).max() == 1.0, "the corners count to the last ring"


def test_a_cutoff_keeps_no_more_than_the_image_holds():
    """At 96 pixels frequencies are 48ths of Nyquist down and across: below 0.1 the highest has four and two of them."""
    assert kept_radius((96, 96), 0.1, "ideal") == pytest.approx(math.hypot(4, 2) / 48)
    assert kept_radius((96, 96), 0.02, "ideal") == 0, "only the mean is left"
    assert kept_radius((224, 224), 0.02, "ideal") == pytest.approx(math.hypot(2, 1) / 112)
    assert kept_radius((96, 96), 1.0, "ideal") == 1
    assert kept_radius((96, 96), 0.1, "gaussian") == kept_radius((96, 96), 0.1, "ideal"), (
        "half the amplitude at the cut-off"
    )
