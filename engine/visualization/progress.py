"""Pictures as bytes, and their progress while they are made: how far, the objective so far, and what they look like."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from engine.core.images import contact_sheet, to_png
from engine.core.request import Context, Progress
from engine.models.loaded import LoadedModel
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
    """Turns the optimizer's steps into progress: how far, the objective so far, and the pictures while they grow."""

    def __init__(self, context: Context, recipe: Recipe, pictures: int, model: LoadedModel, site: str) -> None:
        self._context, self._recipe = context, recipe
        self._sizes = list(sizes_for(pictures, recipe, model, site))
        self._pictures = pictures
        self._finished: list[np.ndarray] = []
        self._batch, self._shown, self._curve = 0, 0.0, tuple[float, ...]()
        self._message = "Pictures"

    def next_round(self, message: str) -> None:
        self._message = message

    def watch(self, step: int, images: Callable[[], torch.Tensor], curve: torch.Tensor) -> None:
        """Called by the optimizer after each step. Reads images and curve a few times a second only: each time waits for
        the device."""
        last = step == self._recipe.steps
        preview = None
        if last or time.monotonic() - self._shown > PREVIEW_EVERY:
            tiles = as_bytes(images().cpu().numpy())
            preview = self._preview(list(tiles))
            self._curve = tuple(curve.tolist())
            self._shown = time.monotonic()
            if last:
                self._finished.extend(tiles)
                self._batch += 1
        done = self._batch * self._recipe.steps + (0 if last else step)
        total = max(len(self._sizes) * self._recipe.steps, done)
        shown = min(sum(self._sizes[: self._batch]) + 1, self._pictures)
        message = f"{self._message}: {shown} of {self._pictures}"
        self._context.report(Progress(done, total, message, preview, self._curve))

    def _preview(self, growing: Sequence[np.ndarray]) -> bytes:
        tiles = [*self._finished, *growing][: self._pictures][-PREVIEW_TILES:]
        rows = [tiles[start : start + PREVIEW_COLUMNS] for start in range(0, len(tiles), PREVIEW_COLUMNS)]
        return to_png(np.asarray(contact_sheet(rows, clear=True)))
