"""The published generator, by both routes."""

from __future__ import annotations

import numpy as np
import torch

from engine.visualization.optimization.philox import Philox, as_tensor, by_numpy, by_tensors

KEYS = [(0, 0), (1, 2), (2**64 - 1, 2**63), (0x243F6A8885A308D3, 0x13198A2E03707344)]


def test_tensor_operations_give_the_integers_that_numpy_gives():
    expected = by_numpy(KEYS, 2, 77, 50)
    assert expected.shape == (4, 200) and torch.equal(by_tensors(as_tensor(KEYS), 2, 77, 50), expected)
    counter = np.array([0, 77, 2, 0], np.uint64)
    published = np.random.Philox(counter=counter, key=np.array(KEYS[3], np.uint64)).random_raw(200)
    assert np.array_equal(expected[3].numpy().view(np.uint64), published)


def test_a_device_other_than_the_cpu_gets_the_same_words():
    """Without such a device: its road, with tensors of the CPU."""
    here, there = (Philox(KEYS, torch.device("cpu")) for _ in range(2))
    there._on_device = as_tensor(KEYS)
    assert torch.equal(here.words(3, 5, 21), there.words(3, 5, 21))
    assert here.words(3, 5, 21).max() < 2**32 and here.words(3, 5, 21).min() >= 0
