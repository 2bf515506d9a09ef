"""What survives of position, layer by layer: does a map show where the object is, and does a token know where it is?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from engine.core import devices
from engine.core.experiments import experiment
from engine.core.precision import autocast
from engine.core.request import Context, Result
from engine.core.statistics import HIGH, LOW, bootstrap_interval, paired_difference
from engine.evaluation.index import batch_size
from engine.evaluation.request import OnImages, report
from engine.evaluation.streaming import Stream
from engine.sites.access import Site, read
from engine.sites.grid import spatial
from engine.spatial import images, measures
from engine.spatial.depth import Layer, layers_of

UNITS = 192
"""Units of a layer whose maps are compared with the masks: evenly spaced numbers, where it has more."""
ROUNDS = 200
"""Resamples of the scenes (Poisson bootstrap: weights are drawn as images stream by, the same for all layers)."""
CURVES = ("localisation_auroc", "self_retrieval", "position_r2", "homogeneity", "map_uniformity")


@experiment(
    title="Position and localisation by layer",
    about="How well unit maps localise the object, and how long tokens preserve their position.",
    page="spatial",
)
class LayersRequest(OnImages):
    """The curves of a model over its depth on one data set (paper, section 4; `images`: at most so many of them).

    Table `layers`, one row a block: layer, site (its tokens), maps (the site whose maps are compared with masks),
    share of depth, and, each with `_low` and `_high` of its 95% interval over images:

    - `localisation_auroc`: median over units of how well a unit's map separates the object's positions from the rest
      (area under the ROC curve, mean over images; below 0.5 it is turned around: looking at the background is
      looking too), with the quartiles over units; `localisation_control`: the same against another image's mask;
    - `self_retrieval`: share of tokens whose nearest input embedding is that of their own position;
    - `position_r2`: of a ridge regression from token to (row, column), fitted on half of the images, scored on the rest;
    - `homogeneity`: 1 minus the tokens' spread around their mean, as a share of their total square; `map_uniformity`
      is the same of the maps.

    NaN where a quantity does not exist. Arrays `units` (layer, U) numbers and `unit_auroc` (layer, U), -1 and NaN
    beyond a layer's own. Facts: images, masks, missing (why something is NaN), skipped (what could not be read), last (the
    last block against the mean of all others, with intervals), seconds, device.
    """

    experiment = "spatial-layers"
    version = 2

    images: int | None = Field(default=None, ge=4)

    def run(self, context: Context) -> Result:
        stream = Stream.of(self, context)
        curves = measure(stream, self.images)
        return stream.result(self, curves.arrays, curves.tables, curves.facts)


def measure(stream: Stream, most: int | None = None) -> Result:
    """All curves from one pass. The batch halves when the device runs out of memory."""
    model, (entry, layers) = stream.loaded, layers_of(stream.loaded.sites)
    numbers = images.order(stream.dataset, most)
    sites = [entry, *dict.fromkeys(site for layer in layers for site in (layer.tokens, layer.maps))]
    size = model.images_per_pass(batch_size(sites))
    return devices.halve_on_oom(lambda size: _pass(stream, numbers, entry, layers, size), size)


def _pass(stream: Stream, numbers: np.ndarray, entry: Site, layers: Sequence[Layer], size: int) -> Result:
    model, dataset = stream.loaded, stream.dataset
    names = [site.name for site in dict.fromkeys([entry, *(site for x in layers for site in (x.tokens, x.maps))])]
    tallies = [_Tally(entry, layer, model.device) for layer in layers]
    draws, fitted, done = np.random.default_rng(0), max(len(numbers) // 2, 1), 0
    # The pass is cut where fitting ends, so that no batch is both fitted and scored.
    for part, fitting in ((numbers[:fitted], True), (numbers[fitted:], False)):
        for batch in images.batches(dataset, part, model, size, stream.skipped) if len(part) else ():
            with torch.no_grad(), autocast(model.device):
                values = read(model.module, names, model.normalize(batch.images))
            weights = torch.from_numpy(draws.poisson(1.0, (len(batch.numbers), ROUNDS))).double()
            weights = weights.to(devices.exact(model.device))
            for tally in tallies:
                tally.add(values, batch.masks, weights, fitting)
            done += len(batch.numbers)
            stream.tell(done, len(numbers))
    measured = _result(model.name, tallies)
    measured.facts |= {"images": done, "skipped": report(dataset, stream.skipped, ())}
    return measured


class _Tally:
    """One layer's measurements so far: a number an image, and sums over images for what is kept per unit."""

    def __init__(self, entry: Site, layer: Layer, device: torch.device) -> None:
        self.entry, self.layer = entry, layer
        grid = layer.tokens.grid
        self.retrieves = layer.tokens.units == entry.units and grid == entry.grid
        self.chosen = torch.linspace(0, layer.maps.units - 1, min(UNITS, layer.maps.units), device=device).long()
        self._ridge = measures.Ridge(grid.height, grid.width, device)
        self.each: dict[str, list[Tensor]] = {name: [] for name in CURVES[1:]}
        self.auroc, self.control = (_Weighted(len(self.chosen), devices.exact(device)) for _ in range(2))
        self.masks_known = False
        self._mask_before: Tensor | None = None

    def add(self, values: dict[str, Tensor], masks: Tensor, weights: Tensor, fitting: bool) -> None:
        layer = self.layer
        tokens = spatial(values[layer.tokens.name], layer.tokens.grid).float()
        if self.retrieves:
            inputs = spatial(values[self.entry.name], self.entry.grid)
            self.each["self_retrieval"].append(measures.self_retrieval(tokens, inputs).cpu())
        self.each["homogeneity"].append(measures.homogeneity(tokens).cpu())
        if fitting:
            self._ridge.fit(tokens)
        else:
            self.each["position_r2"].append(self._ridge.score(tokens).cpu())
        maps = spatial(values[layer.maps.name], layer.maps.grid)
        self.each["map_uniformity"].append(measures.homogeneity(maps).cpu())
        here = images.on_grid(masks, layer.maps.grid.height, layer.maps.grid.width)
        chosen = maps[..., self.chosen]
        self.masks_known |= not bool(here.isnan().all())
        before = torch.full_like(here[:1], torch.nan) if self._mask_before is None else self._mask_before
        others = torch.cat([before, here[:-1]])
        self._mask_before = here[-1:]
        for tally, mask in ((self.auroc, here), (self.control, others)):
            known = ~mask.isnan().any(dim=1)
            if known.any():
                aurocs = measures.auroc(chosen[known], mask[known]).to(weights.device)
                tally.add(aurocs.double(), weights[known.to(weights.device)])


class _Weighted:
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

    def separation(self) -> np.ndarray:
        """(1 + rounds, unit): how far from chance, turned around where below it. The first row is as measured."""
        means = (self._sums / self._counts[:, None]).cpu().numpy()
        return 0.5 + np.abs(means - 0.5)


def _result(model: str, tallies: Sequence[_Tally]) -> Result:
    """What the tallies of all layers come to."""
    missing = dict[str, None]()
    curves: dict[str, list[np.ndarray]] = {name: [] for name in CURVES}
    rows, units, aurocs = [], [], []
    for index, tally in enumerate(tallies):
        row: dict[str, Any] = {"layer": index, "site": tally.layer.tokens.name, "maps": tally.layer.maps.name}
        row["depth"] = (index + 1) / len(tallies)
        units.append(tally.chosen.cpu().numpy())
        separation = tally.auroc.separation() if tally.auroc.images else None
        aurocs.append(np.full(len(tally.chosen), np.nan) if separation is None else separation[0])
        if separation is not None:
            medians = np.median(separation, axis=1)
            row |= _localisation(separation, medians, tally.control)
            curves["localisation_auroc"].append(medians)
        for name in CURVES[1:]:
            if tally.each[name]:
                values = torch.cat(tally.each[name]).double().numpy()
                low, high = bootstrap_interval(values)
                row |= {name: values.mean(), f"{name}_low": low, f"{name}_high": high}
                curves[name].append(values)
        missing |= dict.fromkeys(_missing(model, tally))
        rows.append(row)
    table = pd.DataFrame(rows)
    for column in (f"{name}{end}" for name in CURVES for end in ("", "_low", "_high")):
        if column not in table:
            table[column] = np.nan
    facts = {
        "masks": tallies[0].auroc.images,
        "scored": len(curves["position_r2"][0]) if curves["position_r2"] else 0,
        "chance_self_retrieval": 1 / (tallies[0].entry.grid.height * tallies[0].entry.grid.width),
        "missing": [*missing],
        "last": _last_against_others(curves, len(tallies)),
    }
    arrays = {"units": _padded(units, -1, np.int32), "unit_auroc": _padded(aurocs, np.nan, np.float32)}
    return Result({}, arrays, {"layers": table}, facts)


def _localisation(separation: np.ndarray, medians: np.ndarray, control: _Weighted) -> dict[str, Any]:
    """A layer's row of `localisation_...`, from its units' separation (1 + rounds, unit) and their medians (1 + rounds,)."""
    low, high = np.nanpercentile(medians[1:], (LOW, HIGH))
    quarter, three = np.percentile(separation[0], (25, 75))
    return {
        "localisation_auroc": medians[0],
        "localisation_auroc_low": low,
        "localisation_auroc_high": high,
        "localisation_quartile_1": quarter,
        "localisation_quartile_3": three,
        "localisation_control": float(np.median(control.separation()[0])) if control.images else np.nan,
    }


def _missing(model: str, tally: _Tally) -> Iterator[str]:
    """Why a layer has not every curve."""
    if not tally.auroc.images and tally.masks_known:
        yield f"For {tally.layer.maps.name}, no image has positions both on and off its object."
    elif not tally.auroc.images:
        yield "Localisation requires masks or boxes, and this data set has neither."
    if not tally.retrieves:
        yield (
            f"Self-retrieval requires blocks with the width and positions of the embedded patches; {model} changes them."
        )


def _padded(rows: Sequence[np.ndarray], filling: float, dtype: type) -> np.ndarray:
    """(rows, longest row), `filling` behind the shorter ones."""
    table = np.full((len(rows), max(map(len, rows))), filling, dtype)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _last_against_others(curves: dict[str, list[np.ndarray]], layers: int) -> dict[str, Any]:
    """For each curve that all blocks have: the last block minus the mean of the others, paired over images."""
    differences = {}
    for name, values in curves.items():
        if len(values) < layers or layers < 2:
            continue
        others, last = np.mean(values[:-1], axis=0), values[-1]
        if name == "localisation_auroc":
            apart = last - others
            low, high = np.nanpercentile(apart[1:], (LOW, HIGH))
            differences[name] = {"difference": float(apart[0]), "interval": [float(low), float(high)]}
        else:
            difference, low, high = paired_difference(last, others)
            differences[name] = {"difference": difference, "interval": [low, high]}
    return differences
