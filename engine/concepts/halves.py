"""Two halves of the kinds of a data set: a name is chosen on one and tested on the other.

Invariant: all images of a kind, and of a group like a patient's, are in one half, so what is tested never saw what was chosen on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.core.errors import BadRequest

FEWEST_KINDS = 20
"""With fewer kinds each image counts as a kind of its own: half of so few kinds says nothing about the other half."""
TOGETHER = 64
"""Columns that are shuffled at once."""


@dataclass(frozen=True)
class Halves:
    """Rows of the images to choose on (n,) and to test on (m,), and the kind (N,) of every image: its class, the group that it
    belongs to (of which classes or clusters, as of one patient, are parts), or itself alone, as `by` says."""

    choosing: np.ndarray
    testing: np.ndarray
    kinds: np.ndarray
    by: Literal["kinds", "groups", "images"]

    @property
    def tested_kinds(self) -> np.ndarray:
        """(m,): the kind of each image that is tested on."""
        return self.kinds[self.testing]


def kinds_of(labels: np.ndarray) -> tuple[np.ndarray, bool]:
    """The kinds (N,) of images with these classes (N,), -1 for an image without one, which is a kind of its own; and whether the
    classes are many enough to be the kinds."""
    known = labels >= 0
    by_kind = len(np.unique(labels[known])) >= FEWEST_KINDS
    alone = np.arange(len(labels)) + int(labels.max(initial=-1)) + 1
    return (np.where(known, labels, alone) if by_kind else alone), by_kind


def independent(kinds: np.ndarray, clusters: np.ndarray | None = None) -> int:
    """How many groups of images do not belong together, where images of a kind (n,) do, and images of a cluster (n,)."""
    return len(np.unique(kinds if clusters is None else joined(kinds, clusters)))


def joined(kinds: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """The group (n,) of each image: what kinds (n,) and clusters (n,) join, if images of either belong together."""
    members = [np.unique(each, return_inverse=True)[1] for each in (kinds, clusters)]
    group, before = np.arange(len(kinds)), None
    while before is None or (group != before).any():
        before = group
        for member in members:  # all of one kind, then of one cluster, take the least number among them
            least = np.full(len(kinds), len(kinds))
            np.minimum.at(least, member, group)
            group = least[member]
    return group


def halves(labels: np.ndarray, clusters: np.ndarray | None = None) -> Halves:
    """Halves of images with these classes (N,), -1 for an image without one, which is a kind of its own. Where it is known which
    images belong together (`clusters` (N,), as of one patient), and kinds do not hold them whole, what either joins is a group
    that stays in one half. Raises BadRequest where all images are one group."""
    kinds, by_kind = kinds_of(labels)
    by: Literal["kinds", "groups", "images"] = "kinds" if by_kind else "images"
    if clusters is not None and (groups := independent(kinds, clusters)) < len(np.unique(kinds)):
        if groups < 2:
            raise BadRequest(
                "All these images belong together, as of one subject or video, so one half of them cannot test what was found on "
                "the other. Images of further subjects are needed."
            )
        kinds, by = joined(kinds, clusters), "groups"
    names = np.unique(kinds)
    first = np.random.default_rng(0).permutation(names)[: len(names) // 2]
    chosen = np.isin(kinds, first)
    return Halves(np.flatnonzero(chosen), np.flatnonzero(~chosen), kinds, by)


def moving(activations: np.ndarray, split: Halves) -> np.ndarray:
    """(U,) bool: units of activations (N, U) that change from image to image, in either half. What is constant in one of them
    follows no word there, whatever its strongest images are said to be."""
    return np.all([np.ptp(activations[rows], axis=0) > 0 for rows in (split.choosing, split.testing)], axis=0)


def directions(activations: np.ndarray, count: int) -> np.ndarray:
    """(N, count) float32: what random directions in the space of the units do, of activations (N, U). Every unit counts
    alike: each is scaled to deviation 1 first, and its weight drawn from a normal distribution."""
    values = activations.astype(np.float32)
    spread = values.std(axis=0)
    scaled = np.divide(values - values.mean(axis=0), spread, out=np.zeros_like(values), where=spread > 0)
    return scaled @ np.random.default_rng(1).standard_normal((values.shape[1], count), np.float32)


def shuffled(activations: np.ndarray, split: Halves, count: int) -> np.ndarray:
    """(N, count) float32: units of activations (N, U) drawn at random among those that change, with the kinds of either half
    exchanged for each other as whole, and the images of a kind in an order of chance."""
    draws = np.random.default_rng(2)
    able = np.flatnonzero(moving(activations, split))
    able = able if len(able) else np.arange(activations.shape[1])
    drawn = able[draws.integers(len(able), size=count)]
    mixed = np.empty((len(activations), count), np.float32)
    for rows in (split.choosing, split.testing):
        here = rows[np.argsort(split.kinds[rows], kind="stable")]
        for start in range(0, count, TOGETHER):
            units = drawn[start : start + TOGETHER]
            order = _orders(split.kinds[rows], len(units), draws)
            mixed[here[:, None], np.arange(start, start + len(units))] = activations[rows[order].T, units]
    return mixed


def exchanged(values: np.ndarray, kinds: np.ndarray, count: int) -> np.ndarray:
    """(N, count): the same values (N,) of images of these kinds (N,), `count` times, with the kinds exchanged for each other as
    whole, and the images of a kind in an order of chance."""
    draws = np.random.default_rng(0)
    mixed, here = np.empty((len(values), count), values.dtype), np.argsort(kinds, kind="stable")
    for start in range(0, count, TOGETHER):
        mixed[here, start : start + TOGETHER] = values[_orders(kinds, min(TOGETHER, count - start), draws)].T
    return mixed


def _orders(kinds: np.ndarray, count: int, draws: np.random.Generator) -> np.ndarray:
    """(count, n): the images of these kinds (n,) in orders of chance in which the images of a kind stay together."""
    names, kinds = np.unique(kinds, return_inverse=True)
    places = draws.permuted(np.tile(np.arange(len(names)), (count, 1)), axis=1)[:, kinds]
    return np.argsort(places + draws.random(places.shape), axis=1)
