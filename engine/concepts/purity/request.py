"""Concept units: units of a model that respond to a concept shared by kinds of different groups, tested on known tags.

Invariant: how a unit is classified never depends on colour, place, the number of kinds of a tag, or one kind alone.
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
from engine.concepts.purity.measure import Measured, Reference, measure
from engine.concepts.purity.shares import shares
from engine.core.choices import DEFAULT_DATA, DEFAULT_ROLE
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Progress, Request, Result, build
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.sites.access import Site

__all__ = ["PurityRequest", "compare", "difference", "names_against_truth", "sites_of_role"]


@experiment(
    title="Purity",
    about="Which units follow a concept that kinds of different groups share, against known tags.",
    page="concepts",
    data=("tags",),
)
class PurityRequest(Request):
    """Test every unit of all sites of a role against every concept of a data set of scenes with tags.

    A unit's activation is its mean over positions, on the scenes with an object on a place. A *concept* is a tag shared
    by at least three kinds of at least two groups (`known_tags`). The test, for each unit:

    1. *Place.* Each activation is replaced by its rank among the scenes on the same place.
    2. *Colour.* Smooth functions of the object's and of the image's mean colour are regressed out (`confounds`); the
       residuals are what is permuted below (as in Freedman and Lane 1983).
    3. *Kinds, not scenes.* Residuals are averaged over each kind's scenes, which show the same rendering and are not
       independent. Standardized and passed through the normal distribution function, this gives the kind's standing,
       between 0 and 1.
    4. *No single kind.* Each tag's strongest kind is left out, and the mean is taken over the others.
    5. *Tags of all sizes.* That mean is turned into -log10 of its tail probability for as many random kinds, the
       strongest left out (`tail_tables`). This is the score; the unit's best tag has the highest.
    6. *Multiple testing.* The best score is compared with the best over all tags under 200 permutations of the kinds, in
       which each tag keeps its number of kinds and its overlap with other tags (`permutation`). A **concept unit**
       exceeds 95% of them (tail probability with the observed score included: Phipson and Smyth 2010), and exceeds the
       95th percentile of random units (the floor: a unit that responds to one kind is almost silent on the others, and
       must not pass on negligible activations).

    The *baseline* is the share of units that pass under one permutation, compared with the others: 5%, or less for units
    stopped by the floor; its range shows how far chance can take all units of a layer together. The *strict baseline* is
    the share that pass when kinds are permuted within their subgroup only, which preserves what tags gain from visual
    similarity, for example of all flowers. A concept unit is *beyond likeness* if its score exceeds 95% of its scores
    under those permutations too. A **kind unit** is not a concept unit, but singles out one kind: of all scenes at least
    as strong as the weakest of its best kind (highest AUROC, place and colour regressed out), at least half are of that
    kind. This says what the unit responds to most, and nothing about what comes next.

    Only positive responses count: a unit that is low for a concept is not a unit of it. The controls are strict: a tag
    that is itself a colour ("red") can hardly have a concept unit. And passing is a matter of evidence, not of effect
    size: how purely units respond to their concept is given by AUROC and average precision.

    Tables, rows of `units` in the order of sites, then units:

    - `units`: address, site, layer, unit, tag, auroc and average_precision (over scenes, before any control),
      controlled_auroc (among kinds, steps 1 to 4), score, chance (tail probability), concept, likeness (tail probability),
      beyond_likeness, kind, kind_auroc, kind_precision, kind_unit;
    - `layers`: layer, site, units, independent (effective number of independent units), shares with 95% intervals
      (x, x_low, x_high): concept_units (its interval: low, high), beyond_likeness, kind_units; baseline,
      strict_baseline: mean and 95% range over permutations; auroc, average_precision: medians over the concept
      units (NaN where there are none);
    - `overall`: the same for all sites together, one row;
    - `concepts`: tag, names (all tags that the same kinds share), kinds, groups, units (concept units that have it as
      the best), share of them beyond likeness, address of the unit with the highest AUROC, that AUROC.

    Arrays: `auroc`, `average_precision` (units, concepts) float16, before any control; `baseline_permutations`,
    `strict_permutations` (layers, permutations). Facts: concepts, kinds, images, permutations, floor (of the score),
    kinds_by_chance (share of random units that single out a kind), language (the model was trained with language), seconds.
    """

    experiment = "purity"
    version = 2

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
        reference = Reference.of(truth, control_basis(truth, colours))
        measured: list[Measured] = []
        for number, (site, index) in enumerate(zip(sites, indexes, strict=True), start=1):
            rows = np.searchsorted(index.arrays["images"], truth.numbers)
            activations = index.arrays["position_mean"][rows]
            measured.append(measure(activations, reference, lambda at=number, name=site.name: tell(at, name)))
        tables = {"units": _units(self.model, sites, measured, truth), **shares(sites, measured)}
        tables["concepts"] = _concepts(tables["units"], truth)
        arrays = {
            "auroc": np.concatenate([one.auroc for one in measured]).astype(np.float16),
            "average_precision": np.concatenate([one.average_precision for one in measured]).astype(np.float16),
            "baseline_permutations": np.stack([one.baseline for one in measured]).astype(np.float32),
            "strict_permutations": np.stack([one.strict for one in measured]).astype(np.float32),
        }
        facts: dict[str, Any] = {
            "concepts": len(truth.tags),
            "kinds": len(truth.kind_names),
            "images": len(truth.numbers),
            "permutations": len(reference.permutations),
            "floor": reference.floor,
            "kinds_by_chance": reference.by_chance,
            "language": loaded.clip is not None,
            "seconds": time.monotonic() - started,
        }
        return Result(json.loads(self.canonical()), arrays, tables, facts)


def sites_of_role(loaded: LoadedModel, role: str) -> list[Site]:
    """The model's sites of a role, in order of depth. Raises BadRequest, with the roles it has, where there is none."""
    of_role = [site for site in loaded.sites.values() if site.role == role]
    if not of_role:
        roles = ", ".join(dict.fromkeys(site.role for site in loaded.sites.values()))
        raise BadRequest(f"{loaded.name} has no sites of the role “{role[:40]}”. It has: {roles}.")
    return of_role


def _units(model: str, sites: list[Site], measured: list[Measured], truth: Truth) -> pd.DataFrame:
    parts = []
    for layer, (site, one) in enumerate(zip(sites, measured, strict=True)):
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
