"""The Backgrounds Challenge's own measure: accuracy on each variation of ImageNet-9, and the BG-gap (Xiao et al. 2020)."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
from pydantic import Field

from engine.core import devices
from engine.core.errors import BadRequest
from engine.core.request import Context, Progress, Result, experiment
from engine.core.statistics import HIGH, LOW, bootstrap_means, wilson
from engine.data.formats.folder import Folder
from engine.data.formats.imagenet9 import NINE, Challenge, nine_of, to_nine
from engine.data.imagenet import imagenet_ids
from engine.data.registry import open_dataset
from engine.evaluation.class_matching import match
from engine.evaluation.predictions import images_at_once, logits, outputs
from engine.evaluation.request import OnImages, report
from engine.evaluation.samples import at_input_size, in_batches, samples
from engine.models import catalog
from engine.models.loaded import LoadedModel


@experiment
class ChallengeRequest(OnImages):
    """A model's accuracy among nine classes on every variation that the folder holds.

    The model's strongest of all its classes is mapped to one of the nine, as the challenge does; a class that belongs to none
    is a wrong answer. A model of nine classes with the challenge's names answers directly. At most `limit` images a
    variation, the same ones each time (0: all).

    Table `variations`: variation, top1, top1_low, top1_high, n. Arrays: `{variation}` (n, 2) int32: image and answer (-1: none
    of the nine). Facts: bg_gap (mixed_same minus mixed_rand: value, low, high; None where one is missing), skipped.
    """

    experiment = "challenge"
    version = 1

    data: str
    limit: int = Field(default=0, ge=0)

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        loaded, dataset = catalog.load(self.model), open_dataset(self.data)
        if not isinstance(dataset, Challenge):
            raise BadRequest(
                f"“{self.data}” is not laid out like the Backgrounds Challenge: original, mixed_same, mixed_rand, …"
            )
        mapping, notes = nine_classes(loaded)
        skipped: dict[str, str] = {}
        arrays: dict[str, np.ndarray] = {}
        right: dict[str, np.ndarray] = {}
        for name, folder in dataset.variations.items():
            numbers, labels = self._chosen(folder)
            arrays[name], right[name] = devices.halve_on_oom(
                lambda size, what=(name, folder, numbers, labels): self._stream(
                    loaded, *what, mapping, context, size, skipped
                ),
                images_at_once(loaded, 1),
            )
        facts = {
            "bg_gap": bg_gap(right.get("mixed_same"), right.get("mixed_rand")),
            "skipped": report(dataset, skipped, notes),
            "seconds": time.monotonic() - started,
            "device": devices.describe(loaded.device)["name"],
        }
        rows = [
            {"variation": name, "top1": float(hits.mean()), "top1_low": low, "top1_high": high, "n": len(hits)}
            for name, hits in right.items()
            for low, high in [wilson(int(hits.sum()), len(hits))]
        ]
        return Result(json.loads(self.canonical()), arrays, {"variations": pd.DataFrame(rows)}, facts)

    def _chosen(self, folder: Folder) -> tuple[np.ndarray, np.ndarray]:
        known = [(number, label) for number in range(len(folder)) if (label := nine_of(folder, number)) is not None]
        if not known:
            raise BadRequest(f"“{folder.name}” has no class folder like 00_dog.")
        if self.limit and self.limit < len(known):
            picked = np.sort(np.random.default_rng(0).choice(len(known), self.limit, replace=False))
            known = [known[place] for place in picked]
        numbers, labels = zip(*known, strict=True)
        return np.array(numbers), np.array(labels)

    def _stream(
        self,
        loaded: LoadedModel,
        name: str,
        folder: Folder,
        numbers: np.ndarray,
        labels: np.ndarray,
        mapping: np.ndarray,
        context: Context,
        size: int,
        skipped: dict[str, str],
    ) -> tuple[np.ndarray, np.ndarray]:
        """((n, 2) image and answer, (n,) bool right)."""
        rows, hits, left_out = [], [], {}
        context.report(Progress(0, len(numbers), f"{loaded.name}: {name}"))
        for batch in in_batches(samples(folder, numbers, labels, None, left_out), size):
            answers = mapping[logits(loaded, at_input_size(batch, loaded)).argmax(1).cpu().numpy()]
            rows += [(one.index, int(answer)) for one, answer in zip(batch, answers, strict=True)]
            hits += [one.label == answer for one, answer in zip(batch, answers, strict=True)]
            context.report(Progress(len(rows), len(numbers), f"{loaded.name}: {name}, {len(rows)} of {len(numbers)}"))
        skipped.update({f"{name}/{what}": why for what, why in left_out.items()})
        if not rows:
            raise BadRequest(f"No image of “{folder.name}” can be read.")
        return np.array(rows, np.int32), np.array(hits, bool)


def nine_classes(loaded: LoadedModel) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    """(the challenge's class of each of the model's, -1 for none; notes). Raises BadRequest where the model has neither
    ImageNet-1k's classes nor the challenge's nine."""
    count = outputs(loaded)
    found = np.full(count, -1, np.int32)
    if loaded.class_names is not None and count == len(NINE):
        own = match(NINE, loaded.class_names, count)
        found[own.to_model[own.to_model >= 0]] = np.flatnonzero(own.to_model >= 0)
        return found, own.notes
    matching = match(imagenet_ids(), loaded.class_names, count)
    known = matching.to_model >= 0
    found[matching.to_model[known]] = to_nine()[known]
    return found, matching.notes


def bg_gap(same: np.ndarray | None, rand: np.ndarray | None) -> list[float] | None:
    """[value, low, high]: accuracy on mixed_same minus accuracy on mixed_rand, with a bootstrap interval that resamples the
    two sets apart (their images are not the same ones). None where one is missing."""
    if same is None or rand is None:
        return None
    spread = bootstrap_means(same, seed=0) - bootstrap_means(rand, seed=1)
    low, high = np.percentile(spread, (LOW, HIGH))
    return [float(same.mean() - rand.mean()), float(low), float(high)]
