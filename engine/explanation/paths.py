"""Which way a picture takes through the network: layer by layer, how alike it is to the images that excite its unit.

After the sanity check of Geirhos et al. 2024: a picture that reaches its unit on another way than natural images do shows what
the network makes of pictures, not what it makes of images.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from engine.core.choices import DEFAULT_DATA, DEFAULT_RECIPE, MAX_SEED, MAX_UNITS
from engine.core.experiments import experiment
from engine.core.request import Context, Request, Result
from engine.core.statistics import estimate
from engine.data.registry import open_dataset
from engine.evaluation.index import indexes, rows_of
from engine.explanation.following import ANOTHER, NATURAL, NOISE, OTHER, follows
from engine.explanation.likeness import spearman
from engine.explanation.observer import blocks_of, means_of
from engine.explanation.shown import Asked, Which, asked, check_pictures, made_by, pictures
from engine.models import catalog

NOISES = 16


@experiment(
    title="A picture layer by layer",
    about="Layer by layer, how alike pictures of units are to the images that excite the units.",
    page="visualize",
)
class LayerPathsRequest(Request):
    """Compare pictures with the 9 images that excite their unit the most, at every block of the model.

    Alike means Spearman's correlation over a block's channels (means over positions, each relative to its mean and spread
    over the data set), averaged over the nine. Bands: further images that excite the unit, images that do not, noise, and
    pictures of other units of the layer.

    Tables. `curve`: block, depth, shown, units, similarity, low, high. `follows`: for each recipe and site the mean, over the
    blocks up to the site, of how much more alike a unit's own picture is than that of another unit (`difference`, low, high),
    and what `part` that is of natural images' own lead (further images that excite the unit against images that do not; a row
    of its own), unit by unit, with its interval (part_low, part_high). It `says` "follows" where the interval lies above a
    sixth and "does not follow", a flag, where it lies below: more units make that surer and do not turn it round. Else it
    "cannot be told", with so many units: `wanted` is a sixth of natural images' lead, and a lead that lies `least` above or
    below it would have been told in 80% of samples. Nor can it be where not even natural images lead (`part` is then NaN).
    """

    experiment = "layer-paths"
    version = 3
    changes: ClassVar[Mapping[int, str]] = {
        2: "Whether pictures follow their units' images is judged by what part of natural images' lead they have; before, "
        "any lead that was seen was enough, which many units show of any picture.",
        3: "Pictures follow with a sixth of natural images' lead; before it was a third, which those of an honest network have "
        "hardly.",
    }

    model: str
    sites: tuple[str, ...] = Field(default=(), description="the layers (default: every block's)")
    units: tuple[int, ...] = Field(default=(), max_length=MAX_UNITS, description="the units of each layer")
    each: int = Field(default=8, ge=2, le=64, description="units drawn of each layer, where none are named")
    recipes: tuple[str, ...] = Field(default=(DEFAULT_RECIPE,), description="the recipes whose pictures are looked at")
    data: str = DEFAULT_DATA
    seed: int = Field(default=0, ge=0, le=MAX_SEED)

    def fingerprints(self) -> dict[str, str]:
        read = {"model": catalog.fingerprint(self.model), "data": open_dataset(self.data).fingerprint}
        return read | made_by(self.recipes)

    def check_size(self) -> None:
        """Raises BadRequest for more units or pictures than the settings allow."""
        super().check_size()
        check_pictures(self._which(), self.recipes)

    def _which(self) -> Which:
        return Which(self.model, self.sites, self.units, self.each, self.seed)

    def run(self, context: Context) -> Result:
        loaded, dataset = catalog.load(self.model), open_dataset(self.data)
        every = asked(self._which(), dataset, self.data, context)
        made = {
            recipe: [pictures(self.model, each, recipe, self.seed, context) for each in every]
            for recipe in self.recipes
        }
        noise = np.random.default_rng(self.seed).integers(0, 256, (NOISES, *loaded.input_size, 3), dtype=np.uint8)
        blocks, table = blocks_of(loaded), []
        for depth, (block, index) in enumerate(
            zip(blocks, indexes(context, self.model, blocks, self.data), strict=True)
        ):
            every_image = index.arrays["position_mean"].astype(np.float32)
            mean, spread = every_image.mean(0), every_image.std(0) + 1e-6
            rows = rows_of(index.arrays["images"], every[0].numbers, f"{block} of {self.model}")
            natural = (every_image[rows] - mean) / spread

            def apart(
                images: Sequence[np.ndarray] | np.ndarray, block: str = block, mean=mean, spread=spread
            ) -> np.ndarray:
                return (means_of(loaded, [block], images) - mean) / spread

            quiet = apart(noise)
            for place, each in enumerate(every):
                of = {recipe: apart(parts[place]) for recipe, parts in made.items()}
                table += alike_at(each, natural, of, quiet, {"block": block, "depth": depth})
        frame = pd.DataFrame(table)
        arrays = {
            f"pictures_{recipe}": np.concatenate([np.stack(some) for some in parts]) for recipe, parts in made.items()
        }
        tables = {"follows": follows(frame, self.recipes, blocks, loaded.sites), "curve": curve(frame)}
        return Result(json.loads(self.canonical()), arrays, tables, {"images": len(every[0].numbers)})


def alike_at(
    each: Asked, natural: np.ndarray, of: dict[str, np.ndarray], noise: np.ndarray, where: dict[str, Any]
) -> list[dict[str, Any]]:
    """Rows of one block: for each unit and what is shown, how alike it is to the unit's nine strongest images.

    natural (images, channels): all images; `of`: each recipe's pictures (units, channels); noise (n, channels).
    """
    rows = []
    for place, (unit, trials) in enumerate(zip(each.units, each.trials, strict=True)):
        excite = natural[trials.strong]
        shown = {NATURAL: natural[trials.more], OTHER: natural[trials.less], NOISE: noise}
        for recipe, made in of.items():
            shown[recipe] = made[place : place + 1]
            shown[f"{recipe} {ANOTHER}"] = np.delete(made, place, axis=0)
        found = {"site": each.site, "unit": unit, **where}
        rows += [
            {**found, "shown": name, "similarity": float(spearman(part, excite).mean())}
            for name, part in shown.items()
            if len(part)
        ]
    return rows


def curve(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of units pooled: block, depth, shown, units, similarity with its interval over units."""
    rows = []
    for (depth, block, name), part in table.groupby(["depth", "block", "shown"], sort=False):
        found = estimate(part["similarity"].to_numpy())
        row = {"block": block, "depth": depth, "shown": name, "units": len(part)}
        rows.append({**row, "similarity": found.value, "low": found.low, "high": found.high})
    return pd.DataFrame(rows)
