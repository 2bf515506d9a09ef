"""The attention that is quickest to differentiate.

torch's fused CPU attention keeps no attention map, but in bfloat16 its gradient takes longer than a whole layer's matrix
products. Written out as two products and a softmax it was three times as fast on a processor with AVX-512, for the
price of keeping the map, which grows with the square of the number of positions.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from engine import devices
from engine.models import LoadedModel

MOST_POSITIONS = 400  # a map of 400 x 400 for 12 heads, 8 images and 12 blocks takes 0.4 GB in bfloat16


def module_for_gradients(model: LoadedModel) -> nn.Module:
    """The module to differentiate: the model's own, or a copy with the same tensors that writes its attention out.

    The copy is the caller's own, so that whoever reads the model at the same time is not disturbed.
    """
    positions = max(site.grid.positions for site in model.sites.values())
    written_out = model.device.type == "cpu" and devices.precision(model.device) == torch.bfloat16
    if not written_out or positions > MOST_POSITIONS:
        return model.module
    tensors = [*model.module.parameters(), *model.module.buffers()]
    twin = copy.deepcopy(model.module, memo={id(tensor): tensor for tensor in tensors})
    parts: Iterable[Any] = twin.modules()
    for part in parts:
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    return twin
