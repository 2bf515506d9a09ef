"""Which frequencies a model needs: accuracy under low-pass, high-pass and band-pass filters (paper, section 5).

The paper gives neither its filter nor its cut-offs, so these are ours: see `engine.reliance.filters`. One request is one model
on one data set. Every image is decoded and transformed once for all filters.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from engine.core.choices import DEFAULT_FILTER, Filter
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Result
from engine.core.statistics import Estimate, difference, level_among, smallest_difference
from engine.evaluation.comparison import align
from engine.evaluation.curves import Curve, curve_facts, paired_curves
from engine.evaluation.predictions import correct
from engine.evaluation.request import OnImages
from engine.evaluation.samples import Sample, at_input_size
from engine.evaluation.streaming import Stream, Varied
from engine.reliance.filters import filtered, kept_radius

# Twenty, denser where natural images have most of their energy.
CUTOFFS = (*(round(step / 50, 2) for step in range(1, 11)), 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BANDS = (0.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.3, 0.4, 0.6, 1.0)


def passes(cutoffs: Sequence[float], bands: Sequence[float], low: bool, high: bool) -> list[tuple[str, float, float]]:
    """(kind, from, to) of every filter, in the order of a result's second axis: the range that it lets through.

    The unfiltered image comes first; it stands for the low-pass at cut-off 1, which is the same.
    """
    filters = [("full", 0.0, 1.0)]
    filters += [("low", 0.0, cutoff) for cutoff in cutoffs if cutoff < 1] if low else []
    filters += [("high", cutoff, 1.0) for cutoff in cutoffs] if high else []
    return filters + [("band", lower, upper) for lower, upper in itertools.pairwise(bands)]


@experiment(
    title="Spatial frequency",
    about="Accuracy under low-pass, high-pass and band-pass filters.",
    page="reliance",
    models=("classes",),
    data=("labels",),
)
class FrequencyRequest(OnImages):
    """A model's answers on filtered images.

    `cutoffs`: fractions of Nyquist for the low-pass and high-pass; `bands`: the edges of the band-pass sweep (empty: none).
    At most `limit` images, the same ones each time (0: all).

    Arrays for N images and V filters: `images` (N,), `labels` (N,), `top` (N, V, 5), `probability` (N, V, 5), `loss`
    (N, V) as in `engine.evaluation.predictions`. Tables: `low`, `high` and `band` with
    top-1 and top-5 accuracy, raw and normalised by the unfiltered images', with intervals.
    `kept` is the largest frequency that the model's images hold and a low-pass of this cut-off keeps (and a high-pass
    takes away). Facts: variants, full, area and half_cutoff of low and high over `kept` (each value, low, high; an open end is
    infinite; see `engine.evaluation.curves`), skipped, seconds, device, images_per_second. Intervals know the data set's
    `clusters`.
    """

    experiment = "frequency"
    version = 3
    changes: ClassVar[Mapping[int, str]] = {
        2: "Areas and half cut-offs are read from the largest frequency that a filter really keeps, which lies below the nominal "
        "cut-off (0.093 for 0.10 at 96 pixels), and intervals know which images belong together.",
        3: "The interval of a half cut-off is open where accuracy does not fall to half in many resamples of the images; before, "
        "those were left out, so that it ended at the first cut-off as if that were known.",
    }

    filter: Filter = DEFAULT_FILTER
    cutoffs: tuple[float, ...] = Field(default=CUTOFFS, min_length=1, max_length=100)
    low: bool = True
    high: bool = True
    bands: tuple[float, ...] = Field(default=BANDS, max_length=100)
    limit: int = Field(default=0, ge=0)

    @field_validator("cutoffs", "bands")
    @classmethod
    def _rising(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        rising = all(one < other for one, other in itertools.pairwise(values))
        if not rising or any(not 0 <= value <= 1 for value in values):
            raise ValueError("write increasing fractions of Nyquist, from 0 to 1")
        return values

    def filters(self) -> list[tuple[str, float, float]]:
        """The filters in the order of the result's second axis."""
        filters = passes(self.cutoffs, self.bands, self.low, self.high)
        if len(filters) < 2:
            raise BadRequest("No filter is selected. Select a low-pass, a high-pass or bands.")
        return filters

    def run(self, context: Context) -> Result:
        filters, stream = self.filters(), Stream.of(self, context)
        spans = [span for _, *span in filters]

        def vary(batch: list[Sample]) -> Varied:
            return batch, filtered(at_input_size(batch, stream.loaded), spans, self.filter), {}

        arrays = stream.answers(*stream.chosen(self.limit), len(filters), vary)
        speed = stream.speed(len(arrays["images"]) * len(filters))
        tables, about = curves(arrays, filters, self.filter, stream.loaded.input_size)
        facts = {
            **about,
            "variants": [list(one) for one in filters],
            "filter": self.filter,
            "images": len(arrays["images"]),
            **speed,
        }
        return stream.result(self, arrays, tables, facts, stream.matching.notes)


def curves(
    arrays: dict[str, np.ndarray], filters: Sequence[tuple[str, float, float]], shape: Filter, size: tuple[int, int]
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Tables and facts of a result, from its answers image by image."""
    top1, top5 = correct(arrays, 1), correct(arrays, 5)
    tables: dict[str, pd.DataFrame] = {}
    clusters = arrays.get("clusters")
    unfiltered = curve_facts(top1[:, :1], top5[:, :1], top1[:, 0], top5[:, 0], None, clusters)
    facts: dict[str, Any] = {"full": unfiltered[0][0]}
    for kind, edge in (("low", 2), ("high", 1), ("band", None)):
        places = [place for place, (name, *_) in enumerate(filters) if name == kind]
        if not places:
            continue
        if kind == "low":
            places.append(0)  # unfiltered: cut-off 1
        kept = None if edge is None else [kept_radius(size, float(filters[place][edge]), shape) for place in places]
        rows, about = curve_facts(top1[:, places], top5[:, places], top1[:, 0], top5[:, 0], kept, clusters)
        for number, (row, place) in enumerate(zip(rows, places, strict=True)):
            row |= {"from": filters[place][1], "to": filters[place][2]}
            row |= {} if edge is None or kept is None else {"cutoff": filters[place][edge], "kept": kept[number]}
        tables[kind] = pd.DataFrame(rows)
        facts |= {f"{kind}_{name}": value for name, value in about.items()}
    return tables, facts


def paired(results: Sequence[Result], kind: str = "low") -> list[dict[str, Any]]:
    """For every pair of results of one data set and the same filters: how their normalised curves differ (a minus b) on
    their common images: `area` and `half_cutoff`, each (value, low, high) or None, and the `level` of these intervals, which of
    more than two models allow for all pairs (Bonferroni). Raises BadRequest where they do not match.
    """
    together = align(results)
    filters = results[0].facts["variants"]
    places = [place for place, (name, *_) in enumerate(filters) if name == kind] + ([0] if kind == "low" else [])
    curves = [
        Curve(together.top1[each][:, places], together.top1[each][:, 0], result.tables[kind]["kept"].tolist())
        for each, result in enumerate(results)
    ]
    every = [*itertools.combinations(range(len(results)), 2)]
    level = level_among(len(every))
    return [
        {
            "a": together.models[a],
            "b": together.models[b],
            **paired_curves(curves[a], curves[b], together.clusters, level),
            "level": level,
        }
        for a, b in every
    ]


def best_band(result: Result) -> tuple[int, int | None, Estimate, float]:
    """(row of the table `band` with the highest accuracy; that of the next, None where there is only one; how far the best is
    ahead on the same images, with an interval that allows for the choice among all bands; the smallest lead that would have been
    seen)."""
    kinds = [name for name, *_ in result.facts["variants"]]
    right = correct(result.arrays, 1)[:, [place for place, name in enumerate(kinds) if name == "band"]]
    best, *others = np.argsort(-right.mean(0), kind="stable").tolist()
    if not others:
        return best, None, Estimate(np.nan, np.nan, np.nan), np.nan
    pair, clusters, level = (
        (right[:, best], right[:, others[0]]),
        result.arrays.get("clusters"),
        level_among(len(others)),
    )
    return best, others[0], difference(*pair, clusters, level), smallest_difference(*pair, clusters, level)
