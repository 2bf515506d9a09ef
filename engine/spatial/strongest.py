"""Where units look on the images that excite them most: each unit's ten strongest, kept while images stream by."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.statistics import share
from engine.spatial.resamples import interval, weights_of

STRONGEST = 10
"""Images of each unit; at most one of each matched set, whose scenes show the same object."""
LEAST = 2 * STRONGEST
"""Images (or sets) that must be known before ten of them can be called the strongest."""
AGREE = 9
"""Of the ten, so many must mark the same side before a unit has a direction. By chance 2% of units do."""
OTHERS = 3
"""Other images whose masks each map is held against. An odd number: a unit that does not see the object separates its own
image's object better than the median of so many others in exactly half of its images, wherever objects mostly are."""
SIDES = ("object_share", "object_share_control", "preferring", "preferring_control")
"""Columns of shares of units, each with `_low` and `_high`."""


class Strongest:
    """For each unit of a layer: its strongest images so far, how well its map separates the object from the rest on each,
    how well it separates another image's object, and how much better its own than those of several others."""

    def __init__(self, units: int) -> None:
        self._score = torch.full((STRONGEST, units), -torch.inf)
        self._cluster = torch.full((STRONGEST, units), -1, dtype=torch.long)
        self._own, self._control, self._beyond = (torch.full((STRONGEST, units), torch.nan) for _ in range(3))
        self._known: set[int] = set()

    def add(self, clusters: np.ndarray, scores: Tensor, own: Tensor, others: Tensor) -> None:
        """Take in images: which set each belongs to (B,), and (B, U) each unit's mean over positions, and the area under the
        ROC curve of its map for the image's own mask; the same for those of other images (OTHERS, B, U). An image that lacks
        one of these has none."""
        there = ~(own.isnan() | others.isnan().any(dim=0)).any(dim=1).cpu()
        if not there.any():
            return
        new = torch.from_numpy(clusters)[there]
        self._known |= set(new.tolist())
        score = torch.cat([self._score, scores.float().cpu()[there]])
        cluster = torch.cat([self._cluster, new[:, None].expand(-1, score.shape[1])])
        beyond = own - others.median(dim=0).values
        own, control, beyond = (
            torch.cat([kept, values.float().cpu()[there]])
            for kept, values in ((self._own, own), (self._control, others[0]), (self._beyond, beyond))
        )
        order = score.argsort(dim=0, descending=True, stable=True)
        score, cluster = score.gather(0, order), cluster.gather(0, order)
        # Behind a stronger image of its own set, an image does not count.
        later = torch.ones(len(order), len(order), dtype=torch.bool).tril(-1)[..., None]
        again = ((cluster[:, None] == cluster[None]) & later).any(dim=1)
        first = again.int().argsort(dim=0, stable=True)[:STRONGEST]
        self._score, self._cluster = score.gather(0, first), cluster.gather(0, first)
        self._own, self._control, self._beyond = (
            values.gather(0, order).gather(0, first) for values in (own, control, beyond)
        )

    @property
    def enough(self) -> bool:
        """Whether there are images enough for ten of them to be the strongest."""
        return len(self._known) >= LEAST

    def separation(self) -> np.ndarray:
        """(1 + rounds, unit): how far each unit's maps separate object and rest, as measured and under each resampling of the
        images. The direction is chosen on every other image, from the strongest on, and measured on those between."""
        ids = self._cluster[1::2].numpy()
        known, at = np.unique(ids, return_inverse=True)
        drawn = weights_of(known).T[:, at.reshape(ids.shape)]
        measured = turned(self._own.double().numpy())
        total = drawn.sum(axis=1)
        means = np.where(total > 0, (drawn * measured).sum(axis=1) / np.maximum(total, 1), np.nan)
        # Resampling n images shows (n - 1) / n of their variance, which is much for so few.
        found, few = measured.mean(axis=0), len(ids)
        return np.vstack([found, found + (means - found) * (few / (few - 1)) ** 0.5])

    def row(self, separation: np.ndarray, medians: np.ndarray) -> dict[str, Any]:
        """The layer's columns in the table of curves, from its units' separation and their medians (1 + rounds,)."""
        control = self._control.double().numpy()
        quarter, three = np.percentile(separation[0], (25, 75))
        row: dict[str, Any] = {
            **interval("localisation_strongest", medians, len(self._cluster[1::2].unique())),
            "localisation_strongest_quartile_1": quarter,
            "localisation_strongest_quartile_3": three,
            "localisation_strongest_control": float(np.median(turned(control).mean(axis=0))),
        }
        units = control.shape[1]
        for end, values in (("", self._beyond), ("_control", self._control - 0.5)):
            on, off = self._marks(values)
            row |= _shares(f"object_share{end}", on, on + off) | _shares(f"preferring{end}", on + off, units)
        return row | {"direction_units": sum(self._marks(self._beyond))}

    @staticmethod
    def _marks(values: Tensor) -> tuple[int, int]:
        """How many units mark the object (positive on so many of their images (image, unit)), and how many the background."""
        on, off = (int(((side * values > 0).sum(dim=0) >= AGREE).sum()) for side in (1, -1))
        return on, off


def _shares(name: str, part: int, units: int) -> dict[str, float]:
    """A share of units with its 95% interval; NaN of none."""
    low, high = share(part, units)
    return {name: part / units if units else np.nan, f"{name}_low": low, f"{name}_high": high}


def turned(aurocs: np.ndarray) -> np.ndarray:
    """Every second of a unit's images (image, unit), turned around where the others lie below 0.5 on average: a unit that
    looks anywhere has 0.5, and one that looks at the other side on half of its images less."""
    sign = np.where(aurocs[::2].mean(axis=0) >= 0.5, 1.0, -1.0)
    return 0.5 + sign * (aurocs[1::2] - 0.5)
