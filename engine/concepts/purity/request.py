"""Concept units: units of a model that respond to a concept shared by kinds of different groups, tested on known tags.

Invariant: how a unit is classified never depends on colour, place, the number of kinds of a tag, or one kind alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from engine.concepts.halves import directions
from engine.concepts.purity.compare import compare, difference, names_against_truth, too_few
from engine.concepts.purity.confounds import control_basis, mean_colours
from engine.concepts.purity.known_tags import Truth, tag_truth
from engine.concepts.purity.measure import Measured, Reference, measure
from engine.concepts.purity.power import NOMINAL, SINGLE, TYPICAL, findable, power, typical
from engine.concepts.purity.shares import beside, shares
from engine.core.choices import DEFAULT_DATA, DEFAULT_ROLE
from engine.core.discovery import FALSE
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Progress, Request, Result, build
from engine.core.statistics import HIGH, LOW
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.sites.access import Site

__all__ = ["PurityRequest", "compare", "difference", "names_against_truth", "sites_of_role", "too_few"]

DIRECTIONS = 256
"""Random directions of a layer that go through the same test."""
FEW = 5


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
    6. *The best of many tags.* The best score is compared with the best over all tags under at most 1,000 permutations of
       the kinds, in which each tag keeps its number of kinds and its overlap with other tags (`permutation`; tail
       probability with the observed score included: Phipson and Smyth 2010).
    7. *Likeness.* The same with kinds permuted within their subgroup only, which preserves what tags gain from visual
       similarity, for example of all flowers. A unit is **beyond likeness** if both probabilities are at most 5%, and its
       score exceeds the 95th percentile of random units (the floor: a unit that responds to one kind is almost silent
       on the others, and must not pass on negligible activations). The share of such units is the headline.
    8. *Many units.* One in twenty units that mean nothing passes a test at 5%. So a single unit is called a **concept unit**
       only where the larger of its probabilities is a discovery at a false discovery rate of 5% over the layer (Benjamini
       and Hochberg 1995).

    Beside the share beyond likeness stand its nulls: *shuffled*, the share that would pass when tags are permuted within
    subgroups; the *twin*, the same test on the same architecture with random weights; *directions*, the same test on random
    directions in the space of the layer's units. Twin and directions stand beside every other share too.

    Concepts that hardly any unit could pass for are left out (`power.findable`). The table `power` says how often a unit
    of known AUROC is found.

    A unit is *nominal* if its probability of step 6 alone is at most 5%: what looks like one subgroup passes, and so do 5% of
    units that mean nothing. The *baseline* is the share of units that are nominal under one permutation, compared with the
    others; its range shows how far chance can take all units of a layer together; the *strict baseline* is the same when
    kinds are permuted within their subgroup only. A **kind unit** is not a concept unit, but singles out one kind: of all
    scenes at least as strong as the weakest of its best kind (highest AUROC, place and colour regressed out), at least
    half are of that kind. This says what the unit responds to most, and nothing about what comes next.

    Only positive responses count: a unit that is low for a concept is not a unit of it. The controls are strict: a tag
    that is itself a colour ("red") can hardly have a concept unit. And passing is a matter of evidence, not of effect
    size: how purely units respond to their concept is given by AUROC and average precision.

    Tables, rows of `units` in the order of sites, then units:

    - `units`: address, site, layer, unit, tag, auroc and average_precision (over scenes, before any control),
      controlled_auroc (among kinds, steps 1 to 4), score, chance (tail probability of step 6), nominal, likeness (of step 7;
      1 for units whose `chance` is above 5%), beyond_likeness, concept, kind, kind_auroc, kind_precision, kind_unit;
    - `layers`: layer, site, units, independent (effective number of independent units), shares with 95% intervals
      (x, x_low, x_high): beyond_likeness, twin and directions (NaN where there is no twin), concept_units, nominal_units,
      kind_units, of each of these three those of the twin and of directions (twin_kind_units ...); shuffled, baseline,
      strict_baseline: mean and 95% range over permutations; auroc, average_precision: medians over the units beyond likeness
      (NaN where there are none);
    - `overall`: the same for all sites together, one row;
    - `concepts`: tag, names (all tags that the same kinds share), kinds, groups, units (those beyond likeness that have it
      as the best), by_chance (how many there would be with kinds permuted within subgroups: mean and 95% range over
      permutations), concept_units (of those), address of the unit with the highest AUROC, that AUROC;
    - `power`: see `power.power`; auroc_x of one unit, tested at 5%, single_x of one whose p-value is the smallest that there is.
      Neither asks for likeness.

    Arrays: `auroc`, `average_precision` (units, concepts) float16, before any control; `baseline_permutations`,
    `strict_permutations` (layers, permutations). Facts: concepts, left_out (tags that hardly any unit could pass for), few
    (share of all concepts that have five kinds or fewer), kinds, images, permutations, floor (of the score), level (the
    false discovery rate), by_chance (the average precision of a unit that means nothing: the mean share of scenes that the
    concept of a unit beyond likeness has), power (share of units with an AUROC of 0.77 that are found at 5%, over all concepts),
    power_single (the same at the smallest p-value, which a single unit needs where few of its layer have it),
    kinds_by_chance (share of random units that single out a kind), twin (the twin's name or None), language (the model
    was trained with language), seconds.
    """

    experiment = "purity"
    version = 5
    changes: ClassVar = {
        5: "An untrained network, in which no branch does nothing any more, and random directions now stand beside every share "
        "of units, also of those that single out one kind; the power for a single unit stands beside that of one test at 5%, "
        "and beside each concept how many units chance gives it. The model's own shares are as they were.",
        4: "Intervals of shares of units are wider where units that are alike pass together; the shares are as they were.",
        3: "The share that counts is now that of units beyond likeness, with an untrained network and random directions beside "
        "it, and a single unit is called a concept unit at a false discovery rate of 5% in each layer only; before, every unit "
        "in the top 5% of its own permutations was one, and looking like one subgroup was enough for that.",
    }

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
        whole = tag_truth(dataset, indexes[0].arrays["images"])
        truth = possible(whole)
        steps = 2 * len(sites) + 1

        def tell(done: int, message: str) -> None:
            context.report(Progress(done, steps, message))

        colours = mean_colours(dataset, truth.numbers, lambda row: tell(0, f"Colours of {row} scenes"))
        reference = Reference.of(truth, control_basis(truth, colours))
        measured: list[Measured] = []
        mixed: list[Measured] = []
        for number, (site, index) in enumerate(zip(sites, indexes, strict=True)):
            rows = np.searchsorted(index.arrays["images"], truth.numbers)
            activations = index.arrays["position_mean"][rows]
            measured.append(measure(activations, reference, partial(tell, 2 * number + 1, site.name)))
            message = f"{site.name}, random directions"
            mixed.append(
                measure(directions(activations, DIRECTIONS), reference, partial(tell, 2 * number + 2, message))
            )
        tables = {"units": _units(self.model, sites, measured, truth), **shares(sites, measured)}
        tables["concepts"] = _concepts(tables["units"], truth, np.sum([one.by_tag for one in measured], axis=0))
        cuts = {NOMINAL: FALSE, SINGLE: 1 / (len(reference.permutations) + 1)}
        tables["power"] = power(reference.concepts, reference.chance, cuts)
        twin = catalog.twin(self.model)
        beside(tables, "directions", shares(sites, mixed))
        untrained = None if twin is None else context.compute(build(PurityRequest, **self._of(twin))).tables
        beside(tables, "twin", untrained)
        arrays = {
            "auroc": np.concatenate([one.auroc for one in measured]).astype(np.float16),
            "average_precision": np.concatenate([one.average_precision for one in measured]).astype(np.float16),
            "baseline_permutations": np.stack([one.baseline for one in measured]).astype(np.float32),
            "strict_permutations": np.stack([one.strict for one in measured]).astype(np.float32),
        }
        facts: dict[str, Any] = {
            **_known(whole, reference),
            "by_chance": _prevalence(measured, truth),
            "power": typical(tables["power"], TYPICAL),
            "power_single": typical(tables["power"], TYPICAL, SINGLE),
            "twin": twin,
            "language": loaded.clip is not None,
            "seconds": time.monotonic() - started,
        }
        return Result(json.loads(self.canonical()), arrays, tables, facts)

    def _of(self, model: str) -> dict[str, Any]:
        return self.model_dump() | {"model": model}


def possible(truth: Truth) -> Truth:
    """Without the concepts that hardly any unit could pass for. Raises BadRequest where none is left."""
    kept = findable(truth)
    if not kept.any():
        raise BadRequest(
            "Every concept of these images consists of what looks alike, so no unit could be told to follow one."
        )
    numbers = np.flatnonzero(kept)
    tags, names = tuple(truth.tags[at] for at in numbers), tuple(truth.names[at] for at in numbers)
    return replace(truth, tags=tags, names=names, members=truth.members[:, kept])


def _known(whole: Truth, reference: Reference) -> dict[str, Any]:
    """The facts that are the same for every model: of all concepts, and of those that are looked for."""
    truth = reference.truth
    return {
        "concepts": len(truth.tags),
        "left_out": [tag for tag in whole.tags if tag not in truth.tags],
        "few": float((whole.members.sum(axis=0) <= FEW).mean()),
        "kinds": len(truth.kind_names),
        "images": len(truth.numbers),
        "permutations": len(reference.permutations),
        "floor": reference.floor,
        "level": FALSE,
        "kinds_by_chance": reference.by_chance,
    }


def _prevalence(measured: Sequence[Measured], truth: Truth) -> float:
    """The mean share of scenes that the concept of a unit beyond likeness has; NaN where there is none."""
    tags = np.concatenate([one.tag[one.beyond] for one in measured])
    return float(truth.matrix.mean(axis=0)[tags].mean()) if len(tags) else float("nan")


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
            "nominal": one.nominal,
            "likeness": one.likeness,
            "beyond_likeness": one.beyond,
            "concept": one.concept,
            "kind": np.array(truth.kind_names)[one.kind],
            "kind_auroc": one.kind_area,
            "kind_precision": one.kind_precision,
            "kind_unit": one.kind_unit,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _concepts(units: pd.DataFrame, truth: Truth, by_tag: np.ndarray) -> pd.DataFrame:
    """The concepts; `by_tag` (P, T): how many units of all layers pass for each under each permutation."""
    rows = []
    low, high = np.percentile(by_tag, (LOW, HIGH), axis=0)
    for number, tag in enumerate(truth.tags):
        having = units[units["beyond_likeness"] & (units["tag"] == tag)]
        best = having.loc[having["auroc"].idxmax()] if len(having) else None
        rows.append(
            {
                "tag": tag,
                "names": ", ".join(truth.names[number]),
                "kinds": int(truth.members[:, number].sum()),
                "groups": truth.concept_groups[number],
                "units": len(having),
                "by_chance": float(by_tag[:, number].mean()),
                "by_chance_low": float(low[number]),
                "by_chance_high": float(high[number]),
                "concept_units": int(having["concept"].sum()),
                "address": "" if best is None else str(best["address"]),
                "auroc": float("nan") if best is None else float(best["auroc"]),
            }
        )
    return pd.DataFrame(rows)
