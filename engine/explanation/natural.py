"""Pictures whose features keep to those of the images that excite the unit: the recipe `natural`.

After VITAL (Görgün et al. 2025): not only the unit's activation counts, but how near the features of every block up to the
unit come to those of real images, position by position once both are sorted. Theirs weighs features by their relevance for the
unit, ours does not. Invariant: the images are the nine that are shown as top images; those asked about are never seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from engine.core.choices import DEFAULT_DATA
from engine.core.experiments import experiment
from engine.core.images import to_input
from engine.core.precision import autocast
from engine.core.request import Context, Progress, Request, Result
from engine.data.registry import open_dataset
from engine.evaluation.index import indexes
from engine.explanation.observer import blocks_of
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.sites.access import read
from engine.sites.grid import spatial
from engine.visualization.goals import suited_to, units_of
from engine.visualization.optimization.optimize import Aim, Run, maximize_batch
from engine.visualization.progress import as_bytes
from engine.visualization.recipes import FAST, fingerprint
from engine.visualization.tuning import check_pixels

NATURAL = "natural"
MOST_SHOWN = 64
WEIGHT = 1.0
"""What a picture loses, in activations of the images that excite its unit, for being one standard deviation off."""


@experiment(
    title="One natural picture",
    about="The picture of a unit whose features keep to those of the images that excite it.",
    page="visualize",
    part=True,
)
class NaturalPictureRequest(Request):
    """Make one picture of a unit with the settings of `fast`, held to the features of the images `shown` of a data set.

    Arrays: `image` (H, W, 3) uint8, `curve` (steps,) float32: at each step the activation, relative to that on the images,
    less the distance from their features.
    """

    experiment = "natural-picture"
    version = 1

    model: str
    site: str
    unit: int
    shown: tuple[int, ...] = Field(max_length=MOST_SHOWN, description="numbers of the images that excite the unit")
    weight: float = Field(default=WEIGHT, ge=0, le=100)
    data: str = DEFAULT_DATA
    seed: int = 0

    def fingerprints(self) -> dict[str, str]:
        read = {"model": catalog.fingerprint(self.model), "data": open_dataset(self.data).fingerprint}
        return read | {"recipe": fingerprint(FAST)}

    def run(self, context: Context) -> Result:
        model, dataset = catalog.load(self.model), open_dataset(self.data)
        check_pixels(model.name, model.input_size)
        sites = (*(block for block in blocks_of(model) if _before(model, block, self.site)), self.site)
        indexed = indexes(context, self.model, sites, self.data)
        spreads = [torch.from_numpy(part.arrays["std"]).to(model.device) + 1e-3 for part in indexed]
        pixels = np.stack([to_input(dataset.image(number), model.input_size) for number in self.shown])
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            values = _features(model, sites, images.to(model.device))
        wanted = [_sorted(values[site], model, site).mean(0) for site in sites]
        usual = float(spatial(values[self.site], model.sites[self.site].grid)[..., self.unit].mean().abs()) + 1e-6

        def measure(images: Tensor, leak: float) -> Tensor:
            found = _features(model, sites, images)
            activation = spatial(found[self.site], model.sites[self.site].grid)[..., self.unit].mean(1) / usual
            return activation - self.weight * distance(found, wanted, spreads, model, sites)

        def watch(step: int, *_: Any) -> None:
            context.report(Progress(step, FAST.steps, f"A natural picture of {self.site}, unit {self.unit}"))

        recipe = suited_to(units_of([self.unit])[0], FAST, model, self.site)
        aim = Aim(model, [(str(self.unit), NATURAL)], [1.0], lambda copies: measure)
        made = maximize_batch(aim, recipe, self.seed, Run(watch=watch))
        arrays = {"image": as_bytes(made.images)[0], "curve": made.curves[0]}
        return Result(json.loads(self.canonical()), arrays, {}, {"usual": usual})


def distance(
    found: dict[str, Tensor],
    wanted: Sequence[Tensor],
    spreads: Sequence[Tensor],
    model: LoadedModel,
    sites: Sequence[str],
) -> Tensor:
    """(images,): mean over sites, channels and positions of how far the sorted features are from the wanted ones, in standard
    deviations of the channel over the data set; no more than three of them count, so that no channel decides alone."""
    parts = []
    for site, goal, spread in zip(sites, wanted, spreads, strict=True):
        off = (_sorted(found[site], model, site) - goal).abs() / spread
        parts.append(3 * torch.tanh(off / 3).mean((1, 2)))
    return torch.stack(parts).mean(0)


def _sorted(values: Tensor, model: LoadedModel, site: str) -> Tensor:
    """(images, positions, units): each unit's values over the positions of the image in order of size."""
    return spatial(values, model.sites[site].grid).sort(dim=1).values


def _features(model: LoadedModel, sites: Sequence[str], images: Tensor) -> dict[str, Tensor]:
    with autocast(model.device):
        return {
            site: values.float() for site, values in read(model.module, list(sites), model.normalize(images)).items()
        }


def _before(model: LoadedModel, block: str, site: str) -> bool:
    """Whether a block's output lies before a site on the way through the model."""
    order = list(model.sites)
    return order.index(block) < order.index(site)
