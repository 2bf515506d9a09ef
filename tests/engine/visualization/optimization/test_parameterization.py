"""What the optimizer moves: valid pictures, each of its own random numbers, with the statistics they claim."""

from __future__ import annotations

import pytest
import torch

from engine.visualization.optimization.parameterization import COLOUR_ROOT, Fourier, Maco, Pixels, parameterize
from engine.visualization.spectrum import magnitude_at
from tests.engine.small import draws


@pytest.mark.parametrize("name", ["pixels", "fourier", "maco"])
@pytest.mark.parametrize("size", [(32, 32), (24, 41)])
def test_pictures_lie_in_zero_to_one_at_the_size_asked_for(name, size):
    images = parameterize(name, draws(1, 2), size).images()
    assert images.shape == (2, 3, *size)
    assert images.min() >= 0 and images.max() <= 1
    assert not torch.equal(images[0], images[1])


@pytest.mark.parametrize("name", ["pixels", "fourier", "maco"])
def test_each_picture_belongs_to_its_random_numbers_alone(name):
    together = parameterize(name, draws(1, 2), (32, 32)).images()
    alone = parameterize(name, draws(2), (32, 32)).images()
    assert torch.equal(together[1], alone[0])


def test_pixels_begin_as_uniform_noise_and_are_clamped_after_a_step():
    pixels = Pixels.noise(draws(1), (64, 64))
    assert pixels.images().mean().item() == pytest.approx(0.5, abs=0.01)
    assert pixels.images().std().item() == pytest.approx(12**-0.5, abs=0.01)
    with torch.no_grad():
        pixels.leaf.add_(5)
    pixels.after_step()
    assert pixels.images().max() == 1


def test_waves_begin_near_grey_with_more_power_in_low_frequencies():
    images = Fourier(draws(*range(8)), (64, 64)).images().detach()
    assert images.mean().item() == pytest.approx(0.5, abs=0.02)
    power = torch.fft.fft2(images - images.mean((2, 3), keepdim=True)).abs().square().mean((0, 1))
    low, high = power[0, 1:4].mean(), power[0, 20:30].mean()
    assert low > 20 * high


def test_the_colours_are_those_of_photographs_as_published():
    """Olah et al. 2017 publish the root of the colours' covariance; its longest column has length one here as there."""
    published = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    lengths = published.square().sum(0).sqrt()
    assert torch.allclose(COLOUR_ROOT, published / lengths.max())
    assert COLOUR_ROOT.square().sum(0).sqrt().tolist() == pytest.approx([1.0, 0.2754, 0.1334], abs=1e-3)


@pytest.mark.parametrize("size", [(32, 32), (16, 48), (48, 16)])
def test_a_wave_counts_by_one_over_its_frequency_and_the_constant_like_the_longest(size):
    """By hand: cycles a pixel are k / side along each axis; nothing counts more than one cycle on the longer side."""
    height, width = size
    scale = Fourier(draws(1), size).scale[..., 0]
    assert scale[0, 0].item() == pytest.approx(max(size))
    assert scale[1, 0].item() == pytest.approx(min(height, max(size)))
    assert scale[0, 1].item() == pytest.approx(min(width, max(size)))
    assert scale[3, 4].item() == pytest.approx(1 / ((3 / height) ** 2 + (4 / width) ** 2) ** 0.5, rel=1e-5)
    assert scale[-3, 4].item() == pytest.approx(scale[3, 4].item())


def test_waves_become_a_picture_by_the_published_steps():
    """The same picture, written out: inverse transform over 4, colours mixed, squashed."""
    waves = Fourier(draws(1), (12, 20), spread=1.0)
    scaled = torch.view_as_complex((waves.leaf.detach() * waves.scale).contiguous())
    flat = torch.fft.irfft2(scaled, s=(12, 20), norm="ortho")[0] / 4
    mixed = torch.stack([sum(COLOUR_ROOT[row, c] * flat[c] for c in range(3)) for row in range(3)])
    assert torch.allclose(waves.images()[0].detach(), torch.sigmoid(mixed), atol=1e-5)


def test_gradients_reach_every_wave():
    waves = Fourier(draws(1), (16, 16))
    (waves.images() * torch.rand(16, 16)).sum().backward()
    # The imaginary parts of the constant and of the middle frequency say nothing: a real picture has none.
    assert (waves.leaf.grad != 0).float().mean() > 0.9


def test_phases_move_and_the_sizes_of_waves_stay_those_that_were_measured():
    """After steps in any direction the spectrum of the flat picture is the measured one, wave by wave."""
    waves = Maco(draws(1), (33, 31))  # odd sides: no wave stands for itself and its own mirror image
    with torch.no_grad():
        waves.leaf.add_(torch.randn(waves.leaf.shape, generator=torch.Generator().manual_seed(1)))
    sizes = torch.fft.rfft2(waves.flat(), norm="ortho").abs()[0]
    expected = magnitude_at((33, 31))
    inner = (slice(None), slice(None), slice(1, None))  # the first column holds its own mirror image
    assert torch.allclose(sizes[inner], expected[inner], rtol=1e-3, atol=1e-4)
