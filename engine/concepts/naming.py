"""The words of every unit of a site: the vocabulary's best by a reader, and no name where chance does as well.

Invariants: a unit whose images are shuffled is named in one case of a hundred; a unit that never changes is never named.
"""

from __future__ import annotations

import json
import time

import numpy as np
from pydantic import Field

from engine.concepts.matching import matched, strongest_words
from engine.concepts.words import WithReader, WordsRequest, aligned, image_embeddings, reader_of
from engine.core import devices
from engine.core.choices import DEFAULT_MEASURE, DEFAULT_TOP_WORDS, Measure
from engine.core.experiments import experiment
from engine.core.request import Context, Progress, Result, build
from engine.evaluation.index import indexes
from engine.models import catalog
from engine.models.text import EMBEDDING, scale
from engine.sites.access import find

SHUFFLES = 1000
LEVEL = 0.99
FLATTER = 10.0
"""Words are told apart ten times less sharply than by the reader's own scale: CLIP-Dissect's 10 for CLIPs with a scale of 100."""


@experiment(
    title="Labels of units",
    about="Words of a vocabulary that describe each unit of a layer, and units whose best word does not exceed chance.",
    page="concepts",
)
class NameUnitsRequest(WithReader):
    """Name all units of a site with words of a vocabulary.

    The result's arrays, for U units and T = `top` words (all of the vocabulary where it has fewer):

    - `words` (U, T) int32: numbers into the vocabulary, best first; `scores` (U, T) float32: by the measure;
    - `threshold` () float32: what the best score of a unit with shuffled images stays below in 99 of 100 cases;
    - `abstained` (U,) bool: the best score is not above the threshold, or the unit never changes: it has no name.

    Facts: words (the whole vocabulary), images (how many both models could read), shuffles, seconds, device.
    """

    experiment = "name-units"
    version = 1

    site: str
    measure: Measure = DEFAULT_MEASURE
    top: int = Field(default=DEFAULT_TOP_WORDS, ge=1, le=50)

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        reader = reader_of(self.reader)
        find(catalog.load(self.model).sites, self.site)
        # A model that reads for itself: what its units do and what it reads come from one pass.
        sites = [self.site, EMBEDDING] if self.model == self.reader else [self.site]
        index = indexes(context, self.model, sites, self.data)[0]
        words = context.compute(
            build(WordsRequest, reader=self.reader, vocabulary=self.vocabulary, template=self.template)
        )
        seen, images = image_embeddings(context, self.reader, self.data)
        here, there = aligned(index.arrays["images"], seen, self.data)
        arrays = _names(
            self.measure,
            index.arrays["position_mean"][here],
            images[there],
            words.arrays["embedding"],
            scale(reader) / FLATTER,
            self.top,
            context,
        )
        facts = {
            "words": words.facts["words"],
            "cut": words.facts.get("cut", {}),
            "images": len(here),
            "shuffles": SHUFFLES,
            "seconds": time.monotonic() - started,
            "device": devices.describe(reader.device)["name"],
        }
        return Result(json.loads(self.canonical()), arrays, {}, facts)


def _names(
    measure: Measure,
    activations: np.ndarray,
    images: np.ndarray,
    words: np.ndarray,
    sharpness: float,
    top: int,
    context: Context,
) -> dict[str, np.ndarray]:
    """The arrays of the result, from activations (N, U), embeddings of images (N, D) and of words (W, D)."""
    units, count = activations.shape[1], len(words)
    best = np.zeros((units, 0), np.float32)
    numbers = np.zeros((units, 0), np.int32)
    chance = np.full(SHUFFLES, -np.inf, np.float32)
    for block in matched(measure, activations, images, words, SHUFFLES, sharpness):
        context.report(Progress(block.words.start, count, f"{block.words.start} of {count} words matched"))
        here = np.broadcast_to(np.arange(block.words.start, block.words.stop, dtype=np.int32), block.units.shape)
        best, numbers = np.concatenate([best, block.units], 1), np.concatenate([numbers, here], 1)
        best, numbers = strongest_words(best, numbers, top)
        chance = np.maximum(chance, block.chance.max(axis=1))
    threshold = np.float32(np.quantile(chance, LEVEL))
    return {
        "words": numbers,
        "scores": best,
        "threshold": np.array(threshold),
        "abstained": (best[:, 0] <= threshold) | (np.ptp(activations, axis=0) == 0),
    }
