"""Objects alone and backgrounds alone: an image's variants, as models of any input size see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engine.core.choices import Fill
from engine.core.images import to_input
from engine.data.cutting import cut
from engine.evaluation.samples import Sample
from engine.models.loaded import LoadedModel


def variants(fills: Sequence[Fill]) -> list[tuple[str, Fill | Literal[""]]]:
    """(variant, fill) in the order of a result's second axis. A tiled foreground does not exist: there is no strip of
    object to repeat."""
    pairs: list[tuple[str, Fill | Literal[""]]] = [("full", "")]
    for fill in fills:
        if fill != "tile":
            pairs.append(("foreground", fill))
        pairs.append(("background", fill))
    return pairs


def cut_variants(batch: Sequence[Sample], loaded: LoadedModel, fills: Sequence[Fill]) -> Tensor:
    """(images, variants, 3, H, W) in [0, 1] at the model's input size: full, then each fill's foreground and background.

    Images are cut in their own size and scaled afterwards, as the paper does; those that have the model's size are cut
    on its device all together. Like every picture in the house, the variants have 8 bits.
    """
    if all(one.image.shape[:2] == loaded.input_size for one in batch):
        return _cut(batch, fills, loaded.device).float() / 255
    scaled = []
    for one in batch:
        pictures = _cut([one], fills, torch.device("cpu"))[0].permute(0, 2, 3, 1).numpy()
        scaled.append(np.stack([to_input(picture, loaded.input_size) for picture in pictures]))
    return torch.from_numpy(np.stack(scaled)).to(loaded.device).permute(0, 1, 4, 2, 3).float() / 255


def _cut(batch: Sequence[Sample], fills: Sequence[Fill], device: torch.device) -> Tensor:
    """(images, variants, 3, h, w) uint8 of images that all have the same size."""
    images = torch.from_numpy(np.stack([one.image for one in batch])).to(device).permute(0, 3, 1, 2).float() / 255
    objects = torch.from_numpy(np.stack([one.region for one in batch if one.region is not None])).to(device)[:, None]
    numbers = [one.index for one in batch]
    keeps = {"foreground": objects, "background": ~objects}
    cuts = [images if not fill else cut(images, keeps[name], fill, numbers) for name, fill in variants(fills)]
    return (torch.stack(cuts, dim=1) * 255).round().to(torch.uint8)
