"""The units of a text: those of all layers whose activations follow how well the text fits each image.

Invariants: any text will do, also one that no vocabulary has; a unit's score does not depend on the other units.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from engine import catalog, devices
from engine.activations import IndexRequest
from engine.address import Address
from engine.concepts.naming import aligned
from engine.concepts.vocabulary import open_vocabulary
from engine.concepts.words import (
    READER,
    TEMPLATE,
    WordsRequest,
    check_template,
    check_text,
    image_embeddings,
    reader_of,
    text_embedding,
)
from engine.datasets import open_dataset
from engine.errors import BadRequest
from engine.experiment import Context, Request, Result, build, experiment
from engine.sites import find
from engine.targets import parse_target

ROLE = "mlp.hidden"
SHUFFLES = 200
LEVEL = 0.99
MOST_UNITS = 5


@experiment
class FindUnitsRequest(Request):
    """Find the units that follow a text, in every site of a role, or in one site where `site` is given.

    The text stands in the template, unless it is a sentence: more than three words are read as they are.

    The result's table `units`, best first: address, site, unit, score (correlation over the images of the unit's position mean
    with how much better the text fits than the vocabulary does on average), z (standard deviations of that
    correlation when images are shuffled), rank (within its site, from 1). Array `similarity` (N,) float32: the text's, of
    the images with the numbers `images` (N,) int32.

    Facts: text, read (what the reader was given), found (the best is above what the best of all units reaches in 99 of 100
    shuffles), chance (that score), sentence; sparse: site, target (at most five units of the best site, a text of
    `engine.targets`), address, correlation; searched (units in all), seconds, device.
    """

    experiment = "find-units"
    version = 1

    model: str
    text: str
    role: str = ROLE
    site: str = ""
    data: str = "starter"
    reader: str = READER
    vocabulary: str = "starter"
    template: str = TEMPLATE
    top: int = Field(default=24, ge=1, le=256)

    _template = field_validator("template")(check_template)

    @field_validator("text")
    @classmethod
    def _text(cls, text: str) -> str:
        try:
            return check_text(text)
        except BadRequest as error:
            raise ValueError(str(error)) from None

    def fingerprints(self) -> dict[str, str]:
        return {
            "model": catalog.fingerprint(self.model),
            "data": open_dataset(self.data).fingerprint,
            "reader": catalog.fingerprint(self.reader),
            "vocabulary": open_vocabulary(self.vocabulary).digest,
        }

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        loaded = reader_of(self.reader)
        read = phrase(self.text, self.template)
        words = context.compute(
            build(WordsRequest, reader=self.reader, vocabulary=self.vocabulary, template=self.template)
        )
        numbers, images = image_embeddings(context, self.reader, self.data)
        relative = text_embedding(loaded, [read])[0] - words.arrays["embedding"].mean(axis=0)
        similarity = images @ relative
        sites = self._sites()
        indexes = [context.compute(build(IndexRequest, model=self.model, site=site, data=self.data)) for site in sites]
        here, there = aligned(indexes[0].arrays["images"], numbers, self.data)
        wanted = standard(similarity[there, None])[:, 0]
        layers = [standard(index.arrays["position_mean"][here]) for index in indexes]
        scores = [layer.T @ wanted for layer in layers]
        table = _table(self.model, sites, scores, len(here)).head(self.top).reset_index(drop=True)
        chance = _chance(layers, wanted)
        best = table.iloc[0]
        found = bool(best["score"] > chance)
        place = sites.index(str(best["site"]))
        target, follows = sparse(indexes[place].arrays["position_mean"][here], wanted)
        facts = {
            "text": self.text,
            "read": read,
            "found": found,
            "chance": chance,
            "sentence": _sentence(self.text, found, float(best["score"]), chance),
            "sparse": {
                "site": sites[place],
                "target": target,
                "address": f"{self.model}@{sites[place]}:{target}",
                "correlation": follows,
            },
            "searched": sum(len(layer) for layer in scores),
            "seconds": time.monotonic() - started,
            "device": devices.describe(loaded.device)["name"],
        }
        arrays = {"images": numbers[there], "similarity": similarity[there].astype(np.float32)}
        return Result(json.loads(self.canonical()), arrays, {"units": table}, facts)

    def _sites(self) -> list[str]:
        """The sites to search, in order of depth. Raises BadRequest for an unknown site or a role that no site has."""
        sites = catalog.load(self.model).sites
        if self.site:
            return [find(sites, self.site).name]
        if found := [site.name for site in sites.values() if site.role == self.role]:
            return found
        known = ", ".join(dict.fromkeys(site.role for site in sites.values()))
        raise BadRequest(f"{self.model} has no site of the role “{self.role[:60]}”. Its roles: {known}.")


def phrase(text: str, template: str) -> str:
    """What the reader is given: the text in the template, or a sentence (more than three words) as it is."""
    return text if len(text.split()) > 3 else template.replace("{}", text)


def standard(values: np.ndarray) -> np.ndarray:
    """Columns (N, U) float32 less their mean, at length one: their products are correlations. Still ones are 0."""
    values = values.astype(np.float32)
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    alive = length > 1e-6 * np.linalg.norm(values, axis=0)
    return np.where(alive, centred / np.where(alive, length, 1), 0).astype(np.float32)


def sparse(activations: np.ndarray, wanted: np.ndarray) -> tuple[str, float]:
    """(target text, correlation) of at most five units whose weighted sum follows `wanted` (N,) best.

    Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993) on activations (N, U); the largest weight is 1.
    """
    units = standard(activations)
    chosen: list[int] = []
    rest, weights = wanted, np.zeros(0)
    for _ in range(min(MOST_UNITS, units.shape[1])):
        gain = np.abs(units.T @ rest)
        gain[chosen] = 0
        chosen.append(int(gain.argmax()))
        weights = np.linalg.lstsq(units[:, chosen].astype(np.float64), wanted.astype(np.float64), rcond=None)[0]
        rest = wanted - units[:, chosen] @ weights.astype(np.float32)
    follows = float(np.sqrt(max(0.0, 1 - float(rest @ rest))))
    spread = activations[:, chosen].astype(np.float64).std(axis=0)
    raw = weights / np.where(spread > 0, spread, 1)
    raw /= np.abs(raw).max()
    return _target(chosen, raw), follows


def _target(units: Sequence[int], weights: np.ndarray) -> str:
    terms = [(unit, round(float(weight), 6)) for unit, weight in zip(units, weights, strict=True)]
    parts = [f"{'-' if weight < 0 else '+'}{abs(weight):.6f}*{unit}" for unit, weight in terms if weight]
    return str(parse_target(f"({''.join(parts).removeprefix('+')})"))


def _chance(layers: Sequence[np.ndarray], wanted: np.ndarray) -> float:
    """What the best of all units reaches in 99 of 100 cases when the images are shuffled."""
    rng = np.random.default_rng(0)
    mixed = np.stack([rng.permutation(wanted) for _ in range(SHUFFLES)], axis=1)
    best = np.max([(layer.T @ mixed).max(axis=0) for layer in layers], axis=0)
    return float(np.quantile(best, LEVEL))


def _table(model: str, sites: Sequence[str], scores: Sequence[np.ndarray], images: int) -> pd.DataFrame:
    """All units of all sites, best first. A correlation of shuffled images has a standard deviation of 1 / sqrt(N - 1)."""
    rows = []
    for site, layer in zip(sites, scores, strict=True):
        order = np.argsort(-layer, kind="stable")
        for rank, unit in enumerate(order[: max(256, 1)].tolist(), start=1):
            score = float(layer[unit])
            address = str(Address(model, site, (unit,)))
            rows.append((address, site, unit, score, score * math.sqrt(images - 1), rank))
    table = pd.DataFrame(rows, columns=["address", "site", "unit", "score", "z", "rank"])
    return table.sort_values("score", ascending=False, kind="stable")


def _sentence(text: str, found: bool, score: float, chance: float) -> str:
    if found:
        return f"The best unit follows “{text}” with a correlation of {score:.2f}; chance stays below {chance:.2f}."
    return (
        f"No unit follows “{text}”: the best correlation, {score:.2f}, is not above the {chance:.2f} of chance. "
        "Try another word, another layer or another reader."
    )
