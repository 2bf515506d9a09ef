"""Several models on the same images: paired differences, and the same comparison among equals.

A stronger model is better on cut images too, which says nothing about what it leans on. Two controls: the images that
all models get right whole (`matched`), and accuracy on cut images against that on whole images, one point a model, with
the line through them (`robustness`; "effective robustness" of Taori et al. 2020).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import BadRequest
from engine.core.request import Result
from engine.core.statistics import LEVEL, difference, estimate, mcnemar, smallest_difference
from engine.evaluation.predictions import correct


@dataclass(frozen=True)
class Aligned:
    """Models on the images that all of them have: `top1`, `top5` (models, images, variants) bool; `loss` likewise."""

    models: tuple[str, ...]
    images: np.ndarray
    variants: tuple[tuple[str, str], ...]
    top1: np.ndarray
    top5: np.ndarray
    loss: np.ndarray
    clusters: np.ndarray | None = None  # (images,): which images belong together
    lives: np.ndarray | None = None  # (models, images, variants) bool: the answered kind lives at the place shown

    def place(self, variant: str, fill: str = "") -> int:
        """Which variant is meant, by name and fill (without a fill: the first of that name). Raises ValueError."""
        for place, (name, its_fill) in enumerate(self.variants):
            if name == variant and fill in ("", its_fill):
                return place
        raise ValueError(f"No variant {variant} {fill}.".replace(" .", "."))


def align(results: Sequence[Result]) -> Aligned:
    """Results of one experiment on one data set with the same variants, made in the same way (`cut`, `filter`), brought
    to their common images.

    Raises BadRequest where the data sets, the variants or how they were made differ, or no image is common.
    """
    kinds = {
        (str(result.request["data"]), *(str(result.facts.get(name)) for name in ("variants", "cut", "filter")))
        for result in results
    }
    if len(kinds) != 1:
        raise BadRequest(
            "These results differ in data set, variants, cut or filter. Use the same settings for every model."
        )
    common = results[0].arrays["images"]
    for result in results[1:]:
        common = np.intersect1d(common, result.arrays["images"])
    if not len(common):
        raise BadRequest("These results have no images in common. Choose models with the same classes.")
    rows = [np.searchsorted(result.arrays["images"], common) for result in results]
    pick = [
        {name: result.arrays[name][row] for name in ("labels", "top", "loss")}
        for result, row in zip(results, rows, strict=True)
    ]
    return Aligned(
        tuple(str(result.request["model"]) for result in results),
        common,
        tuple((str(name), " to ".join(map(str, rest))) for name, *rest in results[0].facts["variants"]),
        np.stack([correct(arrays, 1) for arrays in pick]),
        np.stack([correct(arrays, 5) for arrays in pick]),
        np.stack([arrays["loss"] for arrays in pick]),
        results[0].arrays["clusters"][rows[0]] if "clusters" in results[0].arrays else None,
        np.stack([result.arrays["lives"][row] for result, row in zip(results, rows, strict=True)])
        if all("lives" in result.arrays for result in results)
        else None,
    )


def paired(aligned: Aligned, level: float = LEVEL) -> list[dict[str, Any]]:
    """For every pair of models and every variant: a's top-1 accuracy minus b's on the same images, its interval, McNemar's
    p-value, and the smallest difference that so many images would show with 80% power."""
    return _pairs(aligned, aligned.top1, range(len(aligned.variants)), level)


def paired_places(aligned: Aligned, level: float = LEVEL) -> list[dict[str, Any]]:
    """The same for how often the answered kind lives at the place shown, on backgrounds alone, filled in each way; empty
    where no place is known."""
    if aligned.lives is None:
        return []
    alone = [place for place, (name, _) in enumerate(aligned.variants) if name == "background"]
    return _pairs(aligned, aligned.lives, alone, level)


def _pairs(aligned: Aligned, what: np.ndarray, variants: Sequence[int], level: float = LEVEL) -> list[dict[str, Any]]:
    rows = []
    for a, b in itertools.combinations(range(len(aligned.models)), 2):
        for place in variants:
            one, other = what[a, :, place], what[b, :, place]
            value, *interval = difference(one, other, aligned.clusters, level)
            rows.append(
                {
                    "a": aligned.models[a],
                    "b": aligned.models[b],
                    "variant": aligned.variants[place][0],
                    "fill": aligned.variants[place][1],
                    "difference": value,
                    "interval": tuple(interval),
                    "smallest": smallest_difference(one, other, aligned.clusters, level),
                    "p": mcnemar(one, other, aligned.clusters),
                    "n": len(aligned.images),
                }
            )
    return rows


def matched(aligned: Aligned, level: float = LEVEL) -> dict[str, Any]:
    """The comparison on the images that every model gets right whole.

    `n` of `of` images; `models`: each model's accuracy on every cut variant there, with its interval; `paired`: as
    `paired` (with intervals of this level), on these images. With no such image the lists are empty.
    """
    full = aligned.place("full")
    common = np.asarray(aligned.top1[:, :, full].all(axis=0))
    n = int(common.sum())
    facts: dict[str, Any] = {"n": n, "of": len(common), "models": [], "paired": []}
    if not n:
        return facts
    subset = Aligned(
        aligned.models,
        aligned.images[common],
        aligned.variants,
        aligned.top1[:, common],
        aligned.top5[:, common],
        aligned.loss[:, common],
        None if aligned.clusters is None else aligned.clusters[common],
    )
    cuts = [place for place in range(len(aligned.variants)) if place != full]
    facts["models"] = [
        {
            "model": model,
            "variant": aligned.variants[place][0],
            "fill": aligned.variants[place][1],
            "top1": float(subset.top1[number, :, place].mean()),
            "top1_interval": tuple(estimate(subset.top1[number, :, place], clusters=subset.clusters)[1:]),
            "n": n,
        }
        for number, model in enumerate(aligned.models)
        for place in cuts
    ]
    facts["paired"] = [row for row in paired(subset, level) if row["variant"] != aligned.variants[full][0]]
    return facts


def robustness(aligned: Aligned, variant: str = "background", fill: str = "") -> dict[str, Any]:
    """Accuracy on a cut variant against that on whole images, on the log-odds scale: `points`, one a model, with intervals;
    `line` (slope, intercept) fitted by least squares and each point's `above` (in log-odds; None without a line).

    Two points always lie on a line, so there is one from three models on.
    """
    place, full, n = aligned.place(variant, fill), aligned.place("full"), len(aligned.images)
    points: list[dict[str, Any]] = []
    for number, model in enumerate(aligned.models):
        whole, *whole_interval = estimate(aligned.top1[number, :, full], clusters=aligned.clusters)
        cut, *cut_interval = estimate(aligned.top1[number, :, place], clusters=aligned.clusters)
        points.append(
            {
                "model": model,
                "full": whole,
                "full_interval": tuple(whole_interval),
                "cut": cut,
                "cut_interval": tuple(cut_interval),
                "above": None,
            }
        )
    x = np.array([log_odds(point["full"], n) for point in points])
    y = np.array([log_odds(point["cut"], n) for point in points])
    line = None
    if len(points) >= 3 and np.ptp(x) > 1e-9:
        slope, intercept = (float(value) for value in np.polyfit(x, y, 1))
        line = {"slope": slope, "intercept": intercept}
        for point, here, there in zip(points, x, y, strict=True):
            point["above"] = float(there - (slope * here + intercept))
    return {"variant": variant, "points": points, "line": line, "n": n}


def log_odds(share: float, n: int) -> float:
    """log(p / (1 - p)) of a share of n, kept half an image away from 0 and 1."""
    kept = min(max(share, 0.5 / n), 1 - 0.5 / n)
    return float(np.log(kept / (1 - kept)))


def disagreement(aligned: Aligned) -> np.ndarray:
    """(images,): how far the models' probabilities of the true class lie apart, at most 1, on average over variants."""
    probability = np.exp(-aligned.loss.astype(np.float64))
    return (probability.max(axis=0) - probability.min(axis=0)).mean(axis=1)


def telling(aligned: Aligned) -> np.ndarray:
    """Places (images,) of the images, those first that show how models differ: right whole in all, and right without
    background in some only. Which models those are changes along the way as often as it does among all such images, so that
    a few of them stand for the rest; clear cases of each come first."""
    names = [name for name, _ in aligned.variants]
    cut = aligned.place("foreground") if "foreground" in names else len(names) - 1
    right = aligned.top1[:, :, cut]
    differ = aligned.top1[:, :, aligned.place("full")].all(axis=0) & right.any(axis=0) & ~right.all(axis=0)
    apart = disagreement(aligned)
    turn = np.full(len(apart), 2.0) - apart  # the others, behind
    for pattern in np.unique(right[:, differ], axis=1).T:
        alike = np.flatnonzero(differ & (right == pattern[:, None]).all(axis=0))
        turn[alike[np.argsort(-apart[alike], kind="stable")]] = (np.arange(len(alike)) + 0.5) / len(alike)
    return np.argsort(turn, kind="stable")
