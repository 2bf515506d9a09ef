"""What the catalog hands out: an Entry says which model exists, a LoadedModel is one ready to look into.

Invariant: a LoadedModel's module is in eval mode, float32, and none of its weights asks for a gradient.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor, nn

from engine.core.devices import LARGEST_KEPT
from engine.core.errors import BadRequest
from engine.sites.hooks import HookPoint, run

if TYPE_CHECKING:
    from engine.sites.access import Site

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Tokenizer: TypeAlias = Callable[[list[str]], Tensor]
"""Texts -> (texts, context length) int64."""


@dataclass(frozen=True)
class Entry:
    """One model of the catalog, loaded or not. `note` says why it is unavailable, or what is worth knowing."""

    name: str
    kind: str  # the name of the source that it comes from
    architecture: str
    weights: str
    available: bool
    part: str = ""  # which of several sets of weights in the file; empty: the first that is known
    reading: tuple[str, ...] = field(
        default=(), compare=False
    )  # how its files are read where it could be otherwise: sentences
    top1: float | None = None  # share of images classified rightly, 0 to 1
    top1_interval: tuple[float, float] | None = None
    licence: str = ""
    note: str = ""
    input_size: tuple[int, int, int] = (3, 224, 224)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    classes: int | None = None  # None: no classifier, or not known before the weights are read
    class_names: tuple[str, ...] | None = field(default=None, repr=False)
    kwargs: Mapping[str, Any] = field(default_factory=dict, hash=False)  # further arguments of timm.create_model
    path: Path | None = None  # the weights file, where there is one already
    # An open_clip architecture of one's own (see `engine.models.sources.open_clip_config`).
    config: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)


@dataclass(eq=False)
class LoadedModel:
    """A model ready to look into: frozen module, preprocessing, names of its classes and its sites."""

    name: str
    module: nn.Module
    input_size: tuple[int, int]  # height, width
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...] | None
    fingerprint: str
    device: torch.device
    clip: nn.Module | None = None  # the whole two-tower model where `module` is its image tower
    make_tokenizer: Callable[[], Tokenizer] | None = field(default=None, repr=False)
    keep_sites: Callable[[str, Mapping[str, Site]], None] | None = field(default=None, repr=False)  # fingerprint, sites
    _sites: dict[str, Site] | None = field(default=None, init=False, repr=False)
    _tokenizer: Tokenizer | None = field(default=None, init=False, repr=False)
    _widest: int | None = field(default=None, init=False, repr=False)  # bytes of the largest tensor that a layer makes
    _counted: tuple[int, int] | None = field(default=None, init=False, repr=False)  # modules, bytes of their tensors
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _copies: dict[Hashable, nn.Module] = field(default_factory=dict, init=False, repr=False)
    _copying: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    @property
    def sites(self) -> dict[str, Site]:
        """The model's sites by name, in order of depth; found at the first call by running one probe image."""
        from engine.sites.access import discover

        with self._lock:
            if self._sites is None:
                self._sites = discover(self.module, self.input_size)
                if self.keep_sites is not None:
                    self.keep_sites(self.fingerprint, self._sites)
            return self._sites

    @property
    def tokenizer(self) -> Tokenizer:
        """What turns texts into the tokens that `clip` reads; made at the first call.

        Raises BadRequest for a model without a text tower, Unavailable where a package or files for it are missing.
        """
        with self._lock:
            if self._tokenizer is None:
                if self.make_tokenizer is None:
                    raise self.no_text_tower()
                self._tokenizer = self.make_tokenizer()
            return self._tokenizer

    def no_text_tower(self) -> BadRequest:
        """What to raise where this model is asked to read words and cannot."""
        return BadRequest(f"{self.name} has no text tower. Choose a CLIP, like open_clip/ViT-B-16/openai.")

    def images_per_pass(self, most: int) -> int:
        """How many images to run at once: `most`, but on a CPU no more than keep each tensor inside within the memory
        that is kept for the next. Larger ones are fetched from the system anew at every layer, which can take as long
        as the layer itself."""
        if self.device.type != "cpu":
            return most
        if self._widest is None:
            layers = [
                HookPoint(name, "", "", part) for name, part in self.module.named_modules() if not [*part.children()]
            ]
            # In float32 and with tensors that allow gradients, however the one who asks first is about to run it.
            with torch.inference_mode(False), torch.no_grad(), torch.autocast("cpu", enabled=False):
                blank = torch.zeros(1, 3, *self.input_size)
                sizes = run(self.module, layers, blank, keep=lambda point, value: value.nbytes)
            self._widest = max(sizes.values(), default=1)
        return max(1, min(most, LARGEST_KEPT // self._widest))

    def copy_for(self, purpose: Hashable, make: Callable[[LoadedModel], nn.Module]) -> nn.Module:
        """The module that stands in for the model's own for a purpose, made by `make` at the first call and kept as long as
        the model."""
        with (
            self._copying,
            torch.inference_mode(False),
        ):  # whoever asks first may be in it; gradients are asked for later
            if purpose not in self._copies:
                self._copies[purpose] = make(self)
            return self._copies[purpose]

    @property
    def memory_bytes(self) -> int:
        """Bytes of the weights and buffers, those of its copies included; what several of them share counts once."""
        modules = [self.clip or self.module, *self._copies.copy().values()]
        if self._counted is None or self._counted[0] != len(modules):  # weights stay; copies are added
            tensors = (tensor for module in modules for tensor in (*module.parameters(), *module.buffers()))
            storages = (tensor.untyped_storage() for tensor in tensors)
            self._counted = len(modules), sum({one.data_ptr(): one.nbytes() for one in storages}.values())
        return self._counted[1]

    def normalize(self, images01: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> what the module expects: minus the mean, divided by the spread, per channel."""
        mean, std = (_channels(values, images01.device, images01.dtype) for values in (self.mean, self.std))
        return (images01 - mean) / std

    def resize_to_input(self, images01: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 3, *input_size) in [0, 1], bicubic with antialiasing, whole image kept."""
        if tuple(images01.shape[-2:]) == self.input_size:
            return images01
        resized = nn.functional.interpolate(
            images01, self.input_size, mode="bicubic", align_corners=False, antialias=True
        )
        return resized.clamp(0, 1)  # bicubic overshoots at edges


@lru_cache(maxsize=64)
def _channels(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    """(1, channels, 1, 1): carried to the device once, and not at every step."""
    with torch.inference_mode(False):
        return torch.tensor(values, device=device, dtype=dtype).view(1, -1, 1, 1)
