"""What survives of position, layer by layer: does a map show where the object is, and does a token know where it is?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from engine.core import devices
from engine.core.experiments import experiment
from engine.core.precision import autocast
from engine.core.request import Context, Result
from engine.core.statistics import difference, smallest_difference
from engine.evaluation.index import batch_size
from engine.evaluation.request import OnImages, report
from engine.evaluation.streaming import Stream
from engine.sites.access import Site, read
from engine.spatial import images
from engine.spatial.depth import Layer, layers_of
from engine.spatial.resamples import ends, smallest, weights_of
from engine.spatial.strongest import SIDES
from engine.spatial.tally import EACH, MEDIANS, Tally

CURVES = (*MEDIANS, *EACH)


def place_told(table: pd.DataFrame) -> pd.DataFrame:
    """A table `layers` in which `position_r2` is unknown where it is below zero: there, a regression on few images has told less
    of a token's place than the middle of the image would."""
    below = table["position_r2"] < 0
    return table.assign(
        **{f"position_r2{end}": table[f"position_r2{end}"].mask(below) for end in ("", "_low", "_high")}
    )


@experiment(
    title="Position and localisation by layer",
    about="How well unit maps localise the object, and how long tokens preserve their position.",
    page="spatial",
)
class LayersRequest(OnImages):
    """The curves of a model over its depth on one data set (paper, section 4; `images`: at most so many of them).

    Table `layers`, one row a block: layer, site (its tokens), maps (the site whose maps are compared with masks),
    share of depth, and, each with `_low` and `_high` of its 95% interval over images:

    - `localisation_strongest`: how well units' maps separate the object's positions from the rest (area under the ROC
      curve) on each unit's ten strongest images (largest mean over positions, at most one of each matched set). A unit's
      direction (towards object or background) is chosen on half of the ten and measured on the other half.
      Median over units, with quartiles; `localisation_strongest_control`: the same against other images' masks;
    - `object_share`: of the `direction_units` units that mark the same side on at least 9 of their ten, those that mark
      the object (interval over units). On an image a unit marks the object where its map separates it better than the
      median of three other images' objects, and the background where worse: where objects mostly are gives no side.
      `preferring`: the share of units with a side (by chance 2%). `object_share_control`, `preferring_control`: the
      same where the map is above or below 0.5 with one other image's mask, so what the place of objects alone gives;
    - `localisation_auroc`: the same over all images (below 0.5 turned around), with `localisation_quartile_1`, `_3` and
      `localisation_control`;
    - `self_retrieval`: share of tokens whose nearest input embedding is that of their own position;
    - `position_r2`: of a ridge regression from token to (row, column), fitted on half of the images, scored on the rest;
    - `homogeneity`: 1 minus the tokens' spread around their mean, as a share of their total square; `map_uniformity`
      is the same of the maps, which large means make high; `map_between`: the share of a unit's variance that lies
      between images instead of within their maps, which means leave alone (median over units).

    NaN where a quantity does not exist. Intervals count the scenes of a matched set as belonging together. Arrays `units`
    (layer, U) numbers, `unit_auroc` and `unit_strongest` (layer, U), -1 and NaN beyond a layer's own. Facts: images, masks,
    scored, missing (why something is NaN), skipped (what could not be read), last (the last block against the mean of all
    others, with intervals and the smallest difference that such images would show with 80% power), seconds, device.
    """

    experiment = "spatial-layers"
    version = 4
    changes: ClassVar[Mapping[int, str]] = {
        4: "A unit marks the object or the background only where its map tells its own image's object from those of other "
        "images; being brighter where objects mostly are, or are not, gave it a side before.",
        3: "Localisation is that of the images that excite a unit most, with the direction as a number of its own, and "
        "over all images beside it. Uniformity of maps has a second measure, and intervals know which images belong "
        "together.",
    }

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
    tallies = [Tally(entry, layer, model.device) for layer in layers]
    fitted, done = max(len(numbers) // 2, 1), 0
    # The pass is cut where fitting ends, so that no batch is both fitted and scored.
    for part, fitting in ((numbers[:fitted], True), (numbers[fitted:], False)):
        for batch in images.batches(dataset, part, model, size, stream.skipped) if len(part) else ():
            with torch.no_grad(), autocast(model.device):
                values = read(model.module, names, model.normalize(batch.images))
            weights = torch.from_numpy(weights_of(batch.clusters)).double().to(devices.exact(model.device))
            for tally in tallies:
                tally.add(values, batch, weights, fitting)
            done += len(batch.numbers)
            stream.tell(done, len(numbers))
    measured = _result(model.name, tallies)
    measured.facts |= {"images": done, "skipped": report(dataset, stream.skipped, ())}
    return measured


def _result(model: str, tallies: Sequence[Tally]) -> Result:
    """What the tallies of all layers come to."""
    missing, rows, curves = dict[str, None](), list[dict[str, Any]](), list[dict[str, np.ndarray]]()
    over_all, strongest = list[np.ndarray](), list[np.ndarray]()
    for index, tally in enumerate(tallies):
        row: dict[str, Any] = {"layer": index, "site": tally.layer.tokens.name, "maps": tally.layer.maps.name}
        columns, curve, *units = tally.row()
        rows.append(row | {"depth": (index + 1) / len(tallies)} | columns)
        curves.append(curve)
        over_all.append(units[0])
        strongest.append(units[1])
        missing |= dict.fromkeys(tally.missing(model))
    table = pd.DataFrame(rows)
    for column in (*(f"{name}{end}" for name in (*CURVES, *SIDES) for end in ("", "_low", "_high")),):
        if column not in table:
            table[column] = np.nan
    facts = {
        "masks": tallies[0].auroc.images,
        "scored": tallies[0].scored,
        "chance_self_retrieval": 1 / (tallies[0].entry.grid.height * tallies[0].entry.grid.width),
        "missing": [*missing],
        "last": _last_against_others(curves, tallies),
    }
    arrays = {"units": _padded([tally.chosen.cpu().numpy() for tally in tallies], -1, np.int32)}
    arrays |= {"unit_auroc": _padded(over_all, np.nan, np.float32)}
    arrays |= {"unit_strongest": _padded(strongest, np.nan, np.float32)}
    return Result({}, arrays, {"layers": table}, facts)


def _padded(rows: Sequence[np.ndarray], filling: float, dtype: type) -> np.ndarray:
    """(rows, longest row), `filling` behind the shorter ones."""
    table = np.full((len(rows), max(map(len, rows))), filling, dtype)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _last_against_others(curves: Sequence[dict[str, np.ndarray]], tallies: Sequence[Tally]) -> dict[str, Any]:
    """For each curve that all blocks have: the last block minus the mean of the others, paired over images."""
    differences = {}
    for name in CURVES:
        if len(curves) < 2 or any(name not in curve for curve in curves):
            continue
        others, last = np.mean([curve[name] for curve in curves[:-1]], axis=0), curves[-1][name]
        if name in MEDIANS:
            by, sets = last - others, tallies[0].sets
            found = {"difference": float(by[0]), "interval": [*ends(by, sets)], "smallest": smallest(by, sets)}
        else:
            clusters = tallies[0].clusters(name)
            value, low, high = difference(last, others, clusters)
            found = {"difference": value, "interval": [low, high]}
            found["smallest"] = smallest_difference(last, others, clusters)
        differences[name] = found
    return differences
