"""Counterfactual scenes: the same object on its home place, on another place and alone, and the place alone.

Only composed scenes can tell this, and only of them is it known how much a place says about a kind: that cue is
planted. So what a model makes of the place can be put beside what there is to be made of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field
from torch import Tensor

from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Result
from engine.core.statistics import bootstrap_interval, paired_difference, wilson
from engine.data.dataset import Dataset
from engine.data.formats.scenes import VARIANTS
from engine.evaluation.predictions import answered, images_at_once, logits
from engine.evaluation.request import OnImages
from engine.evaluation.samples import at_input_size, samples
from engine.evaluation.streaming import Arrays, Stream

# How often a training scene stands on its kind's home place, and on each of the eight others (starter/README.md).
HOME, ELSEWHERE = 0.6, 0.05
PLANTED = math.log(HOME / ELSEWHERE)
ANSWERS = ("the object's kind", "a kind of the place shown", "a kind of the object's home", "another kind")


@experiment(
    title="Counterfactual backgrounds",
    about="Does the prediction change when the same object is shown on another place?",
    page="reliance",
    models=("classes",),
    data=("labels", "matched sets"),
)
class CounterfactualRequest(OnImages):
    """A model's answers to matched sets of scenes.

    Arrays for S sets, their four variants in the order home, other, object, place, and P places: `images` (S, 4), `labels`
    (S,) the model's classes, `top` (S, 4, 5), `probability` (S, 4, 5), `loss` (S, 4), `answer` (S, 4): which of ANSWERS the
    first answer is; `reliance` (S,): see `reliance`. Tables: `accuracy` (variant, top1, top5, with intervals, n) and `answers`
    (variant, answer, share, low, high, chance: the share of classes that would count as this answer). Facts: reliance
    (mean, low, high; NaN where it can be told of no set), reliance_left_out (sets whose other place is the home of no kind
    that the model knows), planted (home, elsewhere, log_ratio), drop (home minus other in top-1: value, low, high), skipped.
    """

    experiment = "counterfactual"
    version = 2

    limit: int = Field(default=0, ge=0)

    def run(self, context: Context) -> Result:
        stream = Stream.of(self, context)
        dataset, loaded = stream.dataset, stream.loaded
        if not (sets := dataset.matched_sets()):
            raise BadRequest(f"“{self.data}” has no matched sets of scenes; the starter's scenes have.")
        to_model = stream.matching.to_model
        images, kinds = self._chosen(dataset, sets, to_model)
        shown = np.array([[dataset.describe(number).get("place") or "" for number in row[:2]] for row in images])
        places, labels = Places(dataset, to_model, stream.classes, shown), to_model[kinds]

        def measure(rows: list[int]) -> Arrays:
            read = samples(dataset, images[rows].ravel(), np.repeat(labels[rows], len(VARIANTS)), None, stream.skipped)
            scenes = {scene.index: scene for scene in read}
            whole = [row for row in rows if all(int(number) in scenes for number in images[row])]
            if not whole:
                return {}
            pixels = at_input_size([scenes[int(number)] for row in whole for number in images[row]], loaded)
            values = logits(loaded, pixels).unflatten(0, (len(whole), len(VARIANTS)))
            answers = answered(images[whole, 0], labels[whole], values)
            return answers | {"images": images[whole]} | places.read(values, labels[whole], shown[whole])

        at_once = images_at_once(loaded, len(VARIANTS))
        arrays = stream.collect(lambda: range(len(images)), measure, at_once, len(images), "sets")
        tables, facts = summary(arrays, places)
        facts |= {
            "sets": len(arrays["images"]),
            "planted": {"home": HOME, "elsewhere": ELSEWHERE, "log_ratio": PLANTED},
        }
        return stream.result(self, arrays, tables, facts, stream.matching.notes)

    def _chosen(
        self, dataset: Dataset, sets: Sequence[Mapping[str, int]], to_model: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(images (S, 4), kinds (S,)) of at most `limit` sets whose kind the model knows."""
        images = np.array([[one[variant] for variant in VARIANTS] for one in sets], np.int32)
        kinds = np.array([dataset.label(row[0]) for row in images])
        known = to_model[kinds] >= 0
        images, kinds = images[known], kinds[known]
        if self.limit and self.limit < len(images):
            drawn = np.sort(np.random.default_rng(0).choice(len(images), self.limit, replace=False))
            images, kinds = images[drawn], kinds[drawn]
        return images, kinds


class Places:
    """Which of a model's classes live where; of the places `shown`, some may be nobody's home."""

    def __init__(self, dataset: Dataset, to_model: np.ndarray, classes: int, shown: np.ndarray) -> None:
        homes = dataset.homes()
        self.names = sorted({home for home in homes if home} | {*shown.flat})
        self.home = np.full(classes, -1, np.int32)
        for kind, home in enumerate(homes):
            if home and to_model[kind] >= 0:
                self.home[to_model[kind]] = self.names.index(home)

    def read(self, values: Tensor, labels: np.ndarray, shown: np.ndarray) -> dict[str, np.ndarray]:
        """What each answer counts as, and how far the place shown moves the answer.

        values (sets, 4, classes); labels (sets,); shown (sets, 2): the places of `home` and `other`.
        """
        at_home, elsewhere = (np.array([self.names.index(name) for name in column]) for column in shown.T)
        first = values.argmax(-1).cpu().numpy()
        answers = [
            counts_as(first[:, place], labels, self.home, at_home, _here(variant, at_home, elsewhere))
            for place, variant in enumerate(VARIANTS)
        ]
        return {
            "answer": np.stack(answers, axis=1),
            "reliance": reliance(values[:, :2].cpu().double().numpy(), labels, self.home, elsewhere),
            "at_home": at_home.astype(np.int32),
            "elsewhere": elsewhere.astype(np.int32),
        }


def _here(variant: str, at_home: np.ndarray, elsewhere: np.ndarray) -> np.ndarray:
    """The place that a variant shows; the object alone has none."""
    return elsewhere if variant == "other" else np.full_like(at_home, -2) if variant == "object" else at_home


def counts_as(
    classes: np.ndarray, labels: np.ndarray, home: np.ndarray, at_home: np.ndarray, here: np.ndarray
) -> np.ndarray:
    """Which of ANSWERS each of these `classes` counts as: int8, all but `home` broadcast together."""
    lives = home[classes]
    return np.select([classes == labels, lives == here, lives == at_home], [0, 1, 2], 3).astype(np.int8)


def reliance(values: np.ndarray, labels: np.ndarray, home: np.ndarray, elsewhere: np.ndarray) -> np.ndarray:
    """(sets,): how much the place moves the answer, in units of what the planted cue is worth.

    values (sets, 2, classes) logits for the object at home and at another place B. The log-odds of the object's kind
    against all kinds that live at B fall by 2 log(0.6 / 0.05) for an ideal observer, who weighs the place exactly as
    training planted it (Bayes' rule: the object's own evidence cancels, as it is the same in both scenes). 0: the place
    is ignored; 1: it counts as much as it is worth; above: more than that. NaN where no kind lives at B.
    """
    weights = np.full(len(values), np.nan)
    rivals = home[None] == elsewhere[:, None]
    there = rivals.any(-1)
    values, labels, rivals = values[there], labels[there], rivals[there]
    true = values[np.arange(len(values)), :, labels]
    against = np.where(rivals[:, None], values, -np.inf)
    most = against.max(-1, keepdims=True)
    mass = np.log(np.exp(against - most).sum(-1)) + most[..., 0]
    odds = true - mass
    weights[there] = (odds[:, 0] - odds[:, 1]) / (2 * PLANTED)
    return weights


def summary(arrays: dict[str, np.ndarray], places: Places) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The tables and facts of a result."""
    n = len(arrays["labels"])
    right1 = arrays["top"][..., 0] == arrays["labels"][:, None]
    right5 = (arrays["top"] == arrays["labels"][:, None, None]).any(-1)
    accuracy = [
        {"variant": name, **_share("top1", right1[:, place]), **_share("top5", right5[:, place]), "n": n}
        for place, name in enumerate(VARIANTS)
    ]
    answers = [
        {
            "variant": name,
            "answer": text,
            **_share("share", arrays["answer"][:, place] == kind),
            "chance": _chance(arrays, places.home, place, kind),
            "n": n,
        }
        for place, name in enumerate(VARIANTS)
        for kind, text in enumerate(ANSWERS)
    ]
    told = arrays["reliance"][~np.isnan(arrays["reliance"])]
    facts = {
        "reliance": [float(told.mean()), *bootstrap_interval(told)] if len(told) else [math.nan] * 3,
        "reliance_left_out": n - len(told),
        "drop": [*paired_difference(right1[:, 0], right1[:, 1])],
    }
    return {"accuracy": pd.DataFrame(accuracy), "answers": pd.DataFrame(answers)}, facts


def _chance(arrays: dict[str, np.ndarray], home: np.ndarray, variant: int, answer: int) -> float:
    """The share of the model's classes that would count as this answer: what a blind guess comes to."""
    at_home, elsewhere, labels = (arrays[name][:, None] for name in ("at_home", "elsewhere", "labels"))
    here = _here(VARIANTS[variant], at_home, elsewhere)
    return float((counts_as(np.arange(len(home)), labels, home, at_home, here) == answer).mean())


def _share(name: str, hits: np.ndarray) -> dict[str, float]:
    low, high = wilson(int(hits.sum()), len(hits))
    short = {} if name != "share" else {"low": low, "high": high}
    return {name: float(hits.mean()), **(short or {f"{name}_low": low, f"{name}_high": high})}
