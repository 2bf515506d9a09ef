"""The images that excite a unit most, augmented like its picture: what the picture is compared with.

Sixteen copies of a hundred images would cost more than the picture itself. So all of them are seen once, the best of those
four times more, all alike (what makes one lucky makes all lucky), and the best of these sixteen times anew, in the copies of
the picture itself: what is compared was not chosen for its luck (successive halving, Karnin et al. 2013). One pass serves all
goals that share an image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.core.images import to_input
from engine.models.loaded import LoadedModel
from engine.visualization.goals import Goal, suited_to
from engine.visualization.optimization.augmentation import copies_of
from engine.visualization.optimization.seeding import Draws
from engine.visualization.recipe import Recipe
from engine.visualization.scoring.fresh import FRESH, batch_of, fresh_copies, on_all

MOST = 100
"""How many of a goal's strongest images are augmented; all where there are fewer."""
FINALISTS, COPIES = 8, 4
"""The best of those are seen this many times more."""


@dataclass(frozen=True)
class Strongest:
    """Of each goal: `rows` (goals,) of the image that is strongest under augmentations, its activation in each of 16
    `copies` (goals, 16), and `as_is` (goals,): the most that any image makes of it without them."""

    rows: np.ndarray
    copies: np.ndarray
    as_is: np.ndarray


@dataclass(frozen=True)
class Images:
    """The images that pictures are compared with: `values` (images, goals), what each makes of every goal as it is;
    `numbers` (images,), theirs in the data set; `read` gives one by its number, uint8 (H, W, 3)."""

    values: np.ndarray
    numbers: np.ndarray
    read: Callable[[int], np.ndarray]


def strongest(model: LoadedModel, site: str, goals: Sequence[Goal], images: Images, seed: int) -> Strongest:
    """The strongest images of goals, and what they do in `fresh_copies` of the same seed."""
    order = np.argsort(-images.values, axis=0, kind="stable")[:MOST]
    as_is = images.values.max(0).astype(np.float64)
    rows, copies = order[0].copy(), np.repeat(as_is[:, None], FRESH.copies, 1)
    groups: dict[Recipe, list[int]] = {}
    for place, goal in enumerate(goals):
        if goal.augmented:
            groups.setdefault(suited_to(goal, FRESH, model, site), []).append(place)
    for recipe, places in groups.items():
        mine = [goals[place] for place in places]
        rows[places] = _Race(model, site, mine, recipe, images, seed).best(order[:, places])
        copies[places] = fresh_copies(model, site, mine, pixels_of(model, images, rows[places]), seed)
    return Strongest(rows, copies, as_is)


def pixels_of(model: LoadedModel, images: Images, rows: np.ndarray) -> np.ndarray:
    """(k, 3, H, W) float32 in [0, 1]: these rows' images as the model sees them."""
    pixels = np.stack([to_input(images.read(int(number)), model.input_size) for number in images.numbers[rows]])
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255)


@dataclass(frozen=True)
class _Race:
    """Images of one group of goals, augmented more and more often while they become fewer."""

    model: LoadedModel
    site: str
    goals: Sequence[Goal]
    recipe: Recipe
    images: Images
    seed: int

    def best(self, order: np.ndarray) -> np.ndarray:
        """order (candidates, goals): rows of images -> (goals,): each goal's best."""
        everyone = np.arange(len(self.goals))
        first = self._copies(order, 1, "first")[..., 0]
        last = np.argsort(-first, axis=0, kind="stable")[:FINALISTS]
        finalists = order[last, everyone]
        again = self._copies(finalists, COPIES, "again")
        return finalists[(first[last, everyone] + again.sum(2)).argmax(0), everyone]

    def _copies(self, rows: np.ndarray, copies: int, stage: str) -> np.ndarray:
        """rows (k, goals) -> (k, goals, copies): each goal on augmented copies of its own rows. Each image passes once."""
        asked, back = np.unique(rows, return_inverse=True)
        recipe = self.recipe.model_copy(update={"copies": copies})
        at_once = max(1, batch_of(self.model, self.site) // copies)
        seen = []
        for start in range(0, len(asked), at_once):
            part = asked[start : start + at_once]
            filled = np.concatenate([part, np.repeat(part[-1:], at_once - len(part))])
            seen.append(self._pass(filled, recipe, stage)[: len(part)])
        everything = np.concatenate(seen)  # (asked, copies, goals)
        return everything[back.reshape(rows.shape), :, np.arange(rows.shape[1])[None]]

    def _pass(self, rows: np.ndarray, recipe: Recipe, stage: str) -> np.ndarray:
        device = self.model.device
        pictures = torch.from_numpy(pixels_of(self.model, self.images, rows)).to(device)
        draws = Draws(self.seed, [("images", stage)] * len(rows), device)
        shown = copies_of(pictures, recipe, draws, step=0).images
        parts = shown.flatten(0, 1).split(max(1, batch_of(self.model, self.site)))
        values = np.concatenate([on_all(self.model, self.site, self.goals, part) for part in parts])
        return values.reshape(len(rows), recipe.copies, len(self.goals))
