"""One model over the images of one data set: opened once, batch after batch, and what every such result tells.

Invariants: an image is either handed on or told with the reason; what comes out does not depend on the batch size beyond
rounding.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from torch import Tensor

from engine.core import devices
from engine.core.choices import Cut
from engine.core.errors import BadRequest
from engine.core.request import Context, Progress, Request, Result
from engine.data.dataset import Dataset
from engine.data.registry import open_dataset
from engine.evaluation.class_matching import Matching, match
from engine.evaluation.predictions import answered, images_at_once, logits, outputs
from engine.evaluation.request import OnImages, report
from engine.evaluation.samples import Sample, chosen, in_batches, samples
from engine.models import catalog
from engine.models.loaded import LoadedModel

T = TypeVar("T")
Arrays = dict[str, np.ndarray]
Varied = tuple[list[Sample], Tensor, Arrays]
"""Samples, their variants (n, V, 3, H, W) in [0, 1] at the model's input size, and further arrays with an entry a sample."""


@dataclass
class Stream:
    """A model and a data set while an experiment runs; `skipped` says what was left out on the way, name -> reason."""

    loaded: LoadedModel
    dataset: Dataset
    context: Context
    skipped: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, request: OnImages, context: Context) -> Stream:
        """What a request is about, opened. Raises VitrineError where model or data set is not there."""
        started = time.monotonic()
        return cls(catalog.load(request.model), open_dataset(request.data), context, started=started)

    @cached_property
    def classes(self) -> int:
        """How many classes the model answers with. Raises BadRequest where it has no classifier."""
        return outputs(self.loaded)

    @cached_property
    def matching(self) -> Matching:
        """Which of the model's classes each of the data set's is. Raises BadRequest where none is known."""
        return match(self.dataset.class_names, self.loaded.class_names, self.classes)

    def chosen(self, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """(numbers, model classes) of the images to measure on, at most `limit` of them (0: all); see `samples.chosen`."""
        return chosen(self.dataset, self.matching.to_model, limit)

    def tell(self, done: int, total: int, what: str = "images") -> None:
        """Report progress. Raises Cancelled when the job was stopped."""
        self.context.report(Progress(min(done, total), total, f"{self.loaded.name}: {done} of {total} {what}"))

    def collect(
        self,
        items: Callable[[], Iterable[T]],
        measure: Callable[[list[T]], Arrays],
        most: int,
        total: int,
        what: str = "images",
    ) -> Arrays:
        """What `measure` makes of all items, batch after batch, end to end; a batch that it makes nothing of is empty.

        Batches have at most `most` items, and half as many each time the device runs out of memory: then `items` begins
        anew. Of `total` items those count as done too that had to be skipped. Raises BadRequest where nothing is left.
        """

        def stream(size: int) -> Arrays:
            parts: list[Arrays] = []
            done, before = 0, len(self.skipped)
            self.tell(0, total, what)
            for batch in in_batches(iter(items()), size):
                if arrays := measure(batch):
                    parts.append(arrays)
                done += len(batch)
                self.tell(done + len(self.skipped) - before, total, what)
            if not parts:
                raise BadRequest(f"None of the {what} could be used; the report of what was skipped says why.")
            return {name: np.concatenate([arrays[name] for arrays in parts]) for name in parts[0]}

        return devices.halve_on_oom(stream, most)

    def answers(
        self,
        numbers: np.ndarray,
        labels: np.ndarray,
        variants: int,
        vary: Callable[[list[Sample]], Varied],
        cut: Cut | None = None,
    ) -> Arrays:
        """What the model answers to the `variants` variants that `vary` makes of these images, with its further arrays and
        the images' `clusters`; see `engine.evaluation.predictions.answered`. `vary` may leave samples of a batch out.

        Raises BadRequest where no image can be used.
        """

        def measure(batch: list[Sample]) -> Arrays:
            used, pixels, further = vary(batch)
            if not used:
                return {}
            values = logits(self.loaded, pixels.flatten(0, 1)).unflatten(0, pixels.shape[:2])
            return answered([one.index for one in used], [one.label for one in used], values) | further

        arrays = self.collect(
            lambda: samples(self.dataset, numbers, labels, cut, self.skipped),
            measure,
            images_at_once(self.loaded, variants),
            len(numbers),
        )
        return arrays | self.clusters(arrays["images"])

    def clusters(self, numbers: np.ndarray) -> Arrays:
        """`clusters` (n,): which of these images belong together; nothing where the data set does not know."""
        known = self.dataset.clusters()
        return {} if known is None else {"clusters": known[numbers]}

    def speed(self, pictures: int) -> dict[str, float]:
        """Facts: the seconds so far, and so many pictures in them."""
        seconds = time.monotonic() - self.started
        return {"seconds": seconds, "images_per_second": pictures / seconds}

    def result(
        self,
        request: Request,
        arrays: Arrays,
        tables: dict[str, pd.DataFrame],
        facts: dict[str, Any],
        notes: Sequence[tuple[str, str]] = (),
    ) -> Result:
        """The result of `request`, with the facts that all have: skipped (`notes` among it), seconds and device."""
        about = {
            "skipped": report(self.dataset, self.skipped, notes),
            "seconds": time.monotonic() - self.started,
            "device": devices.describe(self.loaded.device)["name"],
        }
        return Result(json.loads(request.canonical()), arrays, tables, about | facts)
