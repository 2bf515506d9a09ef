"""A network that is never trained, in the form that costs least: the same mathematics with less arithmetic.

Batch norm in eval mode is a scale and a shift of each channel, so it folds into the convolution or linear layer before it
(Jacob et al. 2018, section 3.2), and convolutions run on tensors with the channels last. Nothing is taken on trust: every
site's value is compared with the network's own, and where they differ by more than rounding, nothing is folded.
"""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from engine.core.errors import BadRequest
from engine.models.loaded import LoadedModel
from engine.sites.access import discover, read
from engine.sites.hooks import placed, without_hooks

LARGEST_DIFFERENCE = 5e-4
"""Of the largest value of a site: far above what folding does in float32 (1e-5 to 1e-4), far below a mistake."""


def module_to_read(model: LoadedModel) -> nn.Module:
    """The module to read sites from in the model's stead, with gradients or without: a frozen copy of a network with batch
    norm or convolutions (its passes for an index cost 0.7 times as much for `starter-cnn` and 0.93 for ResNet-50, on a CPU),
    any other network itself, and one that cannot be copied. Answers alone gain less than 5% once their images have the
    channels last, so accuracies come from the network itself.
    """
    return model.copy_for("reading", _to_read)


def _to_read(model: LoadedModel) -> nn.Module:
    if not _has_batch_norm(model.module) and not wants_channels_last(model.module):
        return model.module
    try:
        return frozen_copy(model.module, model.input_size)
    except Exception:  # a person's own module that cannot be copied, for a reason of its own: as it is
        return model.module


def frozen_copy(module: nn.Module, size: tuple[int, int]) -> nn.Module:
    """A copy of a float32 module in eval mode for images of (height, width) pixels: batch norm folded where it can be,
    convolutions with the channels last. Sites keep their names and, up to rounding, their values: where a change would move
    one, the copy does without it. Raises what `copy.deepcopy` does for a module that cannot be copied."""
    frozen = shared_copy(module)
    if _fold(frozen, size) and not _agrees(module, frozen, size):
        frozen = shared_copy(module)
    if wants_channels_last(frozen):
        last = _with_channels_last(shared_copy(frozen))
        if _agrees(module, last, size):  # `view` flattens maps only where their channels come first
            return last
    return frozen


def _with_channels_last(module: nn.Module) -> nn.Module:
    for part in module.modules():
        if isinstance(part, nn.Conv2d) and "weight" in part._parameters:  # no weight that something else computes
            weight = part.weight.contiguous(memory_format=torch.channels_last)
            part.weight = nn.Parameter(weight, requires_grad=False)
    module.register_forward_pre_hook(_channels_last)
    return module


def _channels_last(_: nn.Module, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return images[0].contiguous(memory_format=torch.channels_last), *images[1:]


def wants_channels_last(module: nn.Module) -> bool:
    """Whether it has convolutions besides the one that cuts an image into patches, and so gains from channels-last images."""
    convolutions = [part for part in module.modules() if isinstance(part, nn.Conv2d) and part.kernel_size != (1, 1)]
    return any(part.kernel_size != part.stride for part in convolutions)


def _agrees(module: nn.Module, frozen: nn.Module, size: tuple[int, int]) -> bool:
    try:
        return difference(module, frozen, size) <= LARGEST_DIFFERENCE
    except (BadRequest, RuntimeError):  # the copy does not run
        return False


def difference(module: nn.Module, other: nn.Module, size: tuple[int, int]) -> float:
    """The largest difference between two modules at any site, on an image of noise of (height, width) pixels: as a share of
    the site's largest value, in float32; infinite where the two do not have the same sites."""
    noise = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noise = noise.to(next(module.parameters()))
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(noise.device.type, enabled=False):
        sites = discover(module, size)
        if sites != discover(other, size):
            return math.inf
        expected, values = read(module, [*sites], noise), read(other, [*sites], noise)
    return max(_relative_difference(values[name], expected[name]) for name in sites)


def _relative_difference(values: Tensor, expected: Tensor) -> float:
    return float((values - expected).abs().max() / expected.abs().max().clamp(min=1e-12))


def shared_copy(module: nn.Module) -> nn.Module:
    """A copy whose parts can be replaced, with the same weights in the same memory: they must not be changed in place."""
    weights: dict[int, Any] = {id(weight): weight for weight in (*module.parameters(), *module.buffers())}
    return without_hooks(module, partial(copy.deepcopy, memo=weights))


def _has_batch_norm(module: nn.Module) -> bool:
    return any(isinstance(part, _BatchNorm) for part in module.modules())


def _fold(module: nn.Module, size: tuple[int, int]) -> int:
    """Folds every batch norm that alone reads the output of a layer, in place; gives how many."""
    if not _has_batch_norm(module):
        return 0
    pairs = _pairs(module, size)
    for layer, norm in pairs:
        double_layer, double_norm = copy.deepcopy(layer).double(), copy.deepcopy(norm).double()
        fuse: Any = fuse_linear_bn_eval if isinstance(layer, nn.Linear) else fuse_conv_bn_eval
        _replace(module, layer, fuse(double_layer, double_norm).to(next(layer.parameters()).dtype))
        # timm's batch norms carry the dropout and the activation function that follow.
        rest = [
            part for part in (getattr(norm, "drop", None), getattr(norm, "act", None)) if isinstance(part, nn.Module)
        ]
        _replace(module, norm, nn.Sequential(*rest) if rest else nn.Identity())
    return len(pairs)


def _replace(module: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Puts a part in the place of another, under each of its names."""
    for holder in [*module.modules()]:
        for name in [name for name, part in holder._modules.items() if part is old]:
            setattr(holder, name, new.eval())


def _pairs(module: nn.Module, size: tuple[int, int]) -> list[tuple[nn.Module, _BatchNorm]]:
    """(layer, batch norm) wherever, in a run on one image, the norm's input is a layer's output and no other module reads it.
    What functions read is not seen: whoever folds compares the values."""
    layers: dict[int, nn.Module] = {}  # by the identity of their output
    readers: dict[int, list[nn.Module]] = defaultdict(list)  # by the identity of what they read
    runs: dict[nn.Module, int] = defaultdict(int)
    kept: list[Tensor] = []  # so that no tensor gets the identity of one that is gone

    def note(part: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        runs[part] += 1
        for value in given:
            if isinstance(value, Tensor):
                readers[id(value)].append(part)
                kept.append(value)
        if isinstance(output, Tensor) and type(part) in (nn.Conv2d, nn.Linear):
            layers[id(output)] = part
            kept.append(output)

    leaves = [part for part in module.modules() if isinstance(part, _BatchNorm) or not [*part.children()]]
    weight = next(module.parameters())
    with torch.no_grad(), placed(part.register_forward_hook(note) for part in leaves):
        module(torch.zeros(1, 3, *size, device=weight.device, dtype=weight.dtype))
    pairs = []
    for value, parts in readers.items():
        layer, norm = layers.get(value), parts[0]
        if layer is None or not isinstance(norm, _BatchNorm) or norm.running_mean is None:
            continue
        if len(parts) == runs[layer] == runs[norm] == 1:
            pairs.append((layer, norm))
    return pairs
