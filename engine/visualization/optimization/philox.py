"""Philox 4x64 with ten rounds (Salmon, Moraes, Dror and Shaw 2011): random words as a function of a key and a counter.

NumPy's own, and on CUDA the same integers by tensor operations: nothing is carried to the device for them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

Key = tuple[int, int]
"""Two words of 64 bits."""

LOW = 0xFFFFFFFF
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10


class Philox:
    """Random words for some keys, on a device."""

    def __init__(self, keys: Sequence[Key], device: torch.device) -> None:
        self._keys, self._device = keys, device
        self._on_device = as_tensor(keys).to(device) if device.type == "cuda" else None

    def words(self, purpose: int, step: int, count: int) -> Tensor:
        """(keys, count) int64: words of 32 bits, in a stream of its own for each key, purpose and step."""
        blocks = -(-count // 8)
        if self._on_device is None:
            wide = by_numpy(self._keys, purpose, step, blocks).to(self._device)
        else:
            wide = by_tensors(self._on_device, purpose, step, blocks)
        return torch.stack([wide & LOW, (wide >> 32) & LOW], dim=2).flatten(1)[:, :count]


def as_tensor(keys: Sequence[Key]) -> Tensor:
    """(keys, 2) int64: the same bits."""
    return torch.tensor([[_as_signed(half) for half in key] for key in keys])


def by_tensors(keys: Tensor, purpose: int, step: int, blocks: int) -> Tensor:
    """Philox 4x64-10 by tensor operations: keys (rows, 2) int64 -> (rows, 4 x blocks) int64, words of 64 bits.

    Block b of a row is the generator's answer to the counter (b + 1, step, purpose, 0), as NumPy counts.
    """
    first = torch.arange(1, blocks + 1, device=keys.device).expand(len(keys), -1)
    counter = [first, torch.full_like(first, step), torch.full_like(first, purpose), torch.zeros_like(first)]
    left, right = keys[:, :1], keys[:, 1:]
    for _ in range(_ROUNDS):
        high0, low0 = _product(counter[0], _MULTIPLIERS[0])
        high1, low1 = _product(counter[2], _MULTIPLIERS[1])
        counter = [high1 ^ counter[1] ^ left, low1, high0 ^ counter[3] ^ right, low0]
        left, right = left + _as_signed(_WEYL[0]), right + _as_signed(_WEYL[1])
    return torch.stack(counter, dim=2).flatten(1)


def _product(word: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """High and low 64 bits of an unsigned product. Tensors have signed integers only: they wrap around, so the low half
    is right as it is, and the high half is added up from halves of 32 bits."""
    above, below = (word >> 32) & LOW, word & LOW
    factor_above, factor_below = factor >> 32, factor & LOW
    corner, left, right = below * factor_below, above * factor_below, below * factor_above
    carried = ((corner >> 32) & LOW) + (left & LOW) + (right & LOW)
    high = above * factor_above + ((left >> 32) & LOW) + ((right >> 32) & LOW) + (carried >> 32)
    return high, word * _as_signed(factor)


def by_numpy(keys: Sequence[Key], purpose: int, step: int, blocks: int) -> Tensor:
    """The same by NumPy's generator."""
    counter = np.array([0, step, purpose, 0], np.uint64)
    rows = [np.random.Philox(counter=counter, key=np.array(key, np.uint64)).random_raw(4 * blocks) for key in keys]
    return torch.from_numpy(np.stack(rows).view(np.int64))


def _as_signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word
