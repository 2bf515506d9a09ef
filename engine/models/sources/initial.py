"""Random weights that say something of an architecture: no branch of a network begins silent.

Many networks begin their training with residual branches that do nothing: the last normalization of a branch, its scale or its
last convolution is 0, or so small that it might be. Such a network is its stem and its shortcuts, and not a random network of
its architecture.
"""

from __future__ import annotations

import math
import re

import torch
from torch import Tensor, nn

NORMALIZATIONS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
SCALES = re.compile(r"(gamma|ls\d|layer_scale|scale|(skipinit_)?gain)(_?\w+)?")
"""What timm and open_clip call the factors of a branch (LayerScale: Touvron et al. 2021; SkipInit: De and Smith 2020)."""
SMALL = 0.5
"""Below this a factor keeps its branch small. Most begin at 0, 0.00001 or 0.1; those of activation functions are larger."""


@torch.no_grad()
def awaken(network: nn.Module) -> list[str]:
    """Let every branch of a network with random weights do something, and give the names of the parameters that were changed.

    Factors of a branch that are all alike and small become 1, and so do weights of a normalization that are all 0. Weights of a
    convolution or linear layer that are all 0 are drawn as torch draws them (uniform, He et al. 2015), from torch's random
    numbers. What has no storage stays as it is.
    """
    changed = []
    for path, module in network.named_modules():
        for name, values in module.named_parameters(prefix=path, recurse=False):
            if values.is_meta or not values.numel():
                continue
            if _is_silent(module, name.rpartition(".")[2], values):
                values.fill_(1)
            elif isinstance(module, nn.Linear | nn.modules.conv._ConvNd) and values.dim() > 1 and not values.any():
                nn.init.kaiming_uniform_(values, a=math.sqrt(5))
            else:
                continue
            changed.append(name)
    return changed


def _is_silent(module: nn.Module, name: str, values: Tensor) -> bool:
    """Whether a parameter of this name is a factor that takes a branch away, or nearly so."""
    if isinstance(module, NORMALIZATIONS):
        return name == "weight" and not values.any()
    first = values.flatten()[0]
    return bool(SCALES.fullmatch(name) and (values == first).all() and first.abs() < SMALL)
