"""The strongest images of every unit, kept while a data set streams by.

Invariant: what is kept does not depend on how the images were cut into batches; of equal images the earlier stays.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

HALF = torch.finfo(torch.float16).max


class Strongest:
    """For each of `units` units the `keep` images with the highest value so far, each with its position map."""

    def __init__(self, units: int, keep: int, grid: tuple[int, int], device: torch.device) -> None:
        self._grid, self._keep = grid, keep
        self._values = torch.full((units, keep), -torch.inf, device=device)  # not 0: a unit may be negative everywhere
        self._ids = torch.full((units, keep), -1, dtype=torch.int32, device=device)
        # A map stays where it was put while ranks change around it: moving maps would cost more than all else.
        self._maps = torch.zeros(units, keep, grid[0] * grid[1], dtype=torch.float16, device=device)
        self._slots = torch.arange(keep, device=device).repeat(units, 1)

    def add(self, ids: Tensor, values: Tensor, maps: Tensor) -> None:
        """Images with their numbers (batch,), values (batch, unit) and maps (batch, position, unit), prefix dropped."""
        changed = (values.amax(dim=0) > self._values[:, -1]).nonzero().flatten()
        old, new = self._values[changed], values[:, changed].T
        ranked, order = torch.cat([old, new], dim=1).sort(dim=1, descending=True, stable=True)
        order = order[:, : self._keep]
        self._values[changed] = ranked[:, : self._keep]
        everyone = torch.cat([self._ids[changed], ids.to(self._ids).expand(len(changed), -1)], dim=1)
        self._ids[changed] = everyone.gather(1, order)

        # Those that stay keep their slots; the newcomers take over the slots of as many at the old end.
        entered = order >= self._keep
        number, count = entered.cumsum(dim=1) - 1, entered.sum(dim=1, keepdim=True)
        source = torch.where(entered, self._keep - count + number, order)
        slots = self._slots[changed].gather(1, source)
        self._slots[changed] = slots
        row, place = entered.nonzero(as_tuple=True)
        image, unit = order[row, place] - self._keep, changed[row]
        self._maps[unit, slots[row, place]] = maps[image, :, unit].clamp(-HALF, HALF).to(self._maps.dtype)

    def arrays(self, images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Strongest first: image numbers (units, top) int32, values float32, maps (units, top, h, w) float16.

        `images` is how many were added in all: where that is less than asked for, `top` is that many.
        """
        count = min(self._keep, images)
        ids, values = self._ids[:, :count], self._values[:, :count]
        slots = self._slots[:, :count].unsqueeze(2).expand(-1, -1, self._maps.shape[2])
        maps = self._maps.gather(1, slots)
        return ids.cpu().numpy(), values.cpu().numpy(), maps.unflatten(2, self._grid).cpu().numpy()
