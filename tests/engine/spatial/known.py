"""Models and pictures made so that the answers are known: no mixing of tokens, nothing but mixing, squares with masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import timm
import torch
from torch import Tensor, nn

from engine.data.dataset import Dataset
from engine.evaluation.streaming import Stream
from engine.models.loaded import LoadedModel
from tests.engine.contexts import Notebook
from tests.engine.small import wrapped

NAMES = ("red", "green", "blue", "white")
CLASSES = len(NAMES)


class Squares(Dataset):
    """Noise with one bright square of one of four colours; the colour is the class, the square the mask."""

    def __init__(self, count: int = 16, side: int = 32) -> None:
        super().__init__()
        self.name, self.class_names = "squares", NAMES
        self._count, self._side = count, side

    def _fingerprint(self) -> str:
        return f"squares {self._count} {self._side}"

    def __len__(self) -> int:
        return self._count

    def image(self, index: int) -> np.ndarray:
        noise = np.random.default_rng(index).integers(0, 100, (self._side, self._side, 3), np.uint8)
        label = index % CLASSES
        noise[self.mask(index)] = (255, 255, 255) if label == 3 else [255 * (part == label) for part in range(3)]
        return noise

    def mask(self, index: int) -> np.ndarray:
        rows, columns = (int(part) for part in np.random.default_rng(1000 + index).integers(0, self._side // 2, 2))
        mask = np.zeros((self._side, self._side), bool)
        mask[rows : rows + self._side // 2, columns : columns + self._side // 2] = True
        return mask

    def label(self, index: int) -> int:
        return index % CLASSES

    def describe(self, index: int) -> dict[str, Any]:
        return {"id": index, "kind": self.class_names[index % CLASSES]}


def over(model: LoadedModel, dataset: Dataset) -> Stream:
    """The data set on its way through the model."""
    return Stream(model, dataset, Notebook())


def vit(name: str = "vit_tiny_patch16_224", change: Callable[[Any], None] | None = None, **kwargs: Any) -> LoadedModel:
    """A small ViT of random weights, changed as the test says."""
    torch.manual_seed(0)
    given = {"img_size": 32, "patch_size": 8, "depth": 3, "embed_dim": 32, "num_heads": 2, "num_classes": CLASSES}
    module: Any = timm.create_model(name, **{**given, **kwargs})
    # As timm initialises them, class token and positions are nearly nothing.
    for part in ("cls_token", "dist_token", "pos_embed"):
        if getattr(module, part, None) is not None:
            nn.init.normal_(getattr(module, part), std=0.5)
    for block in module.blocks:
        nn.init.normal_(block.attn.qkv.weight, std=0.3)
    nn.init.normal_(module.head.weight, std=1.0)
    if change is not None:
        change(module)
    model = wrapped(name, module)
    model.input_size = (module.patch_embed.img_size[0],) * 2
    model.class_names = NAMES
    return model


def without_mixing(module: Any) -> None:
    """Attention adds nothing: every token goes its own way. Blocks change each a little, in its own place."""
    for block in module.blocks:
        nn.init.zeros_(block.attn.proj.weight)
        nn.init.zeros_(block.attn.proj.bias)


class Averaging(nn.Module):
    """A block whose every token becomes what uniform attention gives, and nothing else: no residual, no MLP."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.norm1, self.attn = block.norm1, block.attn
        width = self.attn.qkv.out_features // 3
        with torch.no_grad():
            self.attn.qkv.weight[: 2 * width] = 0

    def forward(self, tokens: Tensor) -> Tensor:
        return self.attn(self.norm1(tokens))


def averaging_last(module: Any) -> None:
    """Tokens never mix but in the last block, which makes all of them their mean."""
    without_mixing(module)
    nn.init.normal_(module.blocks[-1].attn.proj.weight, std=0.3)
    module.blocks[-1] = Averaging(module.blocks[-1])
