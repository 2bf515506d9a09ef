"""What the units of a site did so far in a pass over images: their moments, and the images that excite them most.

Invariant: what comes out does not depend on how the images were cut into batches, beyond rounding.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.core.request import Result
from engine.sites.access import Site
from engine.sites.grid import position_mean, spatial

FULL_PRECISION_BYTES = 64 << 20  # a larger table of position means is kept as float16


class Tally:
    """What one site's units did so far: moments, maximum, every image's position mean, and the strongest images."""

    def __init__(self, site: Site, top: int, expected: int, device: torch.device) -> None:
        self.site = site
        grid = (site.grid.height, site.grid.width)
        self._by_mean, self._by_max = (Strongest(site.units, top, grid, device) for _ in range(2))
        self._kept = np.float32 if expected * site.units * 4 <= FULL_PRECISION_BYTES else np.float16
        self._images: list[np.ndarray] = []
        self._means: list[np.ndarray] = []
        self._count = 0
        self._mean, self._squares = np.zeros(site.units), np.zeros(site.units)
        self._maximum = np.full(site.units, -np.inf, np.float32)

    def add(self, ids: Tensor, values: Tensor) -> None:
        """Activations (batch, position, unit) of images with these numbers, prefix tokens included."""
        maps = spatial(values, self.site.grid)
        means, maxima = position_mean(values, self.site.grid), maps.amax(dim=1)
        self._by_mean.add(ids, means, maps)
        self._by_max.add(ids, maxima, maps)
        self._maximum = np.maximum(self._maximum, maxima.amax(dim=0).cpu().numpy())
        self._images.append(ids.numpy().astype(np.int32))
        self._merge(means.cpu().double().numpy())

    def _merge(self, means: np.ndarray) -> None:
        """Mean and sum of squared deviations, merged batch by batch (Chan, Golub and LeVeque 1979): no cancellation."""
        self._means.append(
            means.clip(-HALF, HALF).astype(self._kept) if self._kept is np.float16 else means.astype("f4")
        )
        count, here = len(means), means.mean(axis=0)
        apart, together = here - self._mean, self._count + count
        self._squares += ((means - here) ** 2).sum(axis=0) + apart**2 * (self._count * count / together)
        self._mean += apart * (count / together)
        self._count = together

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return self._by_mean.bytes + self._by_max.bytes + sum(each.nbytes for each in (*self._images, *self._means))

    def result(self, request: dict, facts: dict) -> Result:
        """The tally as a Result, with the facts that all sites of a pass share."""
        std = np.sqrt(self._squares / self._count)
        arrays = {
            "images": np.concatenate(self._images),
            "position_mean": np.concatenate(self._means),
            "mean": self._mean.astype(np.float32),
            "std": std.astype(np.float32),
            "maximum": self._maximum,
        }
        for name, kept in (("top_mean", self._by_mean), ("top_max", self._by_max)):
            arrays[name], arrays[f"{name}_values"], arrays[f"{name}_maps"] = kept.arrays(self._count)
        strongest = arrays["top_mean_values"][:, : max(1, self._count // 10)]
        above = strongest.mean(axis=1, dtype=np.float64) - self._mean
        alive = std > 1e-6 * np.abs(strongest[:, 0])  # below that it is rounding, not change
        arrays["selectivity"] = np.divide(above, std, out=np.zeros_like(std), where=alive).astype(np.float32)
        own = {"images": self._count, "units": self.site.units, "grid": [self.site.grid.height, self.site.grid.width]}
        return Result(request, arrays, {}, {**own, **facts})


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

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return sum(each.nbytes for each in (self._values, self._ids, self._maps, self._slots))

    def arrays(self, images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Strongest first: image numbers (units, top) int32, values float32, maps (units, top, h, w) float16.

        `images` is how many were added in all: where that is less than asked for, `top` is that many.
        """
        count = min(self._keep, images)
        ids, values = self._ids[:, :count], self._values[:, :count]
        slots = self._slots[:, :count].unsqueeze(2).expand(-1, -1, self._maps.shape[2])
        maps = self._maps.gather(1, slots)
        return ids.cpu().numpy(), values.cpu().numpy(), maps.unflatten(2, self._grid).cpu().numpy()
