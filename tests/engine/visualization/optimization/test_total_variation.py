"""Total variation against known answers, and its short way against the long one."""

from __future__ import annotations

import math

import pytest
import torch

from engine.visualization.optimization.augmentation import copies_of
from engine.visualization.optimization.total_variation import of_copies, of_shifted, total_variation
from engine.visualization.recipes import FAST, RECIPES
from tests.engine.small import draws


def test_total_variation_of_a_step_edge_is_counted_by_hand():
    image = torch.zeros(1, 1, 3, 8, 8)
    image[..., 4:] = 1
    # Right: 8 rows differ once. Both diagonals: 7 rows. Down: none.
    assert of_copies(image).item() == pytest.approx(math.sqrt(8) + 2 * math.sqrt(7), rel=1e-5)


def test_total_variation_of_uniform_noise_at_384_pixels_is_the_627_of_the_authors_logs():
    noise = torch.rand(1, 2, 3, 384, 384, generator=torch.Generator().manual_seed(0))
    assert of_copies(noise).item() == pytest.approx(627, abs=3)


def test_total_variation_has_a_finite_gradient_on_a_flat_picture():
    flat = torch.full((1, 1, 3, 8, 8), 0.5, requires_grad=True)
    of_copies(flat).sum().backward()
    assert flat.grad is not None and torch.isfinite(flat.grad).all()


def test_shifted_and_scaled_copies_have_the_total_variation_that_follows_from_the_picture():
    """Two routes to the numbers and to their gradients: over the copies, and over the picture less the seam."""
    pictures = torch.rand(3, 3, 24, 20, generator=torch.Generator().manual_seed(0)).requires_grad_()
    copies = copies_of(pictures, FAST, draws(*range(3)), 5)
    plain = of_copies(copies.images)
    short = of_shifted(pictures, copies.scale, copies.offsets)
    assert torch.allclose(short, plain, rtol=1e-6)
    expected, found = (torch.autograd.grad(each.sum(), pictures, retain_graph=True)[0] for each in (plain, short))
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


@pytest.mark.parametrize("offset", [(0, 0), (1, 0), (0, -1), (-3, 5), (7, 7)])
def test_the_seam_is_where_the_picture_was_cut(offset):
    """A picture that is white right of one column has an edge of known length, wherever the shift puts it."""
    picture = torch.zeros(1, 3, 8, 8)
    picture[..., 4:] = 1
    moved = torch.roll(picture, offset, (2, 3))
    found = of_shifted(picture, torch.ones(1, 1, 3), torch.tensor([[offset]]))
    assert found.item() == pytest.approx(of_copies(moved[:, None]).item(), rel=1e-5)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_is_smoothed_by_the_total_variation_of_its_copies(name):
    pictures = torch.rand(2, 3, 24, 20, generator=torch.Generator().manual_seed(0))
    copies = copies_of(
        pictures, RECIPES[name], draws(0, 1), 5, (16, 16) if RECIPES[name].view else None, noise_size=0.3
    )
    assert torch.allclose(total_variation(pictures, copies), of_copies(copies.images), rtol=1e-5)
    assert copies.whole == (RECIPES[name].view is None and RECIPES[name].noise != "pixel")
