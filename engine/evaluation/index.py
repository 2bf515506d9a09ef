"""The activation index: what every unit of a site does on a whole data set, from one pass over it.

Invariants: several sites of a model cost one pass; the numbers do not depend on the batch size beyond rounding;
prefix tokens (CLS, registers) never count.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from engine.core import devices
from engine.core.choices import DEFAULT_DATA, DEFAULT_TOP_IMAGES
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.precision import autocast
from engine.core.request import Context, Progress, Request, Result, build
from engine.data.dataset import Dataset
from engine.data.registry import open_dataset
from engine.models import catalog
from engine.models.frozen import module_to_read
from engine.models.loaded import LoadedModel
from engine.sites.access import Site, find, read
from engine.sites.grid import position_mean, spatial

LARGEST_BATCH = 128
BATCH_BYTES = 128 << 20  # of activations held at once
TOGETHER_BYTES = 512 << 20  # of position means of all sites that one pass may index along with the one asked for
MAPS_BYTES = 2 << 30  # of the strongest images' maps in such a pass
FULL_PRECISION_BYTES = 64 << 20  # a larger table of position means is kept as float16


@experiment(
    title="Activation index",
    about="Activations of all units of a layer on a whole data set.",
    page="visualize",
)
class IndexRequest(Request):
    """Index one site over one data set.

    The result's arrays, for U units, N images and the `top` strongest T of them on a grid of h x w positions:

    - `images` (N,) int32: number in the data set of each row of `position_mean` (damaged files are left out);
    - `position_mean` (N, U) float32, or float16 where that would take more than 64 MB: each unit's mean over positions;
    - `mean`, `std` (U,) float32: of `position_mean` over the images; `maximum` (U,): over all images and positions;
    - `selectivity` (U,) float32: how many standard deviations a unit's strongest images (T, but at most a tenth of
      all) stand above all images, by the mean of their position means; 0 for a unit that never changes;
    - `top_mean` (U, T) int32 image numbers, strongest first by position mean, `top_mean_values` (U, T) float32,
      `top_mean_maps` (U, T, h, w) float16; and the same as `top_max...`, by the strongest position.

    Facts: images, units, grid, seconds, device, skipped (files left out, with the reason).
    """

    experiment = "index"
    version = 1

    model: str
    site: str
    data: str = DEFAULT_DATA
    top: int = Field(default=DEFAULT_TOP_IMAGES, ge=1, le=100)

    def fingerprints(self) -> dict[str, str]:
        return {"model": catalog.fingerprint(self.model), "data": open_dataset(self.data).fingerprint}

    def run(self, context: Context) -> Result:
        """Indexes every layer's site of the same role along with this one: whoever asks for one layer asks for the next,
        and one pass serves all. Only this one where all would take too much room."""
        results = index_sites(self.model, self.together(), self.data, context, self.top)
        for name, result in results.items():
            if name != self.site:
                context.keep(self.model_copy(update={"site": name}), result)
        return results[self.site]

    def together(self) -> list[str]:
        """The sites that one pass indexes along with this one, itself among them. Loads the model."""
        loaded = catalog.load(self.model)
        asked = find(loaded.sites, self.site)
        alike = [site for site in loaded.sites.values() if site.role == asked.role]
        size = len(open_dataset(self.data)) * sum(site.units for site in alike) * 4
        maps = 2 * self.top * sum(site.units * site.grid.height * site.grid.width for site in alike) * 2
        return [site.name for site in (alike if size <= TOGETHER_BYTES and maps <= MAPS_BYTES else [asked])]


def indexes(context: Context, model: str, sites: Sequence[str], data: str) -> list[Result]:
    """The indexes of these sites of a model; those that are not there yet come from one pass over the data for them alone,
    for whoever waits for these and no others."""
    requests = {site: build(IndexRequest, model=model, site=site, data=data) for site in sites}
    results = {site: context.find(request) for site, request in requests.items()}
    if missing := [site for site, result in results.items() if result is None]:
        for site, result in index_sites(model, missing, data, context).items():
            context.keep(requests[site], result)
            results[site] = result
    return [result for result in results.values() if result is not None]


def index_sites(
    model: str,
    sites: Sequence[str],
    data: str,
    context: Context,
    top: int = DEFAULT_TOP_IMAGES,
    batch: int | None = None,
) -> dict[str, Result]:
    """Several sites of a model in one pass: for each, the result that its own IndexRequest would give.

    The batch halves when the device runs out of memory. Raises BadRequest for an unknown model, site or data
    set and for one without a readable image, Cancelled when the context says so.
    """
    started = time.monotonic()
    loaded, dataset = catalog.load(model), open_dataset(data)
    wanted = [find(loaded.sites, site) for site in dict.fromkeys(sites)]
    if not wanted:
        raise BadRequest("No site given. Name at least one, like blocks.5.mlp.hidden.")
    size = batch or loaded.images_per_pass(batch_size(wanted))
    tallies = devices.halve_on_oom(lambda size: _stream(loaded, wanted, dataset, context, top, size), size)
    facts = {
        "seconds": time.monotonic() - started,
        "device": devices.describe(loaded.device)["name"],
        "skipped": [list(entry) for entry in dataset.report()],
    }
    results = {}
    for site, tally in zip(wanted, tallies, strict=True):
        request = build(IndexRequest, model=model, site=site.name, data=data, top=top)
        results[site.name] = tally.result(json.loads(request.canonical()), facts)
    return results


def most_selective(index: Result, count: int) -> list[int]:
    """The units of an index that stand out the most on their strongest images, most selective first."""
    order = np.argsort(-index.arrays["selectivity"], kind="stable")
    return [int(unit) for unit in order[:count]]


def batch_size(sites: Sequence[Site]) -> int:
    """How many images at once keep the activations of these sites within BATCH_BYTES (float32)."""
    one = sum(site.grid.positions * site.units * 4 for site in sites)
    return max(1, min(LARGEST_BATCH, BATCH_BYTES // one))


def _stream(
    loaded: LoadedModel, sites: Sequence[Site], dataset: Dataset, context: Context, top: int, batch: int
) -> list[Tally]:
    """One pass over the data set. A fresh start each time, so that it can be repeated with a smaller batch."""
    tallies = [Tally(site, top, len(dataset), loaded.device) for site in sites]
    names, total, module = [site.name for site in sites], len(dataset), module_to_read(loaded)
    done = 0
    context.report(Progress(0, total, f"Reading {dataset.name} with {loaded.name}"))
    for indices, pixels in dataset.batches(loaded.input_size, batch):
        images = torch.from_numpy(pixels).to(loaded.device).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad(), autocast(loaded.device):
            values = read(module, names, loaded.normalize(images))
        ids = torch.from_numpy(indices)
        for tally in tallies:
            tally.add(ids, values[tally.site.name].float())
        done = int(indices[-1]) + 1
        context.report(Progress(done, total, f"{done} of {total} images"))
    if not done:
        raise BadRequest(f"No image of “{dataset.name}” can be read. Use PNG, JPEG or WebP images.")
    return tallies


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

    def arrays(self, images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Strongest first: image numbers (units, top) int32, values float32, maps (units, top, h, w) float16.

        `images` is how many were added in all: where that is less than asked for, `top` is that many.
        """
        count = min(self._keep, images)
        ids, values = self._ids[:, :count], self._values[:, :count]
        slots = self._slots[:, :count].unsqueeze(2).expand(-1, -1, self._maps.shape[2])
        maps = self._maps.gather(1, slots)
        return ids.cpu().numpy(), values.cpu().numpy(), maps.unflatten(2, self._grid).cpu().numpy()
