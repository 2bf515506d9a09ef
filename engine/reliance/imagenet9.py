"""The Backgrounds Challenge's own measure: accuracy on each variation of ImageNet-9, and the BG-gap (Xiao et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Result
from engine.core.statistics import apart, estimate
from engine.data.dataset import Dataset
from engine.data.formats.imagenet9 import NINE, to_nine
from engine.data.imagenet import imagenet_ids
from engine.evaluation.class_matching import match
from engine.evaluation.predictions import images_at_once, logits
from engine.evaluation.request import OnImages
from engine.evaluation.samples import Sample, at_input_size, samples
from engine.evaluation.streaming import Arrays, Stream
from engine.models.loaded import LoadedModel


@experiment(
    title="ImageNet-9 challenge",
    about="Accuracy on the variations of the Backgrounds Challenge, and the BG-Gap.",
    page="reliance",
    models=("classes",),
    data=("variations",),
)
class ChallengeRequest(OnImages):
    """A model's accuracy among nine classes on every variation that the folder holds.

    The model's strongest of all its classes is mapped to one of the nine, as the challenge does; a class that belongs to none
    is a wrong answer. A model of nine classes with the challenge's names answers directly. At most `limit` images a
    variation, the same ones each time (0: all).

    Table `variations`: variation, top1, top1_low, top1_high, n. Arrays: `{variation}` (n, 2) int32: image and answer (-1: none
    of the nine). Facts: bg_gap (mixed_same minus mixed_rand: value, low, high; None where one is missing), skipped. Intervals
    know the clusters of each variation.
    """

    experiment = "challenge"
    version = 3
    changes: ClassVar[Mapping[int, str]] = {
        2: "Intervals hold for few images too.",
        3: "Intervals know which images of a variation belong together, where a file beside them says so.",
    }

    data: str
    limit: int = Field(default=0, ge=0)

    def run(self, context: Context) -> Result:
        stream = Stream.of(self, context)
        dataset = stream.dataset
        if "variations" not in dataset.gives() or dataset.class_names != NINE:
            raise BadRequest(
                f"“{self.data}” is not laid out like the Backgrounds Challenge: original, mixed_same, mixed_rand, …"
            )
        to_nine_classes, notes = nine_classes(stream.loaded, stream.classes)
        arrays: Arrays = {}
        right: Arrays = {}
        clusters: dict[str, np.ndarray | None] = {}
        for name, folder in dataset.variations.items():
            answers = self._answers(stream, name, folder, to_nine_classes)
            arrays[name], right[name] = answers["answers"], answers["right"]
            known = folder.clusters()
            clusters[name] = None if known is None else known[answers["answers"][:, 0]]
        rows = [
            {"variation": name, "top1": value, "top1_low": low, "top1_high": high, "n": len(hits)}
            for name, hits in right.items()
            for value, low, high in [estimate(hits, clusters=clusters[name])]
        ]
        two = ("mixed_same", "mixed_rand")
        facts = {"bg_gap": bg_gap(*map(right.get, two), *map(clusters.get, two))}
        return stream.result(self, arrays, {"variations": pd.DataFrame(rows)}, facts, notes)

    def _chosen(self, folder: Dataset) -> tuple[np.ndarray, np.ndarray]:
        known = [(number, label) for number in range(len(folder)) if (label := folder.label(number)) is not None]
        if not known:
            raise BadRequest(f"“{folder.name}” has no class folder like 00_dog.")
        if self.limit and self.limit < len(known):
            drawn = np.sort(np.random.default_rng(0).choice(len(known), self.limit, replace=False))
            known = [known[place] for place in drawn]
        numbers, labels = zip(*known, strict=True)
        return np.array(numbers), np.array(labels)

    def _answers(self, stream: Stream, name: str, folder: Dataset, to_nine_classes: np.ndarray) -> Arrays:
        """`answers` (n, 2) image and answer, `right` (n,) bool, for one variation."""
        numbers, labels = self._chosen(folder)
        unread: dict[str, str] = {}

        def measure(batch: list[Sample]) -> Arrays:
            strongest = logits(stream.loaded, at_input_size(batch, stream.loaded)).argmax(1).cpu().numpy()
            answers = to_nine_classes[strongest]
            images = np.array([one.index for one in batch], np.int32)
            right = answers == [one.label for one in batch]
            return {"answers": np.stack([images, answers.astype(np.int32)], axis=1), "right": right}

        arrays = stream.collect(
            lambda: samples(folder, numbers, labels, None, unread),
            measure,
            images_at_once(stream.loaded, 1),
            len(numbers),
            f"images of {name}",
        )
        stream.skipped.update({f"{name}/{what}": why for what, why in unread.items()})
        return arrays


def nine_classes(loaded: LoadedModel, count: int) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    """(the challenge's class of each of the model's `count`, -1 for none; notes). Raises BadRequest where the model has
    neither ImageNet-1k's classes nor the challenge's nine."""
    nine = np.full(count, -1, np.int32)
    if loaded.class_names is not None and count == len(NINE):
        own = match(NINE, loaded.class_names, count)
        nine[own.to_model[own.to_model >= 0]] = np.flatnonzero(own.to_model >= 0)
        return nine, own.notes
    matching = match(imagenet_ids(), loaded.class_names, count)
    known = matching.to_model >= 0
    nine[matching.to_model[known]] = to_nine()[known]
    return nine, matching.notes


def bg_gap(
    same: np.ndarray | None,
    rand: np.ndarray | None,
    same_clusters: np.ndarray | None = None,
    rand_clusters: np.ndarray | None = None,
) -> list[float] | None:
    """[value, low, high]: accuracy on mixed_same minus accuracy on mixed_rand, as of two samples apart (their images are not
    the same ones), each with which of its images belong together. None where one is missing."""
    return None if same is None or rand is None else [*apart(same, rand, same_clusters, rand_clusters)[0]]
