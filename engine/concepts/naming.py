"""The words of every unit of a site: the vocabulary's best by a reader, and no name where chance does as well.

Invariants: a unit whose images are shuffled is named in one case of a hundred; a unit that never changes is never named.
"""

from __future__ import annotations

import json
import time

import numpy as np
import torch
from pydantic import Field, field_validator

from engine import catalog, devices
from engine.activations import IndexRequest
from engine.concepts.matching import Measure, matched
from engine.concepts.vocabulary import open_vocabulary
from engine.concepts.words import READER, TEMPLATE, WordsRequest, check_template, image_embeddings, reader_of
from engine.datasets import open_dataset
from engine.errors import BadRequest
from engine.experiment import Context, Progress, Request, Result, build, experiment

SHUFFLES = 1000
LEVEL = 0.99
FEWEST = 20
"""Images: below that the strongest tenth is one image or two."""


@experiment
class NameUnitsRequest(Request):
    """Name all units of a site with words of a vocabulary.

    The result's arrays, for U units and T = `top` words (all of the vocabulary where it has fewer):

    - `words` (U, T) int32: numbers into the vocabulary, best first; `scores` (U, T) float32: by the measure;
    - `threshold` () float32: what the best score of a unit with shuffled images stays below in 99 of 100 cases;
    - `abstained` (U,) bool: the best score is not above the threshold, or the unit never changes: it has no name.

    Facts: words (the whole vocabulary), images (how many both models could read), shuffles, seconds, device.
    """

    experiment = "name-units"
    version = 1

    model: str
    site: str
    data: str = "starter"
    reader: str = READER
    vocabulary: str = "starter"
    measure: Measure = "soft-wpmi"
    template: str = TEMPLATE
    top: int = Field(default=5, ge=1, le=50)

    _template = field_validator("template")(check_template)

    def fingerprints(self) -> dict[str, str]:
        return {
            "model": catalog.fingerprint(self.model),
            "data": open_dataset(self.data).fingerprint,
            "reader": catalog.fingerprint(self.reader),
            "vocabulary": open_vocabulary(self.vocabulary).digest,
        }

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        reader_of(self.reader)
        words = context.compute(
            build(WordsRequest, reader=self.reader, vocabulary=self.vocabulary, template=self.template)
        )
        seen, images = image_embeddings(context, self.reader, self.data)
        index = context.compute(build(IndexRequest, model=self.model, site=self.site, data=self.data))
        here, there = aligned(index.arrays["images"], seen, self.data)
        device = devices.pick()
        arrays = _names(
            self.measure,
            index.arrays["position_mean"][here],
            torch.from_numpy(images[there]).to(device),
            torch.from_numpy(words.arrays["embedding"]).to(device),
            self.top,
            context,
        )
        facts = {
            "words": words.facts["words"],
            "images": len(here),
            "shuffles": SHUFFLES,
            "seconds": time.monotonic() - started,
            "device": devices.describe(device)["name"],
        }
        return Result(json.loads(self.canonical()), arrays, {}, facts)


def aligned(first: np.ndarray, second: np.ndarray, data: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two lists of image numbers that are the same images, in order of the number.

    Raises BadRequest where fewer than 20 images are left: words cannot be told apart on so few.
    """
    _, here, there = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    if len(here) < FEWEST:
        raise BadRequest(f"“{data}” has {len(here)} images to match words on; at least {FEWEST} are needed.")
    return here, there


def _names(
    measure: Measure,
    activations: np.ndarray,
    images: torch.Tensor,
    words: torch.Tensor,
    top: int,
    context: Context,
) -> dict[str, np.ndarray]:
    """The arrays of the result, from activations (N, U), embeddings of images (N, D) and of words (W, D)."""
    units, count = activations.shape[1], len(words)
    best = torch.zeros(units, 0, device=words.device)
    numbers = torch.zeros(units, 0, dtype=torch.int64, device=words.device)
    chance = torch.full((SHUFFLES,), -torch.inf, device=words.device)
    for block in matched(measure, activations, images, words, SHUFFLES):
        context.report(Progress(block.words.start, count, f"{block.words.start} of {count} words matched"))
        here = torch.arange(block.words.start, block.words.stop, device=words.device).expand(units, -1)
        best, places = torch.cat([best, block.units], 1).topk(min(top, block.words.stop), dim=1)
        numbers = torch.cat([numbers, here], 1).gather(1, places)
        chance = torch.maximum(chance, block.chance.amax(dim=1))
    threshold = np.float32(np.quantile(chance.cpu().numpy(), LEVEL))
    scores = best.cpu().numpy()
    return {
        "words": numbers.cpu().numpy().astype(np.int32),
        "scores": scores,
        "threshold": np.array(threshold),
        "abstained": (scores[:, 0] <= threshold) | (np.ptp(activations, axis=0) == 0),
    }
