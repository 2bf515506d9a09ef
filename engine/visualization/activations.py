"""A site's activations of images, with gradients: all of its units, or one unit of each image alone."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.images import to_input
from engine.core.precision import autocast
from engine.models.frozen import module_to_read
from engine.models.loaded import LoadedModel
from engine.sites.access import read, read_unit


def activations(model: LoadedModel, site: str, image: np.ndarray) -> Tensor:
    """(1, position, unit) float32: a site's activations of one image of any size, uint8 (height, width, 3)."""
    pixels = torch.from_numpy(to_input(image, model.input_size).copy()).to(model.device)
    images = pixels.permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return values_of(model, site, images).clone()


def values_of(model: LoadedModel, site: str, images: Tensor, module: nn.Module | None = None) -> Tensor:
    """(B, position, unit) float32 of images (B, 3, H, W) around [0, 1]; `module` stands in for the model's own."""
    module = module or module_to_read(model)
    with _precision(model, module):
        return read(module, [site], _input(model, module, images))[site].float()


def unit_rows(
    model: LoadedModel, site: str, images: Tensor, units: Tensor, module: nn.Module | None = None, leak: float = 0.0
) -> Tensor:
    """(B, position) float32 of unit `units[i]` for image i, prefix tokens included; images (B, 3, H, W) around [0, 1].

    `module` stands in for the model's own; `leak` as in `engine.sites.access.read_unit`.
    """
    module = module or module_to_read(model)
    with _precision(model, module):
        return read_unit(module, site, _input(model, module, images), units, leak).float()


def _precision(model: LoadedModel, module: nn.Module) -> AbstractContextManager[Any]:
    """A module whose weights are bfloat16 already needs no autocast."""
    return autocast(model.device) if _dtype(module) == torch.float32 else nullcontext()


def _input(model: LoadedModel, module: nn.Module, images: Tensor) -> Tensor:
    return model.normalize(images).to(_dtype(module))


def _dtype(module: nn.Module) -> torch.dtype:
    return next(module.parameters()).dtype
