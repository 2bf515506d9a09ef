"""The planted cue: which kinds live where, what an answer says about the place, and what there is to be made of a place.

Scenes say of each kind where it is at home and of each image which place it shows. So it is known how often a blind guess,
and the best possible observer of the place alone, would name a kind that lives there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.data.dataset import Dataset

NOWHERE = -1
NONE_SHOWN = -2


class Places:
    """Which of a model's classes live where. `home` (classes,): the number of a class's home place, NOWHERE where it has
    none; `names`: the places by their numbers, those of `shown` among them, though nobody may live there."""

    def __init__(self, dataset: Dataset, to_model: np.ndarray, classes: int, shown: Sequence[str] | np.ndarray) -> None:
        homes = dataset.homes()
        self.names = sorted({home for home in homes if home} | {*map(str, np.ravel(shown))})
        self.home = np.full(classes, NOWHERE, np.int32)
        for kind, home in enumerate(homes):
            if home and to_model[kind] >= 0:
                self.home[to_model[kind]] = self.names.index(home)

    def numbers(self, shown: np.ndarray) -> np.ndarray:
        """The numbers of places, by their names: int32 of the same shape."""
        found = {name: number for number, name in enumerate(self.names)}
        return np.vectorize(found.__getitem__, otypes=[np.int32])(shown)


def shown_in(dataset: Dataset, numbers: np.ndarray) -> np.ndarray:
    """The names of the places that images (any shape) show, "" where that is not known."""
    return np.vectorize(lambda number: str(dataset.describe(int(number)).get("place") or ""), otypes=[object])(numbers)


def living(home: np.ndarray, here: np.ndarray) -> np.ndarray:
    """(n,): how many classes live at each of the places shown, `here` (n,)."""
    counts = np.bincount(home[home >= 0], minlength=int(max(here.max(initial=0), home.max(initial=0))) + 1)
    return np.where(here >= 0, counts[np.maximum(here, 0)], 0)


def chance(home: np.ndarray, here: np.ndarray) -> float:
    """How often a class drawn blindly lives at the place shown, on average over images."""
    return float((living(home, here) / len(home)).mean())


def ideal_names(home: np.ndarray, labels: np.ndarray, here: np.ndarray) -> float:
    """How often the best possible observer names the right class from the place alone: all classes that live there are as
    likely, so one of them is as good as another."""
    kinds = living(home, here)
    return float(np.where((home[labels] == here) & (kinds > 0), 1 / np.maximum(kinds, 1), 0.0).mean())


def ideal_lives(home: np.ndarray, here: np.ndarray) -> float:
    """How often the best possible observer of the place alone answers a class that lives there: always, where one does."""
    return float((living(home, here) > 0).mean())
