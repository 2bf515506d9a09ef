"""Where in a model high frequency matters: the spectrum of units' input gradients, layer by layer (paper, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from engine.core import devices
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.images import to_input
from engine.core.request import Context, Progress, Result
from engine.core.statistics import Estimate, difference, estimate, smallest_difference
from engine.evaluation.request import OnImages
from engine.evaluation.samples import drawn, samples
from engine.evaluation.streaming import Stream
from engine.models.loaded import LoadedModel
from engine.reliance.filters import ring_shares
from engine.sites.access import Site, read_unit

RINGS = 20
EDGES = np.linspace(0, 1, RINGS + 1)
MIDDLES, HIGH = (EDGES[1:] + EDGES[:-1]) / 2, (EDGES[:-1] >= 0.5).astype(np.float64)
"""(RINGS,): what a ring counts for the mean frequency, and for the share above half of Nyquist."""
BATCH = 16


@experiment(
    title="Gradient spectrum",
    about="The spatial-frequency spectrum of units' input gradients, by layer.",
    page="reliance",
)
class GradientSpectrumRequest(OnImages):
    """How the gradient of a unit with respect to the image's pixels is spread over frequencies, for every layer of a role.

    On each of `images` images (drawn once, the same for every model) and each layer, one unit drawn at random (seeded by
    layer and image) is differentiated at its strongest position: the mean over positions would average a convolution's
    frequencies away. `role`: which sites; empty takes `mlp.hidden`, or the blocks of a CNN.

    Arrays for L layers and N images: `images` (N,), `units` (L, N), `shares` (L, N, 20): energy in rings of equal width from 0
    to Nyquist, as shares. Table `rings`: site, depth, ring `from` and `to`, share, low, high (95%, over images), and `even`,
    the share of all frequencies that lie in the ring. Table `layers`: site, depth, mean_frequency (of the energy, as a
    fraction of Nyquist), low, high. Facts: role, skipped, seconds, device.
    """

    experiment = "gradient-spectrum"
    version = 2
    changes: ClassVar[Mapping[int, str]] = {
        2: "Intervals know which images belong together, and hold for few images too."
    }
    always_float32 = True

    role: str = ""
    images: int = Field(default=96, ge=2, le=4096)

    def run(self, context: Context) -> Result:
        stream = Stream.of(self, context)
        loaded, dataset = stream.loaded, stream.dataset
        sites = layers(loaded, self.role)
        chosen = drawn(dataset, self.images)
        pictures, numbers = [], []
        for sample in samples(dataset, chosen, np.full(len(chosen), -1), None, stream.skipped):
            pictures.append(to_input(sample.image, loaded.input_size))
            numbers.append(sample.index)
        if len(numbers) < 2:
            raise BadRequest(f"“{self.data}” has fewer than two images that can be read.")
        images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        units = np.stack([drawn_units(site, numbers) for site in sites])
        shares = []
        for number, site in enumerate(sites):
            context.report(Progress(number, len(sites), f"{loaded.name}: {site.name}"))
            shares.append(
                devices.halve_on_oom(
                    lambda size, site=site, drawn=units[number]: _layer(loaded, site, images, drawn, size),
                    loaded.images_per_pass(BATCH),
                )
            )
        arrays = {"images": np.array(numbers, np.int32), "units": units, "shares": np.stack(shares)}
        arrays |= stream.clusters(arrays["images"])
        names = [site.name for site in sites]
        tables = summary(arrays["shares"], names, loaded.input_size, arrays.get("clusters"))
        return stream.result(self, arrays, tables, {"role": sites[0].role})


def layers(loaded: LoadedModel, role: str = "") -> list[Site]:
    """The sites of a role in order of depth. Raises BadRequest for a role that the model does not have."""
    roles = list(dict.fromkeys(site.role for site in loaded.sites.values()))
    wanted = [role] if role else ["mlp.hidden", "stage.block", "stage"]
    chosen = next((each for each in wanted if each in roles), None)
    if chosen is None:
        raise BadRequest(f"{loaded.name} has no sites of the role “{role[:40]}”. It has {', '.join(roles)}.")
    return [site for site in loaded.sites.values() if site.role == chosen]


def drawn_units(site: Site, images: list[int]) -> np.ndarray:
    """(images,) int32: a unit of the site for each image, the same ones each time."""
    return np.array([np.random.default_rng([site.depth, image]).integers(site.units) for image in images], np.int32)


def _layer(loaded: LoadedModel, site: Site, images: torch.Tensor, units: np.ndarray, size: int) -> np.ndarray:
    """(images, RINGS): the spectrum of each image's unit. A unit without a gradient (a dead one) gives zeros."""
    parts = []
    for start in range(0, len(images), size):
        pixels = images[start : start + size].to(loaded.device).requires_grad_()
        chosen = torch.from_numpy(units[start : start + size]).long().to(loaded.device)
        with torch.enable_grad():
            values = read_unit(loaded.module, site.name, loaded.normalize(pixels), chosen)
            strongest = values[:, site.grid.prefix :].amax(1).sum()
            (gradient,) = torch.autograd.grad(strongest, pixels)
        scale = gradient.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-30)
        parts.append(ring_shares(gradient / scale, RINGS).cpu().numpy())
    return np.concatenate(parts).astype(np.float32)


def summary(
    shares: np.ndarray, sites: list[str], size: tuple[int, int], clusters: np.ndarray | None = None
) -> dict[str, pd.DataFrame]:
    """The tables of a result. Images whose unit has no gradient do not count. `clusters` (N,): which images belong
    together."""
    even = even_shares(size)
    rings, depths = [], []
    for depth, (site, of_images) in enumerate(zip(sites, shares, strict=True)):
        living = of_images.sum(1) > 0
        alive, together = of_images[living].astype(np.float64), None if clusters is None else clusters[living]
        if not len(alive):
            continue
        value, low, high = zip(*(estimate(alive[:, ring], clusters=together) for ring in range(RINGS)), strict=True)
        rings += [
            {
                "site": site,
                "depth": depth,
                "from": EDGES[ring],
                "to": EDGES[ring + 1],
                "share": value[ring],
                "low": low[ring],
                "high": high[ring],
                "even": even[ring],
            }
            for ring in range(RINGS)
        ]
        frequency, *spread = estimate(alive @ MIDDLES, clusters=together)
        depths.append(
            {
                "site": site,
                "depth": depth,
                "mean_frequency": frequency,
                "low": spread[0],
                "high": spread[1],
                "n": len(alive),
            }
        )
    return {"rings": pd.DataFrame(rings), "layers": pd.DataFrame(depths)}


def in_last(result: Result, weights: np.ndarray) -> Estimate:
    """The mean over images of what weights (RINGS,) make of the gradient in the last layer that has one."""
    shares = result.arrays["shares"][int(result.tables["layers"]["depth"].iloc[-1])].astype(np.float64)
    alive, clusters = shares.sum(1) > 0, result.arrays.get("clusters")
    return estimate(shares[alive] @ weights, clusters=None if clusters is None else clusters[alive])


def apart_in_last(a: Result, b: Result, weights: np.ndarray) -> tuple[Estimate, float] | None:
    """How far a's last layer lies above b's in that, on the images of both, and the smallest difference that would have been seen
    with 80% power; None where they have no two in common."""
    _, *rows = np.intersect1d(a.arrays["images"], b.arrays["images"], return_indices=True)
    depths = [int(result.tables["layers"]["depth"].iloc[-1]) for result in (a, b)]
    parts = zip((a, b), depths, rows, strict=True)
    one, other = (result.arrays["shares"][depth][row].astype(np.float64) for result, depth, row in parts)
    alive = (one.sum(1) > 0) & (other.sum(1) > 0)
    if alive.sum() < 2:
        return None
    clusters = a.arrays["clusters"][rows[0]][alive] if "clusters" in a.arrays else None
    pair = one[alive] @ weights, other[alive] @ weights
    return difference(*pair, clusters), smallest_difference(*pair, clusters)


def even_shares(size: tuple[int, int]) -> np.ndarray:
    """(RINGS,): the share of all frequencies in each ring: what white noise would give."""
    impulse = torch.zeros(1, 1, *size)
    impulse[..., 0, 0] = 1
    return ring_shares(impulse, RINGS)[0].numpy()
