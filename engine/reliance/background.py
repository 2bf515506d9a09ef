"""Foreground and background: how much a model needs of either (paper, section 5 and Table 2).

One request is one model on one data set; what two models differ by is computed from their results
(`engine.evaluation.comparison`), so that adding a model computes only the new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from engine.core.choices import DEFAULT_FILLS, FILLS, Cut, Fill
from engine.core.experiments import experiment
from engine.core.request import Context, Result
from engine.core.statistics import effective, estimate, smallest_share
from engine.evaluation.predictions import variant_table
from engine.evaluation.request import OnImages
from engine.evaluation.samples import Sample, check_cut, saliency_read
from engine.evaluation.streaming import Arrays, Stream, Varied
from engine.reliance.cuts import cut_variants, variants
from engine.reliance.places import Places, chance, ideal_lives, ideal_names, shown_in


@experiment(
    title="Object and background",
    about="Accuracy on intact images, on objects alone and on backgrounds alone.",
    page="reliance",
    models=("classes",),
    data=("labels",),
)
class BackgroundRequest(OnImages):
    """A model's answers on full images, on the object alone and on the background alone.

    Cut by `box` (union of the true class's boxes, at the image's own resolution, before resizing: the paper's
    protocol), by `mask`, or by `saliency` where a data set has neither. What is cut out is filled in each of the ways of
    `fills`. At most `limit` images, the same ones each time (0: all).

    Arrays for N images and V variants: `images` (N,), `labels` (N,), `top` (N, V, 5), `probability` (N, V, 5), `loss`
    (N, V) as in `engine.evaluation.predictions`; `share` (N,): the part of the image that is object.
    Where the data set says which place an image shows and where each class is at home: `lives` (N, V): whether the answered
    class lives at that place. Table `variants`: one row a variant with `engine.evaluation.predictions.measured`, and, for
    backgrounds alone where places are known, what `place_row` gives. Intervals know the data set's `clusters`.
    Facts: variants, cut, skipped, classes, seconds, device, images_per_second.
    """

    experiment = "background"
    version = 2
    changes: ClassVar[Mapping[int, str]] = {
        2: "Backgrounds alone are also asked whether the answered class lives at the place shown, beside chance and the best "
        "possible observer, and intervals know which images belong together."
    }

    cut: Cut = "box"
    fills: tuple[Fill, ...] = Field(default=DEFAULT_FILLS, min_length=1)
    limit: int = Field(default=0, ge=0)

    @field_validator("fills")
    @classmethod
    def _each_once(cls, fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
        return tuple(fill for fill in FILLS if fill in fills)

    def fingerprints(self) -> dict[str, str]:
        return super().fingerprints() | saliency_read(self.cut)

    def run(self, context: Context) -> Result:
        stream = Stream.of(self, context)
        check_cut(stream.dataset, self.cut)
        pairs = variants(self.fills)

        def vary(batch: list[Sample]) -> Varied:
            shares = [one.region.mean() for one in batch if one.region is not None]
            return batch, cut_variants(batch, stream.loaded, self.fills), {"share": np.array(shares, np.float32)}

        arrays = stream.answers(*stream.chosen(self.limit), len(pairs), vary, self.cut)
        rows = {}
        if "places" in stream.dataset.gives():
            shown = shown_in(stream.dataset, arrays["images"])
            places = Places(stream.dataset, stream.matching.to_model, stream.classes, shown)
            here = places.numbers(shown)
            arrays["lives"] = places.home[arrays["top"][..., 0]] == here[:, None]
            rows = {
                place: place_row(arrays, place, places.home, here)
                for place, (name, _) in enumerate(pairs)
                if name == "background"
            }
        facts = {
            "variants": [list(pair) for pair in pairs],
            "cut": self.cut,
            "images": len(arrays["images"]),
            "classes": len(np.unique(arrays["labels"])),
            **stream.speed(len(arrays["images"]) * len(pairs)),
        }
        table = variant_table(arrays, pairs)
        tables = {"variants": table.join(pd.DataFrame.from_dict(rows, orient="index")) if rows else table}
        return stream.result(self, arrays, tables, facts, stream.matching.notes)


def place_row(arrays: Arrays, variant: int, home: np.ndarray, here: np.ndarray) -> dict[str, float]:
    """What a background alone tells, with the places of the classes `home` (classes,) and of the images `here` (N,).

    lives, lives_low, lives_high: how often the answered class lives at the place shown; lives_chance of a blind guess and
    lives_ideal of the best possible observer of the place; lives_smallest: how far above chance it must lie for so many
    images to show it with 80% power. top1_ideal: how often that observer would name the class itself.
    """
    hits, clusters = arrays["lives"][:, variant], arrays.get("clusters")
    value, low, high = estimate(hits, clusters=clusters)
    blind = chance(home, here)
    return {
        "lives": value,
        "lives_low": low,
        "lives_high": high,
        "lives_chance": blind,
        "lives_ideal": ideal_lives(home, here),
        "lives_smallest": smallest_share(blind, effective(hits, clusters)) - blind,
        "top1_ideal": ideal_names(home, arrays["labels"], here),
    }
