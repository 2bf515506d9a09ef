"""The measured spectrum: read off at any size, and a distance that is small for scenes and large for noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.data.registry import open_dataset
from engine.visualization.spectrum import BINS, frequencies, magnitude_at, measured, radial, spectrum_distance


def test_at_the_scenes_own_size_the_table_itself_comes_back():
    known, frequency = torch.from_numpy(measured()["whitened"]), frequencies((96, 96))
    expected = torch.where(frequency > 0, known / frequency.clamp(min=1e-6), 0.0)
    assert torch.allclose(magnitude_at((96, 96)), expected, rtol=1e-4)


@pytest.mark.parametrize("size", [(32, 32), (224, 224), (40, 57)])
def test_other_sizes_have_the_same_size_of_wave_at_the_same_frequency(size):
    found = magnitude_at(size)
    assert found.shape == (3, size[0], size[1] // 2 + 1)
    assert (found[:, 0, 0] == 0).all() and (found.flatten(1)[:, 1:] > 0).all()
    if size == (224, 224):  # 7 of 224 and 3 of 96 are the same number of cycles a pixel
        own = magnitude_at((96, 96))
        assert found[:, 7, 14] == pytest.approx(own[:, 3, 6].numpy(), rel=1e-3)
        assert found[0, 0, 1] > found[0, 0, 2] > found[0, 0, 4]  # longer waves than any scene holds are larger still


def test_a_wave_stands_in_its_own_bin():
    columns = np.arange(96)
    for cycles in (4, 12, 30):
        wave = (127.5 + 100 * np.sin(2 * np.pi * cycles * columns / 96)).astype(np.uint8)
        profile = radial(np.broadcast_to(wave[None, :, None], (96, 96, 3)).copy())
        edges = np.geomspace(1, 48, BINS + 1)
        assert abs(int(profile.argmax()) - (np.digitize(cycles, edges) - 1)) <= 1


def test_contrast_does_not_count_and_a_steeper_spectrum_does():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(96, 96, 1))
    strong, weak = ((128 + size * noise).clip(0, 255).astype(np.uint8).repeat(3, 2) for size in (30, 10))
    assert np.abs(radial(strong) - radial(weak)).max() < 0.1


def test_scenes_are_near_and_noise_and_grey_are_far():
    data = open_dataset("starter")
    near = [spectrum_distance(data.image(number)) for number in range(0, 3000, 150)]
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    far, share = spectrum_distance(noise)
    assert np.median([distance for distance, _ in near]) == pytest.approx(measured()["distances"][50], rel=0.5)
    assert 20 < np.mean([percentile for _, percentile in near]) < 80
    assert share > 99 and far > 1
    assert spectrum_distance(np.full((96, 96, 3), 128, np.uint8))[1] > 95
