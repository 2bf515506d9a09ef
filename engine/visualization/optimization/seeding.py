"""Random numbers as a pure function of (seed, whose, purpose, step): the same whatever shares the batch, and on every device
(normal ones up to rounding).

From a counter-based generator (see `engine.visualization.optimization.philox`), so that nothing is carried to the device
and no picture waits for another.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from enum import IntEnum

import torch
from torch import Tensor

from engine.visualization.optimization.philox import Key, Philox


class Purpose(IntEnum):
    """What numbers are drawn for. Each has a stream of its own: the value is part of the counter and never changes."""

    START = 0
    COLOUR = 1
    NOISE = 2
    JITTER = 3
    WINDOW = 4
    WINDOW_NOISE = 5


class Draws:
    """The random numbers of a batch: row i belongs to `names[i]` alone, whatever else is in the batch.

    Every method gives float32 (or int64) of shape (rows, *shape) on `device`, and gives the same for the same arguments.
    """

    def __init__(self, seed: int, names: Sequence[Sequence[str | int]], device: torch.device) -> None:
        self.device = device
        self._words = Philox([_key(seed, name) for name in names], device).words

    def uniform(self, purpose: Purpose, step: int, shape: Sequence[int]) -> Tensor:
        """Uniform in [0, 1), multiples of 2^-24."""
        return (self._words(purpose, step, math.prod(shape)) >> 8).float().mul_(2.0**-24).view(-1, *shape)

    def normal(self, purpose: Purpose, step: int, shape: Sequence[int]) -> Tensor:
        """Standard normal, by Box and Muller (1958); nowhere beyond 5.9."""
        count = math.prod(shape)
        half = (count + 1) // 2
        uniform = (self._words(purpose, step, 2 * half) >> 8).float().add_(0.5).mul_(2.0**-24)
        radius, angle = (-2 * uniform[:, :half].log()).sqrt_(), uniform[:, half:] * (2 * math.pi)
        return torch.cat([radius * angle.cos(), radius * angle.sin()], 1)[:, :count].view(-1, *shape)

    def integers(self, purpose: Purpose, step: int, shape: Sequence[int], low: int, high: int) -> Tensor:
        """Integers from low to high, both included: the word times the count of them, over 2^32 (Lemire 2019)."""
        drawn = self._words(purpose, step, math.prod(shape))
        return ((drawn * (high - low + 1)) >> 32).add_(low).view(-1, *shape)


def _key(seed: int, name: Sequence[str | int]) -> Key:
    text = "/".join(str(part) for part in (seed, *name))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
