"""The units of a text: those of all layers whose activations follow how well the text fits each image.

Invariants: any text will do, also one that no vocabulary has; a unit's score does not depend on the other units.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from engine.concepts.correlation import STILL, Combination, combine, correlations, standard
from engine.concepts.halves import Halves, exchanged, halves
from engine.concepts.matching import strongest_words
from engine.concepts.words import WithReader, WordsRequest, aligned, check_text, image_embeddings, phrase, reader_of
from engine.core import devices
from engine.core.address import Address
from engine.core.choices import DEFAULT_ROLE, DEFAULT_TOP_UNITS
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Result, build
from engine.core.shares import share
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest
from engine.models import catalog
from engine.models.text import cut_short, text_embedding
from engine.sites.access import find

MOST_ROWS = 256
OF_A_WORD = 4
"""Units shown, at most, that follow the same word more than the text."""
SHUFFLES = 200
LEVEL = 0.99
WORDS = 5
HELD_BYTES = 1 << 30  # of position means
Means = Callable[[str], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Of a site by name: numbers of images (N,), position means (N, U), and the numbers of each unit's strongest images (U, T)."""


@experiment(
    title="Units by text",
    about="Units whose activations correlate with how well a text fits each image.",
    page="concepts",
)
class FindUnitsRequest(WithReader):
    """Find the units that follow a text, in every site of a role, or in one site where `site` is given.

    The text stands in the template, unless it has four words or more: those are read as they are.

    The result's table `units`, `top` rows: first the units of the text itself, which follow no word of the vocabulary more and
    are above chance; then others, at most four of each word that they follow more; both best first. Its columns: address,
    site, unit, score (correlation, over the images, of the unit's position mean with how much better the text fits than the
    vocabulary does on average), z (that correlation in deviations of what exchanged kinds, or groups, give), rank (within
    its site, from 1), words_above (how many of the vocabulary's words the unit follows better than the text).

    Arrays, for R rows and N images:

    - `words` (R, 5) int32: numbers into the vocabulary of the words that each unit follows best; `word_scores` (R, 5) float32;
    - `strongest` (R, T) int32: numbers of the images that excite each unit most on average over its positions, strongest first;
    - `images` (N,) int32: numbers in the data set; `similarity` (N,) float32: how much better the text fits each of them.

    Facts: text, read (what the reader was given), cut (what of it was read, where it is too long), best (the best score of
    all units), found (it is above what the best of all units reaches in 99 of 100 shuffles), chance (that score), above (how
    many units are above it), own (how many of the 256 that follow the text best in each site are the text's own), among_words
    (share of the vocabulary's words that the best unit of the best unit's site follows less well), sentence, sparse (site,
    target, address, correlation, held_out: see `engine.concepts.correlation`), words (the whole vocabulary), searched (units
    in all), seconds, device.
    """

    experiment = "find-units"
    version = 4
    changes: ClassVar = {
        2: "Units that follow no word more than the text now come first, and each comes with its strongest images; before, units "
        "came by their correlation alone, which a word that is followed more may have brought about.",
        3: "What chance reaches now comes from kinds of images that are exchanged as whole; before, from single images. Images "
        "of a kind are alike, so a unit that follows some kinds was too easily said to follow the text.",
        4: "Images of one group, like a patient's, are now exchanged together; before, they counted as independent where fewer "
        "than twenty classes are known, so that a unit was too easily said to follow the text. Nothing else has changed.",
    }
    lane = "short"

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
        split = self._split(numbers[there])
        scores, spreads, chance = against_chance((means(site)[1][here] for site in sites), wanted, split.kinds)
        every = _table(self.model, sites, scores, spreads)
        score, best = float(every["score"].iloc[0]), str(every["site"].iloc[0])
        in_best = means(best)[1][here]
        among = correlations(standard(in_best), images, words - typical)
        every = _with_words(every, means, here, images, words - typical)
        own = (every["words_above"] == 0) & (every["score"] > chance)
        table = _chosen(every, own, self.top)
        columns, strongest = _of_units(table, means, here)
        follows = correlations(columns, images, words - typical)
        facts = {
            "text": self.text,
            "read": read,
            "cut": cut_short(loaded, [read]),
            "best": score,
            "found": score > chance,
            "chance": chance,
            "above": int(sum((each > chance).sum() for each in scores)),
            "own": int(own.sum()),
            "among_words": float((among.max(axis=0) < score).mean()),
            "sparse": self._sparse(best, combine(in_best, wanted, split)),
            "words": known.facts["words"],
            "searched": sum(map(len, scores)),
            "seconds": time.monotonic() - started,
            "device": devices.describe(loaded.device)["name"],
        }
        facts["sentence"] = _sentence(facts, score)
        arrays = {"images": numbers[there], "similarity": similarity.astype(np.float32), "strongest": strongest}
        arrays |= _followed(follows)
        return Result(json.loads(self.canonical()), arrays, {"units": table}, facts)

    def _split(self, numbers: np.ndarray) -> Halves:
        """Halves of these images: by kind, or by groups that belong together."""
        dataset = open_dataset(self.data)
        clusters = dataset.clusters()
        return halves(dataset.labels()[numbers], None if clusters is None else clusters[numbers])

    def _sites(self) -> list[str]:
        """The sites to search, in order of depth. Raises BadRequest for an unknown site or a role that no site has."""
        sites = catalog.load(self.model).sites
        if self.site:
            return [find(sites, self.site).name]
        if of_role := [site.name for site in sites.values() if site.role == self.role]:
            return of_role
        known = ", ".join(dict.fromkeys(site.role for site in sites.values()))
        raise BadRequest(f"{self.model} has no site of the role “{self.role[:60]}”. Its roles: {known}.")

    def _means(self, context: Context, sites: Sequence[str], images: int) -> Means:
        """All sites are held where they fit, else the last one: of 50,000 images a transformer's layers take many gigabytes
        together."""
        known = catalog.load(self.model).sites

        def means(site: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            arrays = context.compute(build(IndexRequest, model=self.model, site=site, data=self.data)).arrays
            return arrays["images"], arrays["position_mean"], arrays["top_mean"]

        size = images * sum(known[site].units for site in sites) * 4
        return lru_cache(None if size <= HELD_BYTES else 1)(means)

    def _sparse(self, site: str, together: Combination) -> dict[str, Any]:
        return {
            "site": site,
            "target": str(together.target),
            "address": f"{self.model}@{site}:{together.target}",
            "correlation": together.correlation,
            "held_out": together.held_out,
        }


def against_chance(
    layers: Iterable[np.ndarray], wanted: np.ndarray, kinds: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """Correlations (U,) of the units of each layer (N, U) with what is `wanted` (N,) of images of these kinds (N,); the standard
    deviations (U,) that these have where the kinds are exchanged for each other; and what the best of all units reaches in 99
    of 100 such cases."""
    mixed, scores, spreads, best = exchanged(wanted, kinds, SHUFFLES), [], [], []
    for values in layers:
        layer = standard(values)
        by_chance = layer.T @ mixed
        scores.append(layer.T @ wanted)
        spreads.append(by_chance.std(axis=1))
        best.append(by_chance.max(axis=0))
    return scores, spreads, float(np.quantile(np.max(best, axis=0), LEVEL))


def _with_words(
    every: pd.DataFrame, means: Means, here: np.ndarray, images: np.ndarray, words: np.ndarray
) -> pd.DataFrame:
    """The same table with how many words (W, D) each unit follows better than the text, and which it follows best."""
    above, most = np.zeros(len(every), int), np.zeros(len(every), int)
    for site, rows in every.groupby("site").groups.items():
        layer = standard(means(str(site))[1][here][:, every["unit"][rows]])
        follows = correlations(layer, images, words)
        # The text may be one of the words: by two routes it has two last digits, and must not stand above itself.
        above[rows] = (follows > every["score"][rows].to_numpy()[:, None] + 1e-5).sum(axis=1)
        most[rows] = follows.argmax(axis=1)
    return every.assign(words_above=above, most=most)


def _chosen(every: pd.DataFrame, own: pd.Series, top: int) -> pd.DataFrame:
    """The rows of the result: `own` first; then the others, a few of each word that they follow more than the text."""
    others = every[~own].groupby("most", sort=False).head(OF_A_WORD)
    return pd.concat([every[own], others]).head(top).drop(columns="most").reset_index(drop=True)


def _of_units(table: pd.DataFrame, means: Means, here: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the units of a table do on these images, standardised (N, R), and their strongest images (R, T)."""
    columns = np.empty((len(here), len(table)), np.float32)
    tops = {str(site): means(str(site))[2] for site in table["site"].unique()}
    strongest = np.empty((len(table), min(top.shape[1] for top in tops.values())), np.int32)
    for site, rows in table.groupby("site").groups.items():
        units = table["unit"][rows]
        columns[:, rows] = standard(means(str(site))[1][here][:, units])
        strongest[rows] = tops[str(site)][units, : strongest.shape[1]]
    return columns, strongest


def _followed(follows: np.ndarray) -> dict[str, np.ndarray]:
    """The words that each unit follows best, from its correlations with all of them (R, W)."""
    numbers = np.broadcast_to(np.arange(follows.shape[1]), follows.shape)
    scores, words = strongest_words(follows, numbers, WORDS)
    return {"words": words.astype(np.int32), "word_scores": scores.astype(np.float32)}


def _table(
    model: str, sites: Sequence[str], scores: Sequence[np.ndarray], spreads: Sequence[np.ndarray]
) -> pd.DataFrame:
    """The best units of all sites, best first."""
    rows = []
    for site, layer, spread in zip(sites, scores, spreads, strict=True):
        for rank, unit in enumerate(np.argsort(-layer, kind="stable")[:MOST_ROWS].tolist(), start=1):
            score = float(layer[unit])
            rows.append((str(Address(model, site, (unit,))), site, unit, score, score / max(spread[unit], STILL), rank))
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
        f"{share(facts['among_words'])} of the vocabulary's words have a lower best correlation in its layer."
    )
