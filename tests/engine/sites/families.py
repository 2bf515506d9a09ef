"""Small networks with random weights, one of each family, and pictures for them."""

from __future__ import annotations

import timm
import torch
from torch import nn

SIZE = (64, 96)  # height and width differ, so that a transposed map cannot pass
VITS = ["vit", "registers", "swiglu", "no class token", "separate projections"]
CNNS = ["resnet", "efficientnet", "convnext", "convnext with convolutions", "convnext v2"]


def make(name: str, **options) -> nn.Module:
    """A small, randomly initialised model of a family."""
    torch.manual_seed(0)
    vit = {"depth": 2, "embed_dim": 32, "num_heads": 2, "img_size": SIZE, **options}
    model = {
        "vit": lambda: timm.create_model("vit_tiny_patch16_224", patch_size=8, **{"num_classes": 7, **vit}),
        "registers": lambda: timm.create_model("vit_small_patch14_reg4_dinov2", patch_size=16, **vit),
        "swiglu": lambda: timm.create_model("vit_giant_patch14_dinov2", patch_size=16, init_values=0.5, **vit),
        "no class token": lambda: timm.create_model(
            "vit_tiny_patch16_224", patch_size=8, class_token=False, global_pool="avg", dynamic_img_size=True, **vit
        ),
        "separate projections": lambda: timm.create_model(
            "vit_small_patch16_dinov3", depth=1, embed_dim=32, num_heads=2, img_size=SIZE
        ),
        "resnet": lambda: timm.create_model("resnet10t", layers=(2, 1, 3, 1), channels=(8, 16, 24, 32), num_classes=5),
        "efficientnet": lambda: timm.create_model("tf_efficientnet_lite0", num_classes=5),
        "convnext": lambda: timm.create_model(
            "convnext_tiny", depths=(1, 1, 2, 1), dims=(8, 12, 16, 24), num_classes=5
        ),
        "convnext with convolutions": lambda: timm.create_model(
            "convnext_atto", depths=(1, 1, 2, 1), dims=(8, 12, 16, 24), num_classes=5
        ),
        "convnext v2": lambda: timm.create_model("convnextv2_atto", depths=(1, 1, 1, 1), dims=(8, 12, 16, 24)),
    }[name]()
    for layer in model.modules():  # layer scales start near zero, which would hide what a block does
        for parameter in (getattr(layer, "gamma", None), getattr(layer, "gamma_1", None)):
            if isinstance(parameter, nn.Parameter):
                nn.init.constant_(parameter, 0.7)
    return model.eval().requires_grad_(False)


def pictures(count: int = 3) -> torch.Tensor:
    return torch.randn(count, 3, *SIZE, generator=torch.Generator().manual_seed(1))
