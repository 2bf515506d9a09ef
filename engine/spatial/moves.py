"""Shifted and rotated images (paper's repository, rotation and translation probes): does a unit's map move along, and does its
mean stay?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from engine.core import devices
from engine.core.experiments import experiment
from engine.core.precision import autocast
from engine.core.request import Context, Result
from engine.evaluation.index import batch_size
from engine.evaluation.request import OnImages, report
from engine.evaluation.streaming import Stream
from engine.models.loaded import LoadedModel
from engine.sites.access import Site, read
from engine.sites.grid import to_maps
from engine.spatial import images
from engine.spatial.depth import layers_of
from engine.spatial.resamples import ends, weights_of

UNITS = 256
ENDS = ("low", "high", "quartile_1", "quartile_3")
Move = Callable[[Tensor], Tensor]


@experiment(
    title="Shifted and rotated images",
    about="Equivariance of the units' maps and invariance of their means.",
    page="spatial",
)
class MovesRequest(OnImages):
    """How the units of every layer follow a rolled or turned image, over `images` images of a data set.

    Table `moves`, one row for each layer and kind of move (`shift`: rolled by whole positions of every layer, each
    way; `turn`: by quarter turns): `equivariance`, the correlation over positions between the map of the moved
    image and the moved map (mean over images, median over units; 1: the map moves along); `invariance`, 1 minus
    the squared change of a unit's mean over positions as a share of its variance over images (median over units; 1:
    the mean stays, 0: it changes by its standard deviation over images, -1: as much as from one image to any other,
    which differ by twice the variance). With 95% intervals over images, each with all of its moves and matched sets
    together, and quartiles over units.
    Facts: images, skipped (what could not be read), shift (pixels down and right), turn (degrees), seconds, device.
    """

    experiment = "spatial-moves"
    version = 3
    changes: ClassVar[Mapping[int, str]] = {3: "Intervals know which images belong together."}

    images: int = Field(default=128, ge=2, le=4096)

    def run(self, context: Context) -> Result:
        stream = Stream.of(self, context)
        moved = measure(stream, self.images)
        return stream.result(self, moved.arrays, moved.tables, moved.facts)


def moves_of(model: LoadedModel, sites: list[Site]) -> dict[str, list[tuple[str, Callable[[tuple[int, int]], Move]]]]:
    """By kind, moves that are exact on every layer's grid: for a tensor (..., height, width) of a given size, the move.

    Images are rolled by about a quarter, in whole positions of the coarsest common grid. Only square images are
    turned by quarters; others by half.
    """
    rows = math.gcd(*(site.grid.height for site in sites))
    columns = math.gcd(*(site.grid.width for site in sites))
    down, right = max(1, round(rows / 4)), max(1, round(columns / 4))

    def rolled(part: tuple[int, int], axis: int) -> Callable[[tuple[int, int]], Move]:
        steps, of = part
        return lambda size: lambda maps: maps.roll(size[axis] * steps // of, dims=axis - 2)

    def turned(quarters: int) -> Callable[[tuple[int, int]], Move]:
        return lambda size: lambda maps: maps.rot90(quarters, dims=(-2, -1))

    height, width = model.input_size
    quarters = (1, 2, 3) if height == width and rows == columns else (2,)
    shifts = [(f"down {height * down // rows} px", rolled((down, rows), 0))] if rows > 1 else []
    shifts += [(f"right {width * right // columns} px", rolled((right, columns), 1))] if columns > 1 else []
    return {"shift": shifts, "turn": [(f"{90 * count}°", turned(count)) for count in quarters]}


def measure(stream: Stream, most: int) -> Result:
    """Every layer under every move; the batch halves when the device runs out of memory."""
    sites = [layer.maps for layer in layers_of(stream.loaded.sites)[1]]
    size = stream.loaded.images_per_pass(batch_size(sites))
    return devices.halve_on_oom(lambda size: _pass(stream, sites, most, size), size)


def _pass(stream: Stream, sites: list[Site], most: int, size: int) -> Result:
    model, dataset = stream.loaded, stream.dataset
    numbers, names = images.order(dataset, most), [site.name for site in sites]
    moves = moves_of(model, sites)
    tallies = {(kind, site.name): _Tally() for kind in moves for site in sites}
    chosen = {
        site.name: torch.linspace(0, site.units - 1, min(UNITS, site.units), device=model.device).long()
        for site in sites
    }
    done = 0

    def seen(pixels: Tensor) -> dict[str, Tensor]:
        with torch.no_grad(), autocast(model.device):
            values = read(model.module, names, model.normalize(pixels))
        return {site.name: to_maps(values[site.name].float(), site.grid)[:, chosen[site.name]] for site in sites}

    for batch in images.batches(dataset, numbers, model, size, stream.skipped):
        plain = seen(batch.images)
        for kind, named in moves.items():
            for _, move in named:
                moved = seen(move(model.input_size)(batch.images))
                for site in sites:
                    expected = move((site.grid.height, site.grid.width))(plain[site.name])
                    tallies[kind, site.name].add(batch.clusters, plain[site.name], expected, moved[site.name])
        done += len(batch.numbers)
        stream.tell(done, len(numbers))
    rows: list[dict[str, Any]] = []
    for index, site in enumerate(sites):
        place = {"layer": index, "site": site.name, "depth": (index + 1) / len(sites)}
        rows += [{**place, "kind": kind, **tallies[kind, site.name].row()} for kind in moves if moves[kind]]
    facts = {"images": done, "skipped": report(dataset, stream.skipped, ())}
    facts |= {kind: [name for name, _ in named] for kind, named in moves.items()}
    return Result({}, {}, {"moves": pd.DataFrame(rows)}, facts)


class _Tally:
    """One layer under one kind of move: correlations (row, unit), and the means before and after; a row is an image under
    one move."""

    def __init__(self) -> None:
        self._clusters: list[np.ndarray] = []
        self._same: list[Tensor] = []
        self._before: list[Tensor] = []
        self._after: list[Tensor] = []

    def add(self, clusters: np.ndarray, plain: Tensor, expected: Tensor, moved: Tensor) -> None:
        """Maps (B, unit, height, width) of images of these sets: of the image, the same moved, and of the moved
        image."""
        one, other = (each.flatten(2) - each.flatten(2).mean(dim=2, keepdim=True) for each in (expected, moved))
        product = one.norm(dim=2) * other.norm(dim=2)
        same = (one * other).sum(dim=2) / product
        self._clusters.append(clusters)
        # A unit that is silent on both images has no map to move.
        self._same.append(torch.where(product > 1e-12, same, torch.nan).cpu())
        self._before.append(plain.mean(dim=(2, 3)).cpu())
        self._after.append(moved.mean(dim=(2, 3)).cpu())

    def row(self) -> dict[str, Any]:
        same = torch.cat(self._same).double().numpy()
        before, after = (torch.cat(each).double().numpy() for each in (self._before, self._after))
        # Sets of images are resampled, not rows: the moves of one image are no independent measurements.
        sets, of_row = np.unique(np.concatenate(self._clusters), return_inverse=True)
        weights = np.vstack([np.ones(len(same)), weights_of(sets).T[:, of_row]])
        there = ~np.isnan(same)
        equivariance = _share(weights @ np.where(there, same, 0), weights @ there)
        squares = weights @ (after - before) ** 2
        count = np.maximum(weights.sum(axis=1, keepdims=True), 1)  # of few images a resample may hold none
        variance = weights @ before**2 - (weights @ before) ** 2 / count
        alive = variance[0] > 1e-9 * np.maximum((before**2).sum(axis=0), 1e-30)
        invariance = 1 - _share(squares, variance)[:, alive]
        row = {}
        for name, values in (("equivariance", equivariance), ("invariance", invariance)):
            there = ~np.isnan(values)
            values = values[there.any(axis=1)][
                :, there.any(axis=0)
            ]  # a resample of the same image twice has no variance
            if not values.size:
                row |= dict.fromkeys((name, *(f"{name}_{end}" for end in ENDS)), np.nan)
                continue
            medians = np.nanmedian(values, axis=1)
            low, high = ends(medians, len(sets)) if len(medians) > 1 else (np.nan, np.nan)
            quarter, three = np.nanpercentile(values[0], (25, 75))
            row |= {name: medians[0], f"{name}_low": low, f"{name}_high": high}
            row |= {f"{name}_quartile_1": quarter, f"{name}_quartile_3": three}
        return row


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full_like(part, np.nan, dtype=np.float64), where=whole > 1e-12)
