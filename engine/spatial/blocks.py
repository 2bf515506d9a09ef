"""A model taken apart, by structure: what it answers from, and, for a plain ViT, its blocks to run one by one.

Invariant: whatever is taken apart is put together again on a probe image and compared with the model itself; where the
two differ, the parts are not handed out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from engine.models.loaded import LoadedModel
from engine.sites.access import read
from engine.sites.grid import Grid, channels_to_positions
from engine.sites.last_block import first_tokens
from engine.sites.parts import child

TOLERANCE = 1e-3  # relative to the largest logit; float32 rounding stays far below


class UnsupportedArchitecture(Exception):
    """This model does not have the part asked for; `str(error)` says so in one line."""


@dataclass(frozen=True)
class ReadOut:
    """How a model answers: final features, then a head. `reads_prefix` and `reads_image` say which positions count."""

    module: nn.Module
    grid: Grid
    channels_last: bool | None  # None: the features are tokens
    reads_prefix: bool
    reads_image: bool

    @classmethod
    def of(cls, model: LoadedModel) -> ReadOut:
        """Raises UnsupportedArchitecture where the model has no classifier, or where features and head do not give its answer."""
        module: Any = model.module
        sites = [site for site in model.sites.values() if site.role != "head.logits"]
        if "head.logits" not in model.sites or not all(
            callable(getattr(module, name, None)) for name in ("forward_features", "forward_head")
        ):
            raise UnsupportedArchitecture(f"{model.name} has no classifier on its features.")
        grid, probe = sites[-1].grid, _probe(model)
        features = module.forward_features(probe)
        layout = _layout(features, grid)
        if layout is None or not _same(module.forward_head(features), module(probe)):
            raise UnsupportedArchitecture(
                f"The features that {model.name} classifies do not have positions in the image."
            )
        other = torch.randn(features.shape, generator=torch.Generator().manual_seed(1)).to(features)
        changed = [features.clone() for _ in range(2)]
        if layout == "tokens":
            changed[0][:, : grid.prefix], changed[1][:, grid.prefix :] = (
                other[:, : grid.prefix],
                other[:, grid.prefix :],
            )
        else:
            changed[1] = other
        answer = module.forward_head(features)
        prefix, image = (not torch.equal(module.forward_head(each), answer) for each in changed)
        return cls(module, grid, None if layout == "tokens" else layout == "last", prefix, image)

    def logits(self, features: Tensor) -> Tensor:
        """The model's own answer from its features (tokens may be the prefix alone where nothing else is read)."""
        module: Any = self.module
        return module.forward_head(features)

    def positions(self, features: Tensor) -> Tensor:
        """Features as (B, position, unit), prefix tokens first where there are any."""
        if self.channels_last is None:
            return features
        return features.flatten(1, 2) if self.channels_last else channels_to_positions(features)

    def single(self, vectors: Tensor) -> Tensor:
        """The head's answer to single features (..., D): as if every position were this one. (..., classes)."""
        flat = vectors.flatten(0, -2)
        if self.channels_last is None:
            laid = flat[:, None].expand(-1, self.grid.prefix + 1, -1)
        else:
            laid = flat[:, None, None] if self.channels_last else flat[:, :, None, None]
        return self.logits(laid).unflatten(0, vectors.shape[:-1])


@dataclass(frozen=True)
class Stack:
    """A plain ViT as embedding, blocks, norm and head. Counts the block evaluations of each kind, per image."""

    model: LoadedModel
    readout: ReadOut
    blocks: list[nn.Module]
    norm: nn.Module
    evaluations: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, model: LoadedModel, readout: ReadOut) -> Stack:
        """Raises UnsupportedArchitecture where blocks run one after the other do not give what the model gives."""
        row = child(model.module, "blocks")
        if row is None or "tokens.embed" not in model.sites or readout.channels_last is not None:
            raise UnsupportedArchitecture(f"{model.name} is not a plain sequence of transformer blocks.")
        blocks = [*row.children()]
        stack = cls(model, readout, blocks, child(model.module, "norm") or nn.Identity())
        probe = _probe(model)
        try:
            tokens = stack.embed(probe)
            for block in blocks:
                tokens = block(tokens)
            same = _same(stack.answer(tokens), model.module(probe))
        except (TypeError, ValueError, RuntimeError, AssertionError):
            same = False
        if not same:
            raise UnsupportedArchitecture(
                f"The blocks of {model.name} need more inputs than the tokens, so they cannot be run separately."
            )
        return stack

    @property
    def prefix(self) -> int:
        return self.readout.grid.prefix

    def embed(self, images: Tensor) -> Tensor:
        """Normalised images as they enter the first block, (B, position, D)."""
        return read(self.model.module, ["tokens.embed"], images)["tokens.embed"]

    def run(self, index: int, tokens: Tensor, kind: str) -> Tensor:
        """Block `index` on these tokens, counted as one evaluation of this kind."""
        self.evaluations[kind] += 1
        return self.blocks[index](tokens)

    def answer(self, tokens: Tensor) -> Tensor:
        """Logits in float32 from what leaves the last block."""
        with torch.autocast(tokens.device.type, enabled=False):
            return self.readout.logits(self.norm(tokens.float()))

    def rest(self, first: int, tokens: Tensor, kind: str) -> Tensor:
        """Blocks from `first` on, then the answer. Of the last block only what is answered from is worked out."""
        last = len(self.blocks) - 1
        for index in range(first, last):
            tokens = self.run(index, tokens, kind)
        if first <= last:
            only = self.prefix if not self.readout.reads_image else None
            self.evaluations[kind] += 1
            tokens = self.blocks[last](tokens) if only is None else first_tokens(self.blocks[last], tokens, only)
        elif not self.readout.reads_image:
            tokens = tokens[:, : self.prefix]
        return self.answer(tokens)


def _probe(model: LoadedModel) -> Tensor:
    """One image of noise, the same each time."""
    noise = torch.rand(1, 3, *model.input_size, generator=torch.Generator().manual_seed(0))
    return model.normalize(noise.to(model.device))


def _layout(features: Any, grid: Grid) -> str | None:
    """Where the units of a model's features stand: "tokens", "last" or "first"; None where the grid does not fit."""
    if not isinstance(features, Tensor):
        return None
    if features.ndim == 3 and features.shape[1] == grid.positions:
        return "tokens"
    if features.ndim == 4 and tuple(features.shape[2:]) == (grid.height, grid.width):
        return "first"
    if features.ndim == 4 and tuple(features.shape[1:3]) == (grid.height, grid.width):
        return "last"
    return None


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool((one - other).abs().max() <= TOLERANCE * other.abs().max().clamp(min=1e-3))
