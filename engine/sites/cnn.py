"""The sites of convolutional networks, found by structure: stages.S.blocks.B for all of them.

Most are made of stages, numbered children of one parent: `layer1` (ResNet), `s1` (RegNet), `denseblock1` (DenseNet),
or what stands in `stages` (ConvNeXt) or `blocks` (EfficientNet). Where there are none (VGG, Inception), a stage is a
run of layers at one resolution.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor, nn

from engine.sites.hooks import HookPoint, run
from engine.sites.mlp import is_mlp, mlp_hidden
from engine.sites.parts import child

NUMBERED = re.compile(r"([A-Za-z_]+)(\d+)")
ACTIVATIONS = (nn.ReLU, nn.GELU, nn.SiLU, nn.Hardswish, nn.ELU, nn.LeakyReLU, nn.ReLU6)


def stages_of(module: nn.Module) -> list[nn.Module]:
    """The stages from the image to the head; empty where the module is not made of stages of blocks."""
    for wrapped in ("visual", "trunk", "features"):
        module = child(module, wrapped) or module
    numbered: dict[str, list[nn.Module]] = defaultdict(list)
    for name, part in module.named_children():
        if match := NUMBERED.fullmatch(name):
            numbered[match[1]].append(part)
    rows = [*numbered.values(), *([*held.children()] for name in ("stages", "blocks") if (held := child(module, name)))]
    return next((row for row in rows if len(row) > 1 and all(map(_is_stage, row))), [])


def blocks_of(stage: nn.Module) -> list[nn.Module]:
    """The blocks of a stage, in order."""
    return [*(child(stage, "blocks") or stage).children()]


def cnn_points(module: nn.Module, probe: Tensor) -> list[HookPoint]:
    """The points of every site but the logits, from the image to the head; none where there are no maps."""
    if not (stages := stages_of(module)):
        return _with_activations(module, _by_resolution(module, probe), probe)
    points = _with_activations(module, [*_staged(stages)], probe)
    values = run(module, points, probe, keep=lambda point, value: value)
    # A stage that returns what its last block returned has nothing of its own to show.
    last_block = {point.site.rpartition(".blocks.")[0]: point.site for point in points if point.role == "stage.block"}
    return [
        point
        for point in points
        if point.role != "stage" or values.get(point.site) is not values.get(last_block[point.site])
    ]


def _with_activations(module: nn.Module, points: list[HookPoint], probe: Tensor) -> list[HookPoint]:
    """The points, each with the activation function whose output it is, where it is one's and nobody changed it since."""
    if not points:
        return points
    parts = [part for part in module.modules() if isinstance(part, ACTIVATIONS)]
    functions = {f"function {number}": part for number, part in enumerate(parts)}
    after = [HookPoint(name, "", "", part) for name, part in functions.items()]
    values = run(module, [*points, *after], probe, keep=lambda point, value: value)
    gave = {id(values[name]): part for name, part in functions.items() if name in values}
    return [point if point.rows else replace(point, act=gave.get(id(values.get(point.site)))) for point in points]


def _is_stage(part: nn.Module) -> bool:
    """A row of blocks, each of which has layers of its own."""
    blocks = blocks_of(part)
    return bool(blocks) and all(any(True for _ in block.children()) and _has_convolution(block) for block in blocks)


def _has_convolution(part: nn.Module) -> bool:
    return any(isinstance(layer, nn.Conv2d) for layer in part.modules())


def _staged(stages: list[nn.Module]) -> Iterator[HookPoint]:
    yield HookPoint("stem", "stem", "stem", stages[0], "input", channels_last=False)
    for number, stage in enumerate(stages):
        for index, block in enumerate(blocks_of(stage)):
            name = f"stages.{number}.blocks.{index}"
            yield from _hidden(name, block)
            yield HookPoint(name, "stage.block", name, block, channels_last=False)
        yield HookPoint(f"stages.{number}", "stage", f"stages.{number}", stage, channels_last=False)


def _hidden(name: str, block: nn.Module) -> Iterator[HookPoint]:
    """The widened features inside a block: ConvNeXt's MLP, or an inverted bottleneck before it narrows again."""
    narrowing = child(block, "conv_pwl")
    if (mlp := child(block, "mlp")) and is_mlp(mlp):
        yield from mlp_hidden(name, mlp)
    elif isinstance(narrowing, nn.Conv2d) and narrowing.in_channels > narrowing.out_channels:
        yield HookPoint(f"{name}.mlp.hidden", "mlp.hidden", name, narrowing, "input", channels_last=False)


def _by_resolution(module: nn.Module, probe: Tensor) -> list[HookPoint]:
    """Layers one after the other; a new stage begins where the map is clearly smaller than before."""
    rows = [*_layers(module)] or _convolutions(module)
    layers = [HookPoint(path, "stage.block", path, layer, channels_last=False) for path, layer in rows]
    shapes = run(module, layers, probe, keep=lambda point, value: value.shape) if layers else {}
    points, stage, index, before = [], 0, 0, 0
    for point in layers:
        shape = shapes.get(point.site, ())
        if len(shape) != 4 or shape[-1] <= 1:
            continue
        if before and shape[-1] * 1.5 < before:
            stage, index = stage + 1, 0
        name = f"stages.{stage}.blocks.{index}"
        points.append(HookPoint(name, "stage.block", name, point.module, channels_last=False))
        index, before = index + 1, shape[-1]
    return points


def _layers(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers of a plain row: each part with convolutions as a whole, a bare convolution by its activation."""
    waiting: list[tuple[str, nn.Module]] = []
    for name, part in module.named_children():
        here = f"{path}{name}"
        if isinstance(part, nn.Sequential):
            yield from _layers(part, f"{here}.")
        elif isinstance(part, nn.Conv2d):
            waiting.append((here, part))
        elif waiting and isinstance(part, ACTIVATIONS):
            # Several that stand before one activation in a person's own network share it: each is called by itself then.
            yield from waiting if len(waiting) > 1 and not path else [(here, part)]
            waiting = []
        elif any(True for _ in part.children()) and _has_convolution(part):
            yield here, part


def _convolutions(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """Every convolution: what there is to see of a network whose activation functions are no modules."""
    return [(path, layer) for path, layer in module.named_modules() if isinstance(layer, nn.Conv2d)]
