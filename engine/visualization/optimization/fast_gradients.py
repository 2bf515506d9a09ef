"""A copy of a model that is faster to differentiate: the same mathematics, other arithmetic.

On every device batch norm is folded and convolutions have their channels last (see `engine.models.frozen`). On a CPU whose
bfloat16 pays, four more things cost as much as all matrix products of a step together: casting every weight at every pass,
the gradient of torch's fused attention (slower in bfloat16 than a whole layer), the shuffling of heads, and the gradient of
the convolution that cuts the image into patches. The copy has none of them: its weights are bfloat16, its attention is one
function with its gradient written out (but for a last block that only the class token asks, see `engine.sites.last_block`),
its patches are one matrix product.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from timm.layers.attention import Attention
from torch import Tensor, nn

from engine.core import precision
from engine.core.errors import BadRequest
from engine.models.frozen import module_to_read, shared_copy
from engine.models.loaded import LoadedModel
from engine.sites.access import discover
from engine.sites.attention_kernel import WrittenAttention
from engine.sites.plan import forget, plan

MOST_POSITIONS = 400  # a map of 400 x 400 for 12 heads, 8 images and 12 blocks takes 0.4 GB in bfloat16


def module_for_gradients(model: LoadedModel) -> nn.Module:
    """The module to differentiate in the model's stead: float32 images in, the same sites. Made at the first call; whoever
    reads the model or this module at the same time is not disturbed, since hooks act for their own thread alone."""
    computes_in = precision.precision(model.device)
    return model.copy_for(("gradients", computes_in), partial(_fast_copy, computes_in=computes_in))


def _fast_copy(model: LoadedModel, computes_in: torch.dtype) -> nn.Module:
    try:
        module = _in_float32(model)
    except Exception:  # a person's own module that cannot be copied, for a reason of its own: as it is
        return model.module
    # Batch norm that could not be folded keeps its statistics in float32, and autocast looks after the rest.
    if computes_in == torch.bfloat16 and not any(
        isinstance(part, nn.modules.batchnorm._BatchNorm) for part in module.modules()
    ):
        narrow = copy.deepcopy(module).bfloat16()  # weights of its own: in float32 it shares the model's
        return narrow if _has_sites(narrow, model) else module  # float32 tensors that are no weights need autocast
    return module


def _in_float32(model: LoadedModel) -> nn.Module:
    module = shared_copy(module_to_read(model))
    if model.device.type != "cpu":
        return module
    quick = shared_copy(module)
    short = max(site.grid.positions for site in model.sites.values()) <= MOST_POSITIONS
    _replace_slow_parts(quick, short, _tapped(model))
    forget(quick)
    return quick if _has_sites(quick, model) else module  # a layer may have been known by the part that was replaced


def _has_sites(module: nn.Module, model: LoadedModel) -> bool:
    """Whether a copy can be run, and has every site that the model has."""
    try:
        return discover(module, model.input_size).keys() == model.sites.keys()
    except BadRequest:
        return False


def _tapped(model: LoadedModel) -> set[str]:
    """The names of the parts that give a site: a convolution that does is found by what it is."""
    tapped = {id(point.module) for point in plan(model.module, model.input_size).points.values()}
    return {name for name, part in model.module.named_modules() if id(part) in tapped}


def _replace_slow_parts(module: nn.Module, short: bool, tapped: set[str]) -> None:
    """In place: patches become a matrix product (but a convolution that gives a site itself) and, where sequences are
    `short`, attention is written out."""
    for path, parent in [*module.named_modules()]:
        children: list[tuple[str, Any]] = [*parent.named_children()]
        for name, part in children:
            given = f"{path}.{name}" if path else name
            if isinstance(part, nn.Conv2d) and PatchProduct.fits(part) and given not in tapped:
                setattr(parent, name, PatchProduct(part))
            elif short and isinstance(part, Attention) and WrittenAttention.fits(part):
                setattr(parent, name, WrittenAttention(part))
            elif short and hasattr(part, "fused_attn"):
                part.fused_attn = False


class PatchProduct(nn.Module):
    """A convolution whose windows lie side by side, as one matrix product."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.size = conv.kernel_size
        self.weight, self.bias = nn.Parameter(conv.weight.flatten(1), requires_grad=False), conv.bias

    @staticmethod
    def fits(conv: nn.Conv2d) -> bool:
        """Whether a convolution is of this kind."""
        side_by_side = conv.kernel_size == conv.stride and conv.kernel_size != (1, 1)
        return side_by_side and conv.groups == 1 and conv.padding in ((0, 0), "valid") and conv.dilation == (1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, D, H // kernel height, W // kernel width); what is left over at the edges is dropped."""
        (high, wide), (batch, channels) = self.size, images.shape[:2]
        rows, columns = images.shape[2] // high, images.shape[3] // wide
        whole = images[:, :, : rows * high, : columns * wide]
        patches = whole.reshape(batch, channels, rows, high, columns, wide).permute(0, 2, 4, 1, 3, 5).flatten(3)
        return nn.functional.linear(patches, self.weight, self.bias).permute(0, 3, 1, 2)
