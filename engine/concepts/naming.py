"""The words of every unit of a site, chosen on half of the kinds and tested on the other half; no name where the same search
finds as much without anything to find.

Invariants: of the names of a layer 5% at most are false, on average; a unit that never changes is never named.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from engine.concepts import heldout
from engine.concepts.halves import Halves, directions, halves, moving, shuffled
from engine.concepts.heldout import Searched
from engine.concepts.matching import matched, strongest_words
from engine.concepts.words import WithReader, WordsRequest, aligned, image_embeddings, reader_of
from engine.core import devices
from engine.core.choices import DEFAULT_MEASURE, DEFAULT_TOP_WORDS, EMBEDDING, Measure
from engine.core.discovery import FALSE, cut, fewest
from engine.core.experiments import experiment
from engine.core.quantiles import student_quantile
from engine.core.request import Context, Progress, Result, build
from engine.core.statistics import POWER
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest, indexes
from engine.models import catalog
from engine.models.text import scale
from engine.sites.access import find

MEMBERS = 1000
"""Of a null: shuffled units, random directions, and of the untrained twin's units at most so many."""
MANY = 1e6  # degrees of freedom: as good as the normal distribution
TWIN, DIRECTIONS, SHUFFLED = "twin", "directions", "shuffled"
DECIDING = (TWIN, SHUFFLED)
"""Where there is nothing to find. A random direction of a trained layer does follow words, so that it decides nothing: how
often directions pass says whether single units are special in their layer."""
SAID = {TWIN: "an untrained twin", DIRECTIONS: "random directions", SHUFFLED: "shuffled kinds"}
FLATTER = 10.0
"""Words are told apart ten times less sharply than by the reader's own scale: CLIP-Dissect's 10 for CLIPs with a scale of 100."""


@experiment(
    title="Labels of units",
    about="Words of a vocabulary that describe each unit of a layer, and units whose best word does not hold on other kinds.",
    page="concepts",
)
class NameUnitsRequest(WithReader):
    """Name all units of a site with words of a vocabulary.

    Words are chosen on the images of one half of the kinds and tested on those of the other half (of the images, where
    fewer than twenty kinds are known; images of one group, like a patient's, always stay together). The test: how often a
    unit's first word fits one of the unit's strongest images (a tenth, 100 at most) better than another image, an AUROC.
    The same search goes through three nulls: the *untrained twin*, the same architecture with random weights; *random
    directions* in the space of the site's units; *shuffled* units, whose kinds are exchanged for each other. A unit is
    named where its word stands out from the twin and from shuffled kinds (from these alone, where the architecture cannot
    be built anew), at a false discovery rate of 5% over the layer (Benjamini and Hochberg 1995). Random directions decide
    nothing; their rate stands beside. See `engine.concepts.heldout`.

    The result's arrays, for U units and T = `top` words (all of the vocabulary where it has fewer):

    - `words` (U, T) int32: numbers into the vocabulary, best first, and `scores` (U, T) float32, both by the measure on the
      half that was chosen on;
    - `held_out`, `low`, `high` (U,) float32: the first word's AUROC on the other half and its 95% interval (kinds are drawn as
      a whole);
    - `p_twin` (where there is one), `p_directions`, `p_shuffled` (U,) float32: p-values against each null; `p` (U,): the
      larger of the first and the last, which decides;
    - `abstained` (U,) bool: the p-value is not a discovery, or the unit never changes: it has no name.

    Facts: words (the whole vocabulary), images (how many both models could read), kinds (how many of them, or of groups
    that belong together where that is known; 0 where single images were halved), halved (kinds, groups or images),
    against (the nulls), level (the false discovery rate), named (share of the units), passing (the share that would be
    named against each null alone), rates (the share of each null's members that would get a name at the same cut),
    largest_p (the largest p-value that is a discovery; 0 where there is none), smallest (the AUROC that would be a
    discovery with 80% power, the median over the units' words; 1 where none would be), fewest (how many units must stand
    out from every member of a null before one is a discovery), twin (the twin's name, or None), seconds, device.
    """

    experiment = "name-units"
    version = 5
    changes: ClassVar = {
        2: "A name is now chosen on half of the kinds and tested on the other half, against an untrained network and "
        "shuffled kinds; before, it only had to exceed shuffled images, as nearly all units do.",
        3: "Intervals of held-out AUROCs go by the kinds that hold one of the unit's strongest images, and are a tenth wider: "
        "before, 92 of 100 held the true value.",
        4: "Where no unit has a name, the AUROC that would have been enough is no longer told as if there had been one: a single "
        "unit can be too few for a name, however clear it is. The words and names of units are what they were.",
        5: "The untrained network no longer has branches that do nothing, as those of ResNets, ConvNeXt and several transformers "
        "had, nor do units that never change count in it: they are too easy to stand out from. Images of one group, like a "
        "patient's, are now in the same half; before, they counted as independent where fewer than twenty kinds are known.",
    }

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
        numbers, dataset = index.arrays["images"][here], open_dataset(self.data)
        clusters = dataset.clusters()
        split = halves(dataset.labels()[numbers], None if clusters is None else clusters[numbers])
        search = Search(self.measure, images[there], words.arrays["embedding"], scale(reader) / FLATTER, split)
        units = index.arrays["position_mean"][here]
        twin = catalog.twin(self.model)
        nulls = {} if twin is None else self._untrained(context, twin, numbers, split)
        nulls |= {DIRECTIONS: directions(units, MEMBERS), SHUFFLED: shuffled(units, split, MEMBERS)}
        arrays, facts = name_units(search, units, nulls, self.top, context)
        facts |= {
            "words": words.facts["words"],
            "cut": words.facts.get("cut", {}),
            "images": len(here),
            "twin": twin,
            "seconds": time.monotonic() - started,
            "device": devices.describe(reader.device)["name"],
        }
        return Result(json.loads(self.canonical()), arrays, {}, facts)

    def _untrained(self, context: Context, twin: str, images: np.ndarray, split: Halves) -> dict[str, np.ndarray]:
        """The null (N, V) of what the twin's units do on these images, MEMBERS of them at most. A unit that never changes is no
        member, since no word could fit it, and where all are such there is no null."""
        arrays = context.compute(build(IndexRequest, model=twin, site=self.site, data=self.data)).arrays
        values = arrays["position_mean"][np.searchsorted(arrays["images"], images)]
        able = np.flatnonzero(moving(values, split))
        drawn = np.sort(np.random.default_rng(3).permutation(able)[:MEMBERS])
        return {TWIN: values[:, drawn]} if len(drawn) else {}


@dataclass(frozen=True)
class Search:
    """What every search shares: embeddings of images (N, D) and words (W, D), and which images are for what."""

    measure: Measure
    images: np.ndarray
    words: np.ndarray
    sharpness: float
    split: Halves

    def best(self, activations: np.ndarray, top: int, context: Context | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and scores (U, top) of the best words of activations (N, U), on the half that is chosen on."""
        rows, count = self.split.choosing, len(self.words)
        best, numbers = (np.zeros((activations.shape[1], 0), kind) for kind in (np.float32, np.int32))
        for block in matched(self.measure, activations[rows], self.images[rows], self.words, self.sharpness):
            if context is not None:
                context.report(Progress(block.words.start, count, f"{block.words.start} of {count} words matched"))
            here = np.broadcast_to(np.arange(block.words.start, block.words.stop, dtype=np.int32), block.units.shape)
            best, numbers = np.concatenate([best, block.units], 1), np.concatenate([numbers, here], 1)
            best, numbers = strongest_words(best, numbers, top)
        return numbers, best

    def ended(self, words: np.ndarray, activations: np.ndarray) -> Searched:
        """The first of these words (U, top), for the test on the other half."""
        return heldout.searched(words[:, 0], activations[self.split.testing])


def name_units(
    search: Search, units: np.ndarray, nulls: Mapping[str, np.ndarray], top: int, context: Context
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and facts of the result, from activations (N, U) of the units and (N, V) of every null's members."""
    numbers, scores = search.best(units, top, context)
    ours = search.ended(numbers, units)
    theirs = {}
    for name, members in nulls.items():
        context.report(Progress(0, 0, f"The same search on {SAID[name]}"))
        theirs[name] = search.ended(search.best(members, 1)[0], members)
    rows = search.split.testing
    images, words = search.images[rows], search.words
    told, of_nulls, known = heldout.compared(ours, theirs, images, words)
    error, low, high = heldout.intervals(ours, images, words, search.split.tested_kinds)
    still = ~moving(units, search.split)
    p = np.where(still, 1.0, _largest(told.p))
    last = cut(p)
    rates = {name: float((_largest(null.p) <= last).mean()) for name, null in of_nulls.items()}
    deciding = [null for name, null in known.items() if name in DECIDING]
    least = np.max([null.needed(told.words, max(last, FALSE / max(len(p), 1))) for null in deciding], axis=0)
    arrays = {
        "words": numbers,
        "scores": scores,
        **{name: value.astype(np.float32) for name, value in (("held_out", told.auroc), ("low", low), ("high", high))},
        "p": p.astype(np.float32),
        **{f"p_{name}": value.astype(np.float32) for name, value in told.p.items()},
        "abstained": p > last,
    }
    facts = {
        "kinds": 0 if search.split.by == "images" else len(np.unique(search.split.kinds)),
        "halved": search.split.by,
        "against": [*nulls],
        "level": FALSE,
        "named": float((p <= last).mean()),
        "passing": {name: float((~still & (each <= cut(each))).mean()) for name, each in told.p.items()},
        "rates": rates,
        "largest_p": last,
        "smallest": float(min(1.0, np.median(least + student_quantile(POWER, MANY) * error))),
        "fewest": fewest(len(p), max(1 / (len(null.members) + 1) for null in deciding)),
    }
    return arrays, facts


def _largest(p: Mapping[str, np.ndarray]) -> np.ndarray:
    """(n,): against the deciding null that is harder to tell from. A discovery of these is one against both."""
    return np.max([each for name, each in p.items() if name in DECIDING], axis=0)
