"""One layer's measurements while images stream by: a number an image, and sums over images for what is kept per unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core import devices
from engine.core.statistics import estimate
from engine.sites.access import Site
from engine.sites.grid import spatial
from engine.spatial import images, measures
from engine.spatial.depth import Layer
from engine.spatial.resamples import ROUNDS, interval
from engine.spatial.strongest import LEAST, OTHERS, Strongest

UNITS = 192
"""Units of a layer whose maps are compared with the masks: evenly spaced numbers, where it has more."""
EACH = ("self_retrieval", "position_r2", "homogeneity", "map_uniformity")
"""What is a number an image."""
MEDIANS = ("localisation_strongest", "localisation_auroc", "map_between")
"""What is a median over units."""


class Tally:
    """One layer's measurements so far."""

    def __init__(self, entry: Site, layer: Layer, device: torch.device) -> None:
        self.entry, self.layer = entry, layer
        grid = layer.tokens.grid
        self.retrieves = layer.tokens.units == entry.units and grid == entry.grid
        self.chosen = torch.linspace(0, layer.maps.units - 1, min(UNITS, layer.maps.units), device=device).long()
        self._ridge = measures.Ridge(grid.height, grid.width, device)
        self._each: dict[str, list[Tensor]] = {name: [] for name in EACH}
        self._clusters: dict[str, list[np.ndarray]] = {name: [] for name in EACH}
        exact = devices.exact(device)
        self.auroc, self._control = (Weighted(len(self.chosen), exact) for _ in range(2))
        self._moments = Moments(len(self.chosen), exact)
        self.strongest = Strongest(len(self.chosen))
        self.masks_known = False
        self._masks_before = torch.full(
            (OTHERS, layer.maps.grid.height * layer.maps.grid.width), torch.nan, device=device
        )

    def add(self, values: dict[str, Tensor], batch: images.Batch, weights: Tensor, fitting: bool) -> None:
        """Take in what the sites of this layer gave on a batch, and how often its images count in each resample."""
        layer = self.layer
        tokens = spatial(values[layer.tokens.name], layer.tokens.grid).float()
        if self.retrieves:
            inputs = spatial(values[self.entry.name], self.entry.grid)
            self._keep("self_retrieval", measures.self_retrieval(tokens, inputs), batch)
        self._keep("homogeneity", measures.homogeneity(tokens), batch)
        if fitting:
            self._ridge.fit(tokens)
        else:
            self._keep("position_r2", self._ridge.score(tokens), batch)
        maps = spatial(values[layer.maps.name], layer.maps.grid)
        self._keep("map_uniformity", measures.homogeneity(maps), batch)
        self._compare(maps[..., self.chosen].float(), batch, weights)

    def _keep(self, name: str, values: Tensor, batch: images.Batch) -> None:
        self._each[name].append(values.cpu())
        self._clusters[name].append(batch.clusters)

    def _compare(self, maps: Tensor, batch: images.Batch, weights: Tensor) -> None:
        """The chosen units' maps (B, position, unit) with the images' masks, and with those of the images before."""
        self._moments.add(maps, weights)
        grid = self.layer.maps.grid
        here = images.on_grid(batch.masks, grid.height, grid.width)
        self.masks_known |= not bool(here.isnan().all())
        both = here.amin(dim=1) < here.amax(dim=1)  # positions on and off the object; never where a mask is not known
        if not both.any():
            return
        maps, weights, known = maps[both], weights[both.to(weights.device)], here[both]
        masks = torch.cat([self._masks_before, known])
        # As many images back; the first ones have no other before them, and a mask of nothing gives NaN.
        back = [masks[OTHERS - by : len(masks) - by].nan_to_num() for by in range(1, OTHERS + 1)]
        own, *others = (measures.auroc(maps, mask) for mask in (known, *back))
        self._masks_before = masks[-OTHERS:]
        for tally, aurocs in ((self.auroc, own), (self._control, others[0])):
            tally.add(aurocs.to(weights.device).double(), weights)
        self.strongest.add(batch.clusters[both.cpu().numpy()], maps.mean(dim=1), own, torch.stack(others))

    def row(self) -> tuple[dict[str, Any], dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """(columns of the table of curves; each curve there is: (image,) or, of medians over units, (1 + rounds,); the
        chosen units' separation (U,) over all images, and on their strongest, NaN where it is not known)."""
        row, curves = dict[str, Any](), dict[str, np.ndarray]()
        unknown = np.full(len(self.chosen), np.nan)
        over_all, strongest = unknown, unknown
        if self.auroc.images:
            separation = self.auroc.separation()
            over_all, curves["localisation_auroc"] = separation[0], np.median(separation, axis=1)
            row |= self._over_all(separation, curves["localisation_auroc"])
        if self.strongest.enough:
            separation = self.strongest.separation()
            strongest, curves["localisation_strongest"] = separation[0], _median(separation)
            row |= self.strongest.row(separation, curves["localisation_strongest"])
        curves["map_between"] = _median(self._moments.between())
        row |= interval("map_between", curves["map_between"], self.sets)
        for name in EACH:
            if self._each[name]:
                curves[name] = torch.cat(self._each[name]).double().numpy()
                value, low, high = estimate(curves[name], clusters=self.clusters(name))
                row |= {name: value, f"{name}_low": low, f"{name}_high": high}
        return row, curves, over_all, strongest

    def clusters(self, name: str) -> np.ndarray:
        """Which images belong together, of those that this curve was measured on."""
        return np.concatenate(self._clusters[name])

    @property
    def sets(self) -> int:
        """How many clusters of images there are."""
        return len(np.unique(self.clusters("homogeneity")))

    @property
    def scored(self) -> int:
        """Images that positions were read from."""
        return sum(map(len, self._each["position_r2"]))

    def _over_all(self, separation: np.ndarray, medians: np.ndarray) -> dict[str, Any]:
        quarter, three = np.percentile(separation[0], (25, 75))
        control = float(np.median(self._control.separation()[0])) if self._control.images else np.nan
        row = interval("localisation_auroc", medians, self.sets)
        row |= {"localisation_quartile_1": quarter, "localisation_quartile_3": three}
        return row | {"localisation_control": control}

    def missing(self, model: str) -> Iterator[str]:
        """Why a layer has not every curve."""
        if not self.auroc.images and self.masks_known:
            yield f"For {self.layer.maps.name}, no image has positions both on and off its object."
        elif not self.auroc.images:
            yield "Localisation requires masks or boxes, and this data set has neither."
        elif not self.strongest.enough:
            yield f"Localisation on the strongest images requires {LEAST + OTHERS} images with masks or boxes."
        if not self.retrieves:
            yield (
                f"Self-retrieval requires blocks with the width and positions of the embedded patches; {model} changes them."
            )


class Weighted:
    """Means over images of a value for each unit, as measured and under each resampling of the images."""

    def __init__(self, units: int, device: torch.device) -> None:
        self.images = 0
        self._sums = torch.zeros(ROUNDS + 1, units, dtype=torch.float64, device=device)
        self._counts = torch.zeros(ROUNDS + 1, dtype=torch.float64, device=device)

    def add(self, values: Tensor, weights: Tensor) -> None:
        """Values (B, unit); an image whose values are NaN has none."""
        there = ~values.isnan().any(dim=1)
        values, weights = values[there], torch.cat([torch.ones_like(weights[:, :1]), weights], dim=1)[there]
        self._sums += weights.T @ values
        self._counts += weights.sum(dim=0)
        self.images += len(values)

    def means(self) -> np.ndarray:
        """(1 + rounds, unit). The first row is as measured."""
        return (self._sums / self._counts[:, None]).cpu().numpy()

    def separation(self) -> np.ndarray:
        """(1 + rounds, unit): how far from chance, turned around where below it."""
        return 0.5 + np.abs(self.means() - 0.5)


class Moments:
    """How much of a unit's variance lies between images, and how much within them."""

    def __init__(self, units: int, device: torch.device) -> None:
        self._mean, self._of_means, self._square = (Weighted(units, device) for _ in range(3))

    def add(self, maps: Tensor, weights: Tensor) -> None:
        """Maps (B, position, unit)."""
        values = maps.to(weights.device).double()
        mean = values.mean(dim=1)
        for part, each in zip(
            (self._mean, self._of_means, self._square), (mean, mean**2, (values**2).mean(dim=1)), strict=True
        ):
            part.add(each, weights)

    def between(self) -> np.ndarray:
        """(1 + rounds, unit): the share of a unit's variance over all positions of all images that its images' means have. 1:
        every map is flat; 0: all images have the same mean. NaN for a unit that never changes."""
        mean, of_means, square = (part.means() for part in (self._mean, self._of_means, self._square))
        whole, between = square - mean**2, of_means - mean**2
        alive = whole > 1e-9 * np.maximum(square, 1e-30)
        return np.divide(between, whole, out=np.full_like(whole, np.nan), where=alive)


def _median(values: np.ndarray) -> np.ndarray:
    """(1 + rounds,) over units (1 + rounds, unit); NaN where a round has none."""
    some = ~np.isnan(values).all(axis=1)
    medians = np.full(len(values), np.nan)
    medians[some] = np.nanmedian(values[some], axis=1)
    return medians
