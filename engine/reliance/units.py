"""What the units of a layer lean on: object or background, low or high frequencies; all units and treatments from one pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from engine.core.choices import DEFAULT_FILTER, Cut, Fill, Filter
from engine.core.experiments import experiment
from engine.core.precision import autocast
from engine.core.request import Context, Result
from engine.evaluation.index import TOGETHER_BYTES, batch_size
from engine.evaluation.predictions import images_at_once
from engine.evaluation.request import OnImages
from engine.evaluation.samples import Sample, check_cut, drawn, saliency_read, samples
from engine.evaluation.streaming import Arrays, Stream
from engine.models.frozen import module_to_read
from engine.models.loaded import LoadedModel
from engine.reliance.cuts import cut_variants
from engine.reliance.filters import filtered, kept_radius
from engine.reliance.leaning import STRONGEST, TREATMENTS, measured, sentences
from engine.sites.access import Site, find, read
from engine.sites.grid import position_mean

VARIANTS = 1 + len(TREATMENTS)
PARTED = 0.1
"""Of Nyquist: at this cut-off a low-pass takes about half of the starter networks' accuracy."""


@experiment(
    title="Units of a layer",
    about="What each unit of a layer leans on: the object or the background, low or high frequencies.",
    page="reliance",
)
class UnitCuesRequest(OnImages):
    """How much of each unit's response stays on objects alone, on backgrounds alone, and under a low-pass and a high-pass.

    Objects are cut as in the experiment on backgrounds, by `cut`, and what is cut out is filled by `fill`. Both filters part at
    `cutoff`, a fraction of Nyquist: one keeps what the other takes away. A unit's response is its mean over positions. At most
    `limit` images, the same ones each time (0: all), those with an object where that is known. The layers of the same role are
    measured along with this one, where they take little room.

    Tables `units` and `counts`: see `engine.reliance.leaning.measured`. Arrays: `images` (N,), and `clusters` (N,) where they are
    known. Facts: images, strongest (the share of images that counts as a unit's strongest), variants, cut, fill, filter, cutoff,
    kept (the largest frequency that the model's images hold and the low-pass keeps), sentence, skipped, seconds, device,
    images_per_second.
    """

    experiment = "unit-cues"
    version = 1

    site: str
    cut: Cut = "box"
    fill: Fill = Field(default="black", description="what takes the place of what was cut out")
    filter: Filter = Field(default=DEFAULT_FILTER, description="the edge of both filters")
    cutoff: float = Field(default=PARTED, gt=0, lt=1, description="where both filters part, as a fraction of Nyquist")
    limit: int = Field(default=0, ge=0)

    @field_validator("fill")
    @classmethod
    def _for_both(cls, fill: Fill) -> Fill:
        if fill == "tile":
            raise ValueError("an object alone cannot be filled with tiles; choose another fill")
        return fill

    def fingerprints(self) -> dict[str, str]:
        return super().fingerprints() | saliency_read(self.cut)

    def run(self, context: Context) -> Result:
        stream = Stream.of(self, context)
        check_cut(stream.dataset, self.cut)
        asked = find(stream.loaded.sites, self.site)
        numbers = drawn(stream.dataset, self.limit)
        alike = [site for site in stream.loaded.sites.values() if site.role == asked.role]
        size = len(numbers) * VARIANTS * sum(site.units for site in alike) * 4
        together = alike if size <= TOGETHER_BYTES else [asked]
        arrays = self._responses(stream, numbers, together)
        speed = stream.speed(len(arrays["images"]) * VARIANTS)
        results = {site.name: self._result(stream, site, arrays, speed) for site in together}
        for name, result in results.items():
            if name != self.site:
                context.keep(self.model_copy(update={"site": name}), result)
        return results[self.site]

    def _responses(self, stream: Stream, numbers: np.ndarray, sites: Sequence[Site]) -> Arrays:
        """`images` (N,), and by each site's name (N, VARIANTS, U) float32: means over positions."""
        loaded = stream.loaded
        most = loaded.images_per_pass(batch_size(sites))

        def measure(batch: list[Sample]) -> Arrays:
            pixels = treated(batch, loaded, self.fill, self.filter, self.cutoff)
            values = means(loaded, sites, pixels.flatten(0, 1), most)
            numbers = np.array([one.index for one in batch], np.int32)
            return {"images": numbers} | {
                name: each.unflatten(0, (len(batch), VARIANTS)).numpy() for name, each in values.items()
            }

        return stream.collect(
            lambda: samples(stream.dataset, numbers, np.full(len(numbers), -1), self.cut, stream.skipped),
            measure,
            images_at_once(loaded, VARIANTS),
            len(numbers),
        )

    def _result(self, stream: Stream, site: Site, arrays: Arrays, speed: dict[str, float]) -> Result:
        known = {"images": arrays["images"]} | stream.clusters(arrays["images"])
        units, counts = measured(arrays[site.name], known.get("clusters"))
        facts = {
            "images": len(known["images"]),
            "strongest": STRONGEST,
            "variants": ["full", *TREATMENTS],
            **self.model_dump(mode="json", include={"cut", "fill", "filter", "cutoff"}),
            "kept": kept_radius(stream.loaded.input_size, self.cutoff, self.filter),
            "sentence": sentences(counts, len(units)),
            **speed,
        }
        request = self.model_copy(update={"site": site.name})
        return stream.result(request, known, {"counts": counts, "units": units}, facts)


def treated(batch: Sequence[Sample], loaded: LoadedModel, fill: Fill, shape: Filter, cutoff: float) -> Tensor:
    """(images, VARIANTS, 3, H, W) at the model's input size: whole images, and what TREATMENTS leave of them."""
    cuts = cut_variants(batch, loaded, (fill,))
    return torch.cat([cuts, filtered(cuts[:, 0], ((0.0, cutoff), (cutoff, 1.0)), shape)], dim=1)


def means(loaded: LoadedModel, sites: Sequence[Site], images: Tensor, most: int) -> dict[str, Tensor]:
    """(images, U) float32 on the CPU by each site's name, from passes of at most `most` images."""
    module, parts = module_to_read(loaded), dict[str, list[Tensor]]()
    with torch.no_grad(), autocast(loaded.device):
        for some in loaded.normalize(images).split(most):
            values = read(module, [site.name for site in sites], some)
            for site in sites:
                parts.setdefault(site.name, []).append(position_mean(values[site.name].float(), site.grid).cpu())
    return {name: torch.cat(each) for name, each in parts.items()}
