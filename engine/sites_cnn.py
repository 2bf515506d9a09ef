"""The sites of a convolutional network made of stages of blocks, found by structure.

ResNet keeps its stages in `layer1`, `layer2`, ...; ConvNeXt in `stages`, each with `blocks`;
EfficientNet in `blocks`, each a sequence. All of them are called stages.S.blocks.B here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile

from torch import nn

from engine.reading import Tap
from engine.sites_vit import child, mlp_hidden


def stages_of(module: nn.Module) -> list[nn.Module]:
    """The stages from the image to the head; empty where the module is not made of stages of blocks."""
    if stages := [*takewhile(bool, (child(module, f"layer{number}") for number in count(1)))]:
        return [stage for stage in stages if stage is not None]
    if stages := child(module, "stages"):
        return [*stages.children()]
    stages = [*(child(module, "blocks") or nn.Sequential()).children()]
    return stages if all(isinstance(stage, nn.Sequential) for stage in stages) else []


def cnn_taps(module: nn.Module) -> Iterator[Tap]:
    """The taps of every site but the logits, from the image to the head."""
    stages = stages_of(module)
    yield Tap("stem", "stem", "stem", stages[0], "input", channels_last=False)
    for number, stage in enumerate(stages):
        for index, block in enumerate(blocks_of(stage)):
            name = f"stages.{number}.blocks.{index}"
            yield from _hidden(name, block)
            yield Tap(name, "stage.block", name, block, channels_last=False)
        if not _ends_with_a_block(stage):
            name = f"stages.{number}"
            yield Tap(name, "stage", name, stage, channels_last=False)


def blocks_of(stage: nn.Module) -> list[nn.Module]:
    """The blocks of a stage, in order."""
    return [*(child(stage, "blocks") or stage).children()]


def _ends_with_a_block(stage: nn.Module) -> bool:
    """True where the stage returns what its last block returns, so that it has nothing of its own to show."""
    *_, last = stage.children()
    return isinstance(stage, nn.Sequential) or last is child(stage, "blocks")


def _hidden(name: str, block: nn.Module) -> Iterator[Tap]:
    """The widened features inside a block: ConvNeXt's MLP, or an inverted bottleneck before it narrows again."""
    narrowing = child(block, "conv_pwl")
    if mlp := child(block, "mlp"):
        yield from mlp_hidden(name, mlp)
    elif isinstance(narrowing, nn.Conv2d) and narrowing.in_channels > narrowing.out_channels:
        yield Tap(f"{name}.mlp.hidden", "mlp.hidden", name, narrowing, "input", channels_last=False)
