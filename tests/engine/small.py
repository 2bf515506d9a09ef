"""Small networks with random weights, wrapped as the catalog would: quick stand-ins wherever weights do not matter."""

from __future__ import annotations

import timm
import torch

from engine.models.loaded import LoadedModel
from engine.visualization.optimization.seeding import Draws

HALF = (0.5, 0.5, 0.5)


def wrapped(name: str, module: torch.nn.Module, size: tuple[int, int] = (32, 32)) -> LoadedModel:
    module.eval().requires_grad_(False)
    return LoadedModel(name, module, size, HALF, HALF, None, f"weights of {name}", torch.device("cpu"))


def small_vit() -> LoadedModel:
    torch.manual_seed(0)
    module = timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, depth=3, embed_dim=32, num_heads=2, num_classes=5
    )
    return wrapped("small-vit", module)


def small_cnn() -> LoadedModel:
    torch.manual_seed(0)
    return wrapped("small-cnn", timm.create_model("resnet10t", channels=(8, 16, 24, 32), num_classes=5))


def draws(*names: str | int) -> Draws:
    """Random numbers of seed 0 for a batch of these names."""
    return Draws(0, [(name,) for name in names], torch.device("cpu"))
