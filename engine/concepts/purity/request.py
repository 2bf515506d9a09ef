"""Concept units: which units of a model follow a concept that kinds of different groups share, against known tags.

Invariant: what a unit is held to be never depends on colour, place, the number of kinds of a tag, or one kind alone.
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pandas as pd

from engine.concepts.purity.compare import compare, difference, names_against_truth
from engine.concepts.purity.confounds import control_basis, mean_colours
from engine.concepts.purity.known_tags import Truth, tag_truth
from engine.concepts.purity.measure import Measured, Ruler, measure
from engine.concepts.purity.shares import shares
from engine.core.choices import DEFAULT_DATA, DEFAULT_ROLE
from engine.core.errors import BadRequest
from engine.core.request import Context, Progress, Request, Result, build, experiment
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.sites.access import Site

__all__ = ["PurityRequest", "compare", "difference", "names_against_truth", "sites_of_role"]


@experiment
class PurityRequest(Request):
    """Hold every unit of all sites of a role against every concept of a data set of scenes with tags.

    A unit's activation is its mean over positions, on the scenes with an object on a place. A *concept* is a tag that
    at least three kinds share, of at least two groups (`truth`). The test, for each unit:

    1. *Place.* Each activation is replaced by where it stands among the scenes on the same place.
    2. *Colour.* Smooth functions of the object's and of the picture's mean colour are taken out by least squares
       (`controls`), and what is left is what gets shuffled below (as in Freedman and Lane 1983).
    3. *Kinds, not scenes.* What is left is averaged over each kind's scenes: they show one rendering, and are no
       independent evidence. In standard deviations, through the normal distribution, it is where the kind stands,
       between 0 and 1.
    4. *No kind alone.* Each tag's strongest kind is left out, and the mean taken over the others.
    5. *Tags of every size alike.* That mean becomes -log10 of the probability that as many random kinds, the strongest
       left out, reach it (`yardstick`). It is the score; the unit's best tag has the highest.
    6. *Best of many.* The best score is compared with the best of all tags in 200 shuffled worlds: kinds change
       places, so each tag keeps its number of kinds and its overlap with other tags (`worlds`). A **concept unit** is
       above 95% of them (p-value with the real world counted in: Phipson and Smyth 2010), and above what 95 of 100
       random units reach (the floor: a unit that answers to one kind is all but silent on the others, and must not
       pass on a whisper).

    The *baseline* is the share of units that pass in one shuffled world, held against the others: 5%, or less for units
    that the floor stops, and the range says how far chance takes all units of a layer together. The *strict baseline*
    is the share that pass when kinds change places within their subgroup only: what tags gain from the likeness of,
    say, all flowers stays. A concept unit is *beyond likeness* if its own score is above 95% of its scores in those
    worlds too. A **kind unit** is no concept unit, but singles one kind out: of all scenes as strong as the weakest of
    its best kind (highest AUROC, place and colour taken out by least squares), at least half are of that kind. That
    says what comes first for it, and nothing of what comes next.

    Only what a unit *fires* for counts: a unit that is low for a concept is not one of it. The controls are blunt: a
    tag that is itself a colour ("red") hardly has a concept unit. And passing is a matter of evidence, not of
    strength: how purely the units that pass follow their concept, their AUROC and average precision say.

    Tables, rows of `units` in the order of sites, then units:

    - `units`: address, site, layer, unit, tag, auroc and average_precision (over scenes, before any control),
      controlled_auroc (among kinds, steps 1 to 4), score, chance (p-value), concept, likeness (p-value),
      beyond_likeness, kind, kind_auroc, kind_precision, kind_unit;
    - `layers`: layer, site, units, independent (how many independent units they amount to), shares with 95% intervals
      (x, x_low, x_high): concept_units (its interval: low, high), beyond_likeness, kind_units; baseline,
      strict_baseline: mean and 95% range over shuffled worlds; auroc, average_precision: medians over the concept
      units (NaN where there are none);
    - `overall`: the same for all sites together, one row;
    - `concepts`: tag, names (all tags that the same kinds share), kinds, groups, units (concept units that have it as
      the best), share of them beyond likeness, address of the unit with the highest AUROC, that AUROC.

    Arrays: `auroc`, `average_precision` (units, concepts) float16, before any control; `baseline_worlds`,
    `strict_worlds` (layers, worlds). Facts: concepts, kinds, images, worlds, floor (of the score), kinds_by_chance
    (share of random units that single out a kind), language (the model was trained with language), seconds.
    """

    experiment = "purity"
    version = 1

    model: str
    role: str = DEFAULT_ROLE
    data: str = DEFAULT_DATA

    def fingerprints(self) -> dict[str, str]:
        return {"model": catalog.fingerprint(self.model), "data": open_dataset(self.data).fingerprint}

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        loaded, dataset = catalog.load(self.model), open_dataset(self.data)
        sites = sites_of_role(loaded, self.role)
        tag_truth(dataset)  # refuses before the work, not after it
        indexes = [context.compute(build(IndexRequest, model=self.model, site=s.name, data=self.data)) for s in sites]
        images = indexes[0].arrays["images"]
        truth = tag_truth(dataset, images)
        steps = len(sites) + 1

        def tell(done: int, message: str) -> None:
            context.report(Progress(done, steps, message))

        colours = mean_colours(dataset, truth.numbers, lambda row: tell(0, f"Colours of {row} scenes"))
        ruler = Ruler.of(truth, control_basis(truth, colours))
        found: list[Measured] = []
        for number, (site, index) in enumerate(zip(sites, indexes, strict=True), start=1):
            rows = np.searchsorted(index.arrays["images"], truth.numbers)
            activations = index.arrays["position_mean"][rows]
            found.append(measure(activations, ruler, lambda at=number, name=site.name: tell(at, name)))
        tables = {"units": _units(self.model, sites, found, truth), **shares(sites, found)}
        tables["concepts"] = _concepts(tables["units"], truth)
        arrays = {
            "auroc": np.concatenate([one.auroc for one in found]).astype(np.float16),
            "average_precision": np.concatenate([one.average_precision for one in found]).astype(np.float16),
            "baseline_worlds": np.stack([one.baseline for one in found]).astype(np.float32),
            "strict_worlds": np.stack([one.strict for one in found]).astype(np.float32),
        }
        facts: dict[str, Any] = {
            "concepts": len(truth.tags),
            "kinds": len(truth.kind_names),
            "images": len(truth.numbers),
            "worlds": len(ruler.shuffled),
            "floor": ruler.floor,
            "kinds_by_chance": ruler.by_chance,
            "language": loaded.clip is not None,
            "seconds": time.monotonic() - started,
        }
        return Result(json.loads(self.canonical()), arrays, tables, facts)


def sites_of_role(loaded: LoadedModel, role: str) -> list[Site]:
    """The model's sites of a role, in order of depth. Raises BadRequest, with the roles it has, where there is none."""
    found = [site for site in loaded.sites.values() if site.role == role]
    if not found:
        roles = ", ".join(dict.fromkeys(site.role for site in loaded.sites.values()))
        raise BadRequest(f"{loaded.name} has no sites of the role “{role[:40]}”. It has: {roles}.")
    return found


def _units(model: str, sites: list[Site], found: list[Measured], truth: Truth) -> pd.DataFrame:
    parts = []
    for layer, (site, one) in enumerate(zip(sites, found, strict=True)):
        units = np.arange(site.units)
        columns = {
            "address": [f"{model}@{site.name}:{unit}" for unit in units],
            "site": site.name,
            "layer": layer,
            "unit": units,
            "tag": np.array(truth.tags)[one.tag],
            "auroc": one.auroc[units, one.tag],
            "average_precision": one.average_precision[units, one.tag],
            "controlled_auroc": one.area,
            "score": one.score.astype(np.float64),
            "chance": one.chance,
            "concept": one.concept,
            "likeness": one.likeness,
            "beyond_likeness": one.beyond,
            "kind": np.array(truth.kind_names)[one.kind],
            "kind_auroc": one.kind_area,
            "kind_precision": one.kind_precision,
            "kind_unit": one.kind_unit,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _concepts(units: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    rows = []
    for number, tag in enumerate(truth.tags):
        having = units[units["concept"] & (units["tag"] == tag)]
        best = having.loc[having["auroc"].idxmax()] if len(having) else None
        rows.append(
            {
                "tag": tag,
                "names": ", ".join(truth.names[number]),
                "kinds": int(truth.members[:, number].sum()),
                "groups": truth.concept_groups[number],
                "units": len(having),
                "beyond_likeness": int(having["beyond_likeness"].sum()),
                "address": "" if best is None else str(best["address"]),
                "auroc": float("nan") if best is None else float(best["auroc"]),
            }
        )
    return pd.DataFrame(rows)
