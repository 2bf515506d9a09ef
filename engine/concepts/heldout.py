"""How well a unit's word, chosen on one half of the kinds, tells the unit's strongest images apart on the other half, and how
well words do that which the same search finds where there is nothing to name.

Invariant: a unit and the members of a null go through the same functions, so that one is comparable with the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.concepts.matching import strongest
from engine.concepts.purity.ranking import mid_ranks
from engine.core.quantiles import student_quantile
from engine.core.statistics import LEVEL

TOGETHER = 256
"""Units whose intervals are computed at once."""
LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Searched:
    """n units (or directions, or shuffled units): the word (n,) chosen for each on the one half, and which images (m, n) of
    the other half are each one's strongest."""

    words: np.ndarray
    strong: np.ndarray


@dataclass(frozen=True)
class Null:
    """What a null's members show: mean and deviation (w,) of the AUROC of each word over them, and how far their own words
    stand out (members,), rising."""

    mean: np.ndarray
    spread: np.ndarray
    members: np.ndarray

    def stands_out(self, areas: np.ndarray, words: np.ndarray) -> np.ndarray:
        """(n,): how many deviations AUROCs (n,) of these words (n,) lie above the word's mean over the members."""
        return (areas - self.mean[words]) / self.spread[words]

    def needed(self, words: np.ndarray, p: float) -> np.ndarray:
        """The AUROC (n,) that these words (n,) need for this p-value; infinite where so few members allow none so small."""
        above = math.floor(p * (len(self.members) + 1) + 1e-9) - 1
        if above < 0:
            return np.full(len(words), np.inf)
        return self.mean[words] + self.spread[words] * self.members[max(0, len(self.members) - 1 - above)]


@dataclass(frozen=True)
class Tested:
    """Of n units on the tested half: the number (n,) of each one's word among those tested, its AUROC (n,), and for every
    null its p-value (n,): the share of the null's members whose own word stands out as much as this one."""

    words: np.ndarray
    auroc: np.ndarray
    p: dict[str, np.ndarray]


def searched(words: np.ndarray, activations: np.ndarray) -> Searched:
    """From the chosen words (n,) and activations (m, n) on the tested half."""
    strong = np.zeros(activations.shape, np.float32)
    np.put_along_axis(strong, strongest(activations), 1, axis=0)
    return Searched(words, strong)


def compared(
    units: Searched, nulls: Mapping[str, Searched], images: np.ndarray, words: np.ndarray
) -> tuple[Tested, dict[str, Tested], dict[str, Null]]:
    """Test the words of the units, and those of every null's members, of words (W, D) that fit the images (m, D) of the tested
    half as their dot products say.

    The AUROC says how often the word fits one of the unit's strongest images better than another image. Some words do that
    for many units of any network (a dark image is easy to tell from a light one), so a word counts by how many
    standard deviations its AUROC lies above its mean over the members of the null. The members' own words, found by
    the same search, are measured the same way; a p-value is a rank among them (conformal: Vovk et al. 2005).
    """
    everyone = [units, *nulls.values()]
    needed = np.unique(np.concatenate([one.words for one in everyone]))
    ranks = mid_ranks(images @ (words[needed] - words.mean(axis=0)).T)
    places = [np.searchsorted(needed, one.words) for one in everyone]
    areas = [aurocs(ranks, one.strong) for one in everyone]
    own = [area[place, np.arange(len(place))] for area, place in zip(areas, places, strict=True)]
    known: dict[str, Null] = {}
    for name, area, mine, place in zip(nulls, areas[1:], own[1:], places[1:], strict=True):
        blank = Null(area.mean(axis=1), np.maximum(area.std(axis=1), LEAST_SPREAD), np.zeros(0))
        known[name] = replace(blank, members=np.sort(blank.stands_out(mine, place)))
    found = [
        Tested(place, mine, {name: rank_of(null.stands_out(mine, place), null.members) for name, null in known.items()})
        for mine, place in zip(own, places, strict=True)
    ]
    return found[0], dict(zip(nulls, found[1:], strict=True)), known


def rank_of(values: np.ndarray, null: np.ndarray) -> np.ndarray:
    """(n,): the share of the null (rising) that is as large as each of values (n,), itself counted among it."""
    above = len(null) - np.searchsorted(null, values, side="left")
    return (1 + above) / (len(null) + 1)


def aurocs(ranks: np.ndarray, strong: np.ndarray) -> np.ndarray:
    """(w, n): for ranks (m, w) of the images by each word and strongest images (m, n), each unit's the same number, how often
    the word fits one of the strongest better than one of the others; a tie counts half."""
    inside = float(strong[:, 0].sum())
    outside = len(strong) - inside
    sums = ranks.astype(np.float32).T @ strong
    return (sums.astype(np.float64) - inside * (inside + 1) / 2) / (inside * outside)


def intervals(units: Searched, images: np.ndarray, words: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """(3, n): standard error, low and high end of the 95% interval of the AUROC of each unit's own word, for kinds (m,) that
    are drawn as a whole: a kind's images are not independent (Obuchowski 1997; on the logit scale). What varies is mostly which
    kinds the strongest images are of, so those kinds count, and not all of them: Student's quantile and the variance's
    denominator go by how many hold one of the strongest.
    """
    apart = words - words.mean(axis=0)
    _, group = np.unique(kinds, return_inverse=True)
    found = []
    for start in range(0, len(units.words), TOGETHER):
        part = slice(start, start + TOGETHER)
        fits = images @ apart[units.words[part]].T
        found.append(_clustered(fits, units.strong[:, part], group))
    area, error, holding = np.concatenate(found, axis=1)
    counts, which = np.unique(holding, return_inverse=True)
    quantiles = np.array([student_quantile((1 + LEVEL) / 2, max(1, count - 1)) for count in counts])
    width = quantiles[which] * error
    inner = np.clip(area, 1e-6, 1 - 1e-6)
    middle, reach = np.log(inner / (1 - inner)), width / (inner * (1 - inner))
    return np.stack([error, 1 / (1 + np.exp(reach - middle)), 1 / (1 + np.exp(-reach - middle))])


def _clustered(fits: np.ndarray, strong: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(3, n): AUROC of fits (m, n) for strong (m, n), its standard error over groups (m,) of images, and how many groups hold a
    strong image."""
    inside = int(strong[:, 0].sum())
    outside, columns = len(strong) - inside, np.arange(fits.shape[1])
    order = np.argsort(-strong, axis=0, kind="stable")  # the strong ones, then the others
    values = np.take_along_axis(fits, order, axis=0)
    ranks = mid_ranks(values)
    # How many of the others each strong image is above, and how many of the strong each other one is below, ties half.
    above = (ranks[:inside] - mid_ranks(values[:inside])) / outside
    below = 1 - (ranks[inside:] - mid_ranks(values[inside:])) / inside
    area = above.mean(axis=0)
    sums = np.zeros((int(group.max()) + 1, fits.shape[1]))
    np.add.at(sums, (group[order[:inside]], columns), (above - area) / inside)
    np.add.at(sums, (group[order[inside:]], columns), (below - area) / outside)
    holding = np.array([len(np.unique(group[column])) for column in order[:inside].T], np.float64)
    return np.stack([area, np.sqrt((sums**2).sum(axis=0) * holding / np.maximum(1, holding - 1)), holding])
