"""What the optimizer moves: valid pictures, one a generator, with the statistics they claim."""

from __future__ import annotations

import pytest
import torch

from engine.parameterize import Fourier, Pixels, parameterize
from engine.randomness import generator

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["pixels", "fourier"])
@pytest.mark.parametrize("size", [(32, 32), (24, 41)])
def test_pictures_lie_in_zero_to_one_at_the_size_asked_for(name, size):
    images = parameterize(name, [generator(0, 1), generator(0, 2)], size, CPU).images()
    assert images.shape == (2, 3, *size)
    assert images.min() >= 0 and images.max() <= 1
    assert not torch.equal(images[0], images[1])


@pytest.mark.parametrize("name", ["pixels", "fourier"])
def test_each_picture_belongs_to_its_generator_alone(name):
    together = parameterize(name, [generator(0, 1), generator(0, 2)], (32, 32), CPU).images()
    alone = parameterize(name, [generator(0, 2)], (32, 32), CPU).images()
    assert torch.equal(together[1], alone[0])


def test_pixels_begin_as_uniform_noise_and_are_clamped_after_a_step():
    pixels = Pixels([generator(0, 1)], (64, 64), CPU)
    assert pixels.images().mean().item() == pytest.approx(0.5, abs=0.01)
    assert pixels.images().std().item() == pytest.approx(12**-0.5, abs=0.01)
    with torch.no_grad():
        pixels.leaf.add_(5)
    pixels.after_step()
    assert pixels.images().max() == 1


def test_waves_begin_near_grey_with_more_power_in_low_frequencies():
    images = Fourier([generator(0, unit) for unit in range(8)], (64, 64), CPU).images().detach()
    assert images.mean().item() == pytest.approx(0.5, abs=0.02)
    power = torch.fft.fft2(images - images.mean((2, 3), keepdim=True)).abs().square().mean((0, 1))
    low, high = power[0, 1:4].mean(), power[0, 20:30].mean()
    assert low > 20 * high


def test_gradients_reach_every_wave():
    waves = Fourier([generator(0, 1)], (16, 16), CPU)
    (waves.images() * torch.rand(16, 16)).sum().backward()
    # The imaginary parts of the constant and of the middle frequency say nothing: a real picture has none.
    assert (waves.leaf.grad != 0).float().mean() > 0.9
