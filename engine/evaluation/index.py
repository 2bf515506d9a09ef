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

from engine.core import devices
from engine.core.choices import DEFAULT_DATA, DEFAULT_TOP_IMAGES
from engine.core.errors import BadRequest, PutBack
from engine.core.experiments import experiment
from engine.core.precision import autocast
from engine.core.request import Context, Progress, Request, Result, build
from engine.data.dataset import Dataset
from engine.data.registry import open_dataset
from engine.evaluation.tally import Tally
from engine.evaluation.unfinished import UNFINISHED, Pass
from engine.models import catalog
from engine.models.frozen import module_to_read
from engine.models.loaded import LoadedModel
from engine.sites.access import Site, find, read

LARGEST_BATCH = 128
BATCH_BYTES = 128 << 20  # of activations held at once
TOGETHER_BYTES = 512 << 20  # of position means of all sites that one pass may index along with the one asked for
MAPS_BYTES = 2 << 30  # of the strongest images' maps in such a pass


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
    passed = devices.halve_on_oom(lambda size: _stream(loaded, wanted, dataset, context, top, size), size)
    facts = {
        "seconds": time.monotonic() - started,
        "device": devices.describe(loaded.device)["name"],
        "skipped": [list(entry) for entry in passed.dataset.report()],
    }
    results = {}
    for site, tally in zip(wanted, passed.tallies, strict=True):
        request = build(IndexRequest, model=model, site=site.name, data=data, top=top)
        results[site.name] = tally.result(json.loads(request.canonical()), facts)
    return results


def rows_of(images: np.ndarray, numbers: np.ndarray, whose: str) -> np.ndarray:
    """The rows (n,) in which the images of these numbers (n,) stand in an index of `images` (N,), rising, which leaves out files
    that could not be read. Raises BadRequest where it lacks one; `whose` says what it is an index of."""
    rows = np.searchsorted(images, numbers).clip(max=len(images) - 1)
    if lacking := int((images[rows] != numbers).sum()):
        raise BadRequest(
            f"{whose} could not read {lacking} of the {len(numbers)} images that are asked about here, so it cannot be set "
            "beside the others. Use images that can all be read."
        )
    return rows


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
) -> Pass:
    """One pass over the data set, or the rest of one that had to make room. Starts over where it is called again because the
    memory was full."""
    names, total, module = [site.name for site in sites], len(dataset), module_to_read(loaded)
    about = (loaded.fingerprint, dataset.fingerprint, str(loaded.device), top, *names)
    begun = UNFINISHED.take(about) or Pass(dataset, [Tally(site, top, total, loaded.device) for site in sites])
    try:
        context.report(Progress(begun.done, total, f"Reading {dataset.name} with {loaded.name}"))
        for indices, pixels in begun.dataset.batches(loaded.input_size, batch, begun.done):
            images = torch.from_numpy(pixels).to(loaded.device).permute(0, 3, 1, 2).float() / 255
            with torch.no_grad(), autocast(loaded.device):
                values = read(module, names, loaded.normalize(images))
            ids = torch.from_numpy(indices)
            for tally in begun.tallies:
                tally.add(ids, values[tally.site.name].float())
            begun.done = int(indices[-1]) + 1
            context.report(Progress(begun.done, total, f"{begun.done} of {total} images"))
    except PutBack:
        UNFINISHED.keep(about, begun)
        raise
    if not begun.done:
        raise BadRequest(f"No image of “{dataset.name}” can be read. Use PNG, JPEG or WebP images.")
    return begun
