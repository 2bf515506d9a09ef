"""Pictures as bytes, and their progress while they are made: how far, the objective so far, and what they look like."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from engine.core.images import contact_sheet, to_png
from engine.core.request import Context, Made, Progress, Result
from engine.models.loaded import LoadedModel
from engine.visualization.goals import Goal, groups_of
from engine.visualization.optimization.batch_size import sizes_for
from engine.visualization.recipe import Recipe

PREVIEW_EVERY = 0.5  # seconds
PREVIEW_TILES = 24
PREVIEW_COLUMNS = 8


def as_bytes(images: np.ndarray) -> np.ndarray:
    """(n, 3, H, W) float in [0, 1] -> (n, H, W, 3) uint8."""
    return np.ascontiguousarray((images.clip(0, 1) * 255 + 0.5).astype(np.uint8).transpose(0, 2, 3, 1))


def as_floats(images: np.ndarray) -> np.ndarray:
    """(n, H, W, 3) uint8 -> (n, 3, H, W) float32 in [0, 1]."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2).astype(np.float32) / 255)


def as_levels(maps: np.ndarray) -> np.ndarray:
    """Maps in [0, 1] -> uint8."""
    return (maps * 255 + 0.5).astype(np.uint8)


def rounded(images: np.ndarray) -> np.ndarray:
    """The picture as it will be stored: what is scored is what is shown."""
    return as_floats(as_bytes(images))


class Gallery:
    """Turns the optimizer's steps into progress: how far, the objective so far, and the pictures while they grow, each by
    the name of what it is for where `cards` said so."""

    def __init__(self, context: Context, recipe: Recipe, pictures: int, model: LoadedModel, site: str) -> None:
        self._context, self._recipe = context, recipe
        self._sizes = list(sizes_for(pictures, recipe, model, site))
        self._pictures = pictures
        self._finished: list[np.ndarray] = []
        self._groups: list[list[str]] = []  # of those still to be made
        self._batch, self._shown, self._curve = 0, 0.0, tuple[float, ...]()
        self._message = "Pictures"
        self._latest = Progress(0, 0)

    def cards(self, names: Sequence[str], goals: Sequence[Goal], there: Sequence[Result | None]) -> None:
        """The pictures that come now are for these, of which some are there already."""
        missing = [place for place, result in enumerate(there) if result is None]
        alike = groups_of([goals[place] for place in missing])
        self._groups = [[names[missing[place]] for place in group] for group in alike]
        found = {name: result.arrays for name, result in zip(names, there, strict=True) if result is not None}
        if found:
            self._tell({name: Made(each["image"], float(each["curve"][-1]), True) for name, each in found.items()})

    def next_round(self, message: str) -> None:
        """What comes now is something else, which belongs to no card."""
        self._message, self._groups = message, []

    def finished(self, made: Mapping[str, Made]) -> None:
        """These pictures are done: the first of those that were still to be made."""
        if self._groups:
            self._groups[0] = self._groups[0][len(made) :]
            self._groups = [group for group in self._groups if group]
            self._tell(made)

    def watch(self, step: int, images: Callable[[], torch.Tensor], curve: torch.Tensor) -> None:
        """Called by the optimizer after each step. Reads images and curve a few times a second only: each time waits for
        the device."""
        last = step == self._recipe.steps
        preview, growing = None, {}
        if last or time.monotonic() - self._shown > PREVIEW_EVERY:
            tiles = as_bytes(images().cpu().numpy())
            preview = self._preview(list(tiles))
            # A batch that is filled up has more pictures than names.
            growing = {
                name: Made(tile) for name, tile in zip(self._groups[0] if self._groups else (), tiles, strict=False)
            }
            self._curve = tuple(curve.tolist())
            self._shown = time.monotonic()
            if last:
                self._finished.extend(tiles)
                self._batch += 1
        done = self._batch * self._recipe.steps + (0 if last else step)
        total = max(len(self._sizes) * self._recipe.steps, done)
        shown = min(sum(self._sizes[: self._batch]) + 1, self._pictures)
        message = f"{self._message}: {shown} of {self._pictures}"
        self._latest = Progress(done, total, message, preview, self._curve)
        self._tell(growing)

    def _tell(self, made: Mapping[str, Made]) -> None:
        self._context.report(replace(self._latest, made=made))

    def _preview(self, growing: Sequence[np.ndarray]) -> bytes:
        tiles = [*self._finished, *growing][: self._pictures][-PREVIEW_TILES:]
        rows = [tiles[start : start + PREVIEW_COLUMNS] for start in range(0, len(tiles), PREVIEW_COLUMNS)]
        return to_png(np.asarray(contact_sheet(rows, clear=True)))
