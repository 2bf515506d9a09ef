"""The units of a text: those of all layers whose activations follow how well the text fits each image.

Invariants: any text will do, also one that no vocabulary has; a unit's score does not depend on the other units.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from engine.concepts.correlation import combine, correlations, standard
from engine.concepts.matching import strongest_words
from engine.concepts.words import WithReader, WordsRequest, aligned, check_text, image_embeddings, phrase, reader_of
from engine.core import devices
from engine.core.address import Address
from engine.core.choices import DEFAULT_ROLE, DEFAULT_TOP_UNITS
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Result, build
from engine.evaluation.index import IndexRequest
from engine.models import catalog
from engine.models.text import cut_short, text_embedding
from engine.sites.access import find

MOST_ROWS = 256
SHUFFLES = 200
LEVEL = 0.99
WORDS = 5
HELD_BYTES = 1 << 30  # of position means


@experiment(
    title="Units by text",
    about="Units whose activations correlate with how well a text fits each image.",
    page="concepts",
)
class FindUnitsRequest(WithReader):
    """Find the units that follow a text, in every site of a role, or in one site where `site` is given.

    The text stands in the template, unless it has four words or more: those are read as they are.

    The result's table `units`, best first: address, site, unit, score (correlation, over the images, of the unit's position
    mean with how much better the text fits than the vocabulary does on average), z (that correlation in standard
    deviations of what shuffled images give), rank (within its site, from 1), words_above (how many of the vocabulary's words
    the unit follows better than the text). Arrays, for R rows and N images:

    - `words` (R, 5) int32: numbers into the vocabulary of the words that each unit follows best; `word_scores` (R, 5) float32;
    - `images` (N,) int32: numbers in the data set; `similarity` (N,) float32: how much better the text fits each of them.

    Facts: text, read (what the reader was given), cut (what of it was read, where it is too long),
    found (the best score is above what the best of all units reaches in 99 of
    100 shuffles), chance (that score), among_words (share of the vocabulary's words that the best unit of the best
    unit's site follows less well), sentence, sparse (site, target, address, correlation, held_out: see
    `engine.concepts.correlation`), words (the whole vocabulary), searched (units in all), seconds, device.
    """

    experiment = "find-units"
    version = 1

    text: str
    role: str = DEFAULT_ROLE
    site: str = ""
    top: int = Field(default=DEFAULT_TOP_UNITS, ge=1, le=MOST_ROWS)

    @field_validator("text")
    @classmethod
    def _text(cls, text: str) -> str:
        try:
            return check_text(text)
        except BadRequest as error:
            raise ValueError(str(error)) from None

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        loaded, sites = reader_of(self.reader), self._sites()
        read = phrase(self.text, self.template)
        known = context.compute(
            build(WordsRequest, reader=self.reader, vocabulary=self.vocabulary, template=self.template)
        )
        numbers, images = image_embeddings(context, self.reader, self.data)
        means = self._means(context, sites, len(numbers))
        here, there = aligned(means(sites[0])[0], numbers, self.data)
        images, words = images[there], known.arrays["embedding"]
        typical = words.mean(axis=0)
        similarity = images @ (text_embedding(loaded, [read])[0] - typical)
        wanted = standard(similarity[:, None])[:, 0]
        mixed = _shuffled(wanted)
        scores, best_of_chance = [], []
        for site in sites:
            layer = standard(means(site)[1][here])
            scores.append(layer.T @ wanted)
            best_of_chance.append((layer.T @ mixed).max(axis=0))
        table = _table(self.model, sites, scores, len(here)).head(self.top)
        best = str(table["site"].iloc[0])
        in_best = means(best)[1][here]
        among = correlations(standard(in_best), images, words - typical)
        columns = np.empty((len(here), len(table)), np.float32)
        for site, rows in table.groupby("site").groups.items():
            columns[:, rows] = standard(means(str(site))[1][here][:, table["unit"][rows]])
        follows = correlations(columns, images, words - typical)
        # The text may be one of the words: by two routes it has two last digits, and must not stand above itself.
        table = table.assign(words_above=(follows > table["score"].to_numpy()[:, None] + 1e-5).sum(axis=1))
        score, chance = float(table["score"].iloc[0]), float(np.quantile(np.max(best_of_chance, axis=0), LEVEL))
        facts = {
            "text": self.text,
            "read": read,
            "cut": cut_short(loaded, [read]),
            "found": score > chance,
            "chance": chance,
            "among_words": float((among.max(axis=0) < score).mean()),
            "sparse": self._sparse(best, in_best, wanted),
            "words": known.facts["words"],
            "searched": sum(map(len, scores)),
            "seconds": time.monotonic() - started,
            "device": devices.describe(loaded.device)["name"],
        }
        facts["sentence"] = _sentence(facts, score)
        arrays = {"images": numbers[there], "similarity": similarity.astype(np.float32), **_followed(follows)}
        return Result(json.loads(self.canonical()), arrays, {"units": table}, facts)

    def _sites(self) -> list[str]:
        """The sites to search, in order of depth. Raises BadRequest for an unknown site or a role that no site has."""
        sites = catalog.load(self.model).sites
        if self.site:
            return [find(sites, self.site).name]
        if of_role := [site.name for site in sites.values() if site.role == self.role]:
            return of_role
        known = ", ".join(dict.fromkeys(site.role for site in sites.values()))
        raise BadRequest(f"{self.model} has no site of the role “{self.role[:60]}”. Its roles: {known}.")

    def _means(
        self, context: Context, sites: Sequence[str], images: int
    ) -> Callable[[str], tuple[np.ndarray, np.ndarray]]:
        """What gives a site's image numbers (N,) and position means (N, U). All are held where they fit, else the last
        one: of 50,000 images a transformer's layers take many gigabytes together."""
        known = catalog.load(self.model).sites

        def means(site: str) -> tuple[np.ndarray, np.ndarray]:
            arrays = context.compute(build(IndexRequest, model=self.model, site=site, data=self.data)).arrays
            return arrays["images"], arrays["position_mean"]

        size = images * sum(known[site].units for site in sites) * 4
        return lru_cache(None if size <= HELD_BYTES else 1)(means)

    def _sparse(self, site: str, activations: np.ndarray, wanted: np.ndarray) -> dict[str, Any]:
        together = combine(activations, wanted)
        return {
            "site": site,
            "target": str(together.target),
            "address": f"{self.model}@{site}:{together.target}",
            "correlation": together.correlation,
            "held_out": together.held_out,
        }


def _followed(follows: np.ndarray) -> dict[str, np.ndarray]:
    """The words that each unit follows best, from its correlations with all of them (R, W)."""
    numbers = np.broadcast_to(np.arange(follows.shape[1]), follows.shape)
    scores, words = strongest_words(follows, numbers, WORDS)
    return {"words": words.astype(np.int32), "word_scores": scores.astype(np.float32)}


def _shuffled(wanted: np.ndarray) -> np.ndarray:
    """(N, SHUFFLES): the same values with the images in orders of chance. What the best of all units reaches with them in
    99 of 100 cases is what chance reaches."""
    rng = np.random.default_rng(0)
    return np.stack([rng.permutation(wanted) for _ in range(SHUFFLES)], axis=1)


def _table(model: str, sites: Sequence[str], scores: Sequence[np.ndarray], images: int) -> pd.DataFrame:
    """The best units of all sites, best first. Correlations of shuffled images have a standard deviation of 1 / sqrt(N - 1)."""
    rows = []
    for site, layer in zip(sites, scores, strict=True):
        for rank, unit in enumerate(np.argsort(-layer, kind="stable")[:MOST_ROWS].tolist(), start=1):
            score = float(layer[unit])
            rows.append((str(Address(model, site, (unit,))), site, unit, score, score * math.sqrt(images - 1), rank))
    table = pd.DataFrame(rows, columns=["address", "site", "unit", "score", "z", "rank"])
    return table.sort_values("score", ascending=False, kind="stable", ignore_index=True)


def _sentence(facts: dict[str, Any], score: float) -> str:
    if not facts["found"]:
        return (
            f"No unit follows “{facts['text']}”: the best correlation, {score:.2f}, does not exceed the chance level of "
            f"{facts['chance']:.2f}. Try another word, layer or CLIP."
        )
    return (
        f"The best unit follows “{facts['text']}” with a correlation of {score:.2f} (chance level {facts['chance']:.2f}); "
        f"{facts['among_words']:.0%} of the vocabulary's words have a lower best correlation in its layer."
    )
