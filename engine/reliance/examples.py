"""The pictures that a model was asked about, made again one at a time to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.core.choices import Cut, Fill, Filter
from engine.core.images import to_input
from engine.data.cutting import cut
from engine.data.dataset import Dataset
from engine.evaluation.samples import region_of
from engine.reliance.cuts import variants
from engine.reliance.filters import filtered


def cut_pictures(
    dataset: Dataset, index: int, how: Cut, fills: Sequence[Fill], size: tuple[int, int]
) -> dict[tuple[str, str], np.ndarray]:
    """uint8 (height, width, 3) of one image whole and cut, by (variant, fill), as a model of this input size sees them.

    Raises RefusedFile where the image or its annotation cannot be read.
    """
    image = dataset.image(index)
    keep = torch.from_numpy(region_of(dataset, index, image, how))[None, None]
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    keeps = {"foreground": keep, "background": ~keep}
    pictures = {
        (name, fill): pixels if not fill else cut(pixels, keeps[name], fill, [index]) for name, fill in variants(fills)
    }
    return {pair: to_input(_picture(one[0]), size) for pair, one in pictures.items()}


def filtered_pictures(
    dataset: Dataset, index: int, spans: Sequence[tuple[float, float]], shape: Filter, size: tuple[int, int]
) -> list[np.ndarray]:
    """uint8 (height, width, 3) of one image after each filter (from, to). Raises RefusedFile."""
    pixels = torch.from_numpy(to_input(dataset.image(index), size)).permute(2, 0, 1)[None].float() / 255
    return [_picture(one) for one in filtered(pixels, spans, shape)[0]]


def _picture(pixels: torch.Tensor) -> np.ndarray:
    """Clipped to what a screen can show, which the models' own inputs are not."""
    return (pixels.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
