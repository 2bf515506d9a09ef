"""Counterfactual scenes: the same object on its home place, on another place and alone, and the place alone.

Only composed scenes can tell this, and only of them is it known how much a place says about a kind: that cue is
planted. So what a model makes of the place can be put beside what there is to be made of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field
from torch import Tensor

from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Result
from engine.core.statistics import difference, effective, estimate, level_among, smallest_difference, smallest_share
from engine.data.dataset import Dataset
from engine.data.formats.scenes import VARIANTS
from engine.evaluation.predictions import answered, images_at_once, logits
from engine.evaluation.request import OnImages
from engine.evaluation.samples import at_input_size, samples
from engine.evaluation.streaming import Arrays, Stream
from engine.reliance.calibration import measured
from engine.reliance.places import NONE_SHOWN, Places, ideal_lives, ideal_names, shown_in

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
    first answer is; `reliance` (S,): see `engine.reliance.calibration`. Tables: `accuracy` (variant, top1, top5, with
    intervals, n) and `answers` (variant, answer, share, low, high; chance: the share of classes that would count as this
    answer; ideal: the best possible observer's; smallest: how far above chance a share must lie for so many sets to show it
    with 80% power). Facts: reliance (mean, low, high; NaN where it can be told of no set, or no temperature fits),
    temperatures (of the two halves), reliance_left_out (sets whose other place is the home of no kind that the model knows),
    planted (home, elsewhere, log_ratio), drop (home minus other in top-1: value, low, high), drop_smallest (the smallest drop
    that so many sets would show with 80% power), skipped. Intervals are those of a sample of kinds.
    """

    experiment = "counterfactual"
    version = 3
    changes: ClassVar[Mapping[int, str]] = {
        3: "Reliance is measured in calibrated log-odds: a model's confidence no longer counts as reliance. Intervals know that "
        "scenes of one kind belong together, and the ideal observer and the smallest difference that would show stand beside."
    }

    limit: int = Field(default=0, ge=0)

    def run(self, context: Context) -> Result:
        stream = Stream.of(self, context)
        dataset, loaded = stream.dataset, stream.loaded
        if not (sets := dataset.matched_sets()):
            raise BadRequest(f"“{self.data}” has no matched sets of scenes; the starter's scenes have.")
        to_model = stream.matching.to_model
        images, kinds = self._chosen(dataset, sets, to_model)
        shown = shown_in(dataset, images[:, :2])
        places, labels = Places(dataset, to_model, stream.classes, shown), to_model[kinds]
        numbers = places.numbers(shown)

        def measure(rows: list[int]) -> Arrays:
            there = samples(dataset, images[rows].ravel(), np.repeat(labels[rows], len(VARIANTS)), None, stream.skipped)
            scenes = {scene.index: scene for scene in there}
            whole = [row for row in rows if all(int(number) in scenes for number in images[row])]
            if not whole:
                return {}
            pixels = at_input_size([scenes[int(number)] for row in whole for number in images[row]], loaded)
            values = logits(loaded, pixels).unflatten(0, (len(whole), len(VARIANTS)))
            answers = answered(images[whole, 0], labels[whole], values)
            two = {"logits": values[:, :2].cpu().float().numpy()}
            return answers | {"images": images[whole]} | read(values, labels[whole], places, numbers[whole]) | two

        at_once = images_at_once(loaded, len(VARIANTS))
        arrays = stream.collect(lambda: range(len(images)), measure, at_once, len(images), "sets")
        values, labels = arrays.pop("logits"), arrays["labels"]
        rivals = places.home[None] == arrays["elsewhere"][:, None]
        found = measured(values, labels, rivals, PLANTED, (HOME, 1 - HOME), labels)
        arrays["reliance"] = found.of_sets
        tables, facts = summary(arrays, places, labels)
        facts |= {
            "sets": len(labels),
            "reliance": [*found.mean],
            "temperatures": [*found.temperatures],
            "reliance_left_out": int((~rivals.any(1)).sum()),
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


def drops_apart(results: Sequence[Result]) -> list[dict[str, Any]]:
    """For each pair of models: how much more top-1 accuracy a loses than b when the object is moved, over the sets that both
    have: a, b, difference, interval, smallest (the smallest difference that so many sets would show with 80% power), n.

    Sets of one kind belong together. Pairs without a set in common are left out. Of more than two models every interval
    allows for all pairs (Bonferroni), since all are told."""
    return _apart(results, _lost)


def places_apart(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The same for how much more often a than b, shown the empty place, answers a kind that lives there."""
    return _apart(results, _lives)


def lives(result: Result) -> dict[str, Any]:
    """How often the answer to an empty place is a kind that lives there, the set's own kind or another: value, interval,
    chance (a blind guess), ideal (the best possible observer), smallest (how far above chance a share must lie for so many
    sets to show it with 80% power), n. Sets of one kind belong together."""
    hits, kinds = _lives(result.arrays), result.arrays["labels"]
    rows = result.tables["answers"].query("variant == 'place' and answer in @ANSWERS[:2]")
    value, *interval = estimate(hits, clusters=kinds)
    chance, ideal = float(rows["chance"].sum()), float(rows["ideal"].sum())
    smallest = smallest_share(chance, effective(hits, kinds)) - chance
    return {
        "value": value,
        "interval": interval,
        "chance": chance,
        "ideal": ideal,
        "smallest": smallest,
        "n": len(hits),
    }


def _apart(results: Sequence[Result], read: Callable[[Arrays], np.ndarray]) -> list[dict[str, Any]]:
    """How pairs of models differ in what `read` makes of each set, (sets,), over the sets that both have."""
    rows, level = [], level_among(math.comb(len(results), 2))
    for one, other in itertools.combinations(results, 2):
        _, *places = np.intersect1d(one.arrays["images"][:, 0], other.arrays["images"][:, 0], return_indices=True)
        if not len(places[0]):
            continue
        a, b = (read(result.arrays)[place] for result, place in zip((one, other), places, strict=True))
        kinds = one.arrays["labels"][places[0]]
        value, *interval = difference(a, b, kinds, level)
        names = {side: result.request["model"] for side, result in (("a", one), ("b", other))}
        smallest = smallest_difference(a, b, kinds, level)
        rows.append({**names, "difference": value, "interval": interval, "smallest": smallest, "n": len(a)})
    return rows


def _lost(arrays: Arrays) -> np.ndarray:
    """(sets,): 1 where only the answer at home is right, -1 where only the one elsewhere is, 0 else."""
    right = (arrays["top"][..., 0] == arrays["labels"][:, None]).astype(np.float64)
    return right[:, 0] - right[:, 1]


def _lives(arrays: Arrays) -> np.ndarray:
    """(sets,): whether the answer to the empty place is a kind that lives there; the set's own kind does."""
    return arrays["answer"][:, VARIANTS.index("place")] < 2


def read(values: Tensor, labels: np.ndarray, places: Places, shown: np.ndarray) -> Arrays:
    """What each answer counts as, and the places themselves.

    values (sets, 4, classes); labels (sets,); shown (sets, 2): the numbers of the places of `home` and `other`.
    """
    at_home, elsewhere = shown.T
    first = values.argmax(-1).cpu().numpy()
    answers = [
        counts_as(first[:, place], labels, places.home, at_home, _here(variant, at_home, elsewhere))
        for place, variant in enumerate(VARIANTS)
    ]
    return {"answer": np.stack(answers, axis=1), "at_home": at_home, "elsewhere": elsewhere}


def _here(variant: str, at_home: np.ndarray, elsewhere: np.ndarray) -> np.ndarray:
    """The place that a variant shows; the object alone has none."""
    return elsewhere if variant == "other" else np.full_like(at_home, NONE_SHOWN) if variant == "object" else at_home


def counts_as(
    classes: np.ndarray, labels: np.ndarray, home: np.ndarray, at_home: np.ndarray, here: np.ndarray
) -> np.ndarray:
    """Which of ANSWERS each of these `classes` counts as: int8, all but `home` broadcast together."""
    lives = home[classes]
    return np.select([classes == labels, lives == here, lives == at_home], [0, 1, 2], 3).astype(np.int8)


def summary(
    arrays: Arrays, places: Places, clusters: np.ndarray | None
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The tables and facts of a result, but for reliance; `clusters` (S,): which sets belong together."""
    n = len(arrays["labels"])
    right1 = arrays["top"][..., 0] == arrays["labels"][:, None]
    right5 = (arrays["top"] == arrays["labels"][:, None, None]).any(-1)
    accuracy = [
        {
            "variant": name,
            **_share("top1", right1[:, place], clusters),
            **_share("top5", right5[:, place], clusters),
            "n": n,
        }
        for place, name in enumerate(VARIANTS)
    ]
    answers = [
        {
            "variant": name,
            "answer": text,
            "share": hits.mean(),
            **dict(zip(("low", "high"), estimate(hits, clusters=clusters)[1:], strict=True)),
            "chance": (chance := _chance(arrays, places.home, place, kind)),
            "ideal": _ideal(arrays, places.home, place, kind),
            "smallest": smallest_share(chance, effective(hits, clusters)) - chance,
            "n": n,
        }
        for place, name in enumerate(VARIANTS)
        for kind, text in enumerate(ANSWERS)
        for hits in [arrays["answer"][:, place] == kind]
    ]
    facts = {
        "drop": [*difference(right1[:, 0], right1[:, 1], clusters)],
        "drop_smallest": smallest_difference(right1[:, 0], right1[:, 1], clusters),
    }
    return {"accuracy": pd.DataFrame(accuracy), "answers": pd.DataFrame(answers)}, facts


def _chance(arrays: Arrays, home: np.ndarray, variant: int, answer: int) -> float:
    """The share of the model's classes that would count as this answer: what a blind guess comes to."""
    at_home, elsewhere, labels = (arrays[name][:, None] for name in ("at_home", "elsewhere", "labels"))
    here = _here(VARIANTS[variant], at_home, elsewhere)
    return float((counts_as(np.arange(len(home)), labels, home, at_home, here) == answer).mean())


def _ideal(arrays: Arrays, home: np.ndarray, variant: int, answer: int) -> float:
    """How often the best possible observer would give this answer: the object's kind wherever an object is seen, and of
    an empty place one of the kinds that live there."""
    if VARIANTS[variant] != "place":
        return float(answer == 0)
    named = ideal_names(home, arrays["labels"], arrays["at_home"])
    lives = ideal_lives(home, arrays["at_home"])
    return (named, lives - named, 0.0, 1 - lives)[answer]


def _share(name: str, hits: np.ndarray, clusters: np.ndarray | None) -> dict[str, float]:
    value, low, high = estimate(hits, clusters=clusters)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
