"""How well texts find the right scenes: mean average precision over tags, and over pairs of a tag and a place.

A fifth of all pairs of a tag and a place never stood together in a training caption (`captions.held_out`); both kinds of pair
are measured, so that it can be seen whether the model composes what it learned one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from starter.make.captions import held_out
from starter.make.evaluate import EVALUATION
from starter.make.scenes import PHRASE

FEWEST = 3
"""Kinds that share a tag, and scenes that show a pair, for it to count."""


def average_precision(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(N, Q) scores and (N, Q) bool -> (Q,): the mean, over the right scenes, of the precision down to each."""
    order = np.argsort(-scores, axis=0, kind="stable")
    hits = np.take_along_axis(truth, order, 0)
    precision = hits.cumsum(0) / np.arange(1, len(hits) + 1)[:, None]
    return (precision * hits).sum(0) / hits.sum(0)


def facts_of(variants: tuple[str, ...] = ("home", "other")) -> pd.DataFrame:
    """What is known about the held-out scenes: kind_index, place, tags; in the order of `evaluate.scenes`."""
    table = pd.read_parquet(EVALUATION, columns=["kind_index", "place", "tags", "variant"])
    return table[table.variant.isin(variants)]


def retrieval(similarity: Callable[[list[str]], np.ndarray], facts: pd.DataFrame) -> dict[str, dict[str, float]]:
    """`similarity(texts)` gives (scenes, texts). For tags, pairs said and pairs never said: how many there are, the mean
    average precision, and what chance would give (the mean share of right scenes)."""
    kinds = facts.explode("tags").groupby("tags").kind_index.nunique()
    tags = sorted(kinds[kinds >= FEWEST].index)
    has = {tag: facts.tags.map(lambda own, tag=tag: tag in own).to_numpy(bool) for tag in tags}
    stands = {place: (facts.place == place).to_numpy(bool) for place in PHRASE}
    pairs = [(tag, place) for tag in tags for place in PHRASE if (has[tag] & stands[place]).sum() >= FEWEST]

    def measured(texts: list[str], truth: list[np.ndarray]) -> dict[str, float]:
        right = np.stack(truth, 1)
        found = average_precision(similarity(texts), right)
        return {
            "queries": len(texts),
            "mean_average_precision": round(float(found.mean()), 4),
            "chance": round(float(right.mean()), 4),
        }

    out = {"tags": measured([f"a photo of {tag}" for tag in tags], [has[tag] for tag in tags])}
    for name, never in (("pairs_said", False), ("pairs_never_said", True)):
        some = [(tag, place) for tag, place in pairs if held_out(tag, place) == never]
        texts = [f"a photo of {tag}, {PHRASE[place]}" for tag, place in some]
        out[name] = measured(texts, [has[tag] & stands[place] for tag, place in some])
    return out
