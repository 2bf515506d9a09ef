"""The measured spectrum: read off at any size."""

from __future__ import annotations

import pytest
import torch

from engine.visualization.spectrum import frequencies, magnitude_at, measured


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
