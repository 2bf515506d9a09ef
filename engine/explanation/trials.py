"""Two-alternative trials: which of two images excites a unit more, told from other images that are shown as its explanation.

After Borowski et al. 2021, who asked people, and Zimmermann et al. 2024 (machine interpretability score), who let a network
answer. Theirs is the mean probability of the right answer; ours counts right answers, so that chance is 50%.
Invariant: no two images of a unit's references and questions share a group (the same object on two places, say).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.errors import BadRequest
from engine.core.statistics import Estimate, effective, share

REFERENCES, TRIALS = 9, 16
"""Images shown of each side, and questions, of each unit; with fewer images fewer questions."""
FEWEST_TRIALS = 4
TIE = 0.5
"""What a question counts for that the observer cannot decide."""


@dataclass(frozen=True)
class Trials:
    """Rows of the images of a unit's trials: `strong`, `weak` (references,) that are shown, strongest and weakest first;
    `more`, `less` (trials,) that are asked about: of each pair the first excites the unit more."""

    strong: np.ndarray
    weak: np.ndarray
    more: np.ndarray
    less: np.ndarray


def trials_of(values: np.ndarray, groups: np.ndarray, seed: int) -> Trials:
    """The trials of one unit. values (images,): what it does on each image; groups (images,): images of one group are not
    independent. The 9 strongest images are shown and the next 16 asked about, each beside one of the weakest; of a group
    only its strongest (weakest) image counts. Ties are broken at random. Raises BadRequest for too few images."""
    distinct = len(np.unique(groups))
    trials = min(TRIALS, distinct // 2 - REFERENCES)
    if trials < FEWEST_TRIALS:
        least = 2 * (REFERENCES + FEWEST_TRIALS)
        raise BadRequest(f"{distinct} independent images are too few for questions: {least} are needed at least.")
    draws = np.random.default_rng(seed)
    shuffled = draws.permutation(len(values))
    order = shuffled[np.argsort(-values[shuffled], kind="stable")]
    top = _first_of_groups(order, groups, REFERENCES + trials)
    taken = np.isin(groups[order], groups[top])
    bottom = _first_of_groups(order[~taken][::-1], groups, REFERENCES + trials)
    less = draws.permutation(bottom[REFERENCES:])
    return Trials(top[:REFERENCES], bottom[:REFERENCES], top[REFERENCES:], less)


def _first_of_groups(order: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """The first `count` rows in this order that are each the first of their group."""
    _, first = np.unique(groups[order], return_index=True)
    return order[np.sort(first)[:count]]


def answers(more: np.ndarray, less: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(trials,): 1 where the observer answers rightly, 0 where not, 0.5 where it cannot decide.

    more, less (trials, d): embeddings of the two images of each question, of length one; direction (d,): the mean embedding
    of what is shown as exciting the unit, less that of what is shown as silencing it. The observer takes the image that is
    more like the one than like the other, by the mean cosine.
    """
    lead = (more - less) @ direction
    return np.where(np.abs(lead) < 1e-7, TIE, (lead > 0).astype(np.float64))


def accuracy(right: float, trials: int) -> Estimate:
    """Of one unit: so many right answers, ties counting half. Exact interval, as for independent questions."""
    return Estimate(right / trials, *share(right, trials))


def pooled(right: Sequence[float] | np.ndarray, trials: int) -> Estimate:
    """Over units that were drawn, of each so many right answers in `trials` questions. Answers of one unit go together, so
    the interval counts as many answers as would scatter as the units do (see `engine.core.statistics.effective`)."""
    given = np.concatenate([np.clip(number - np.arange(trials), 0, 1) for number in np.asarray(right, np.float64)])
    n = effective(given, None if len(right) == 1 else np.repeat(np.arange(len(right)), trials))
    value = float(given.mean())
    return Estimate(value, *share(value * n, n))
