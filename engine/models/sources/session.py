"""Modules that a person hands over in this process (a notebook's own `nn.Module`), known until the process ends.

Invariant: what is kept is a copy, so the person's module is never changed, and changing it later changes no result.
"""

from __future__ import annotations

import copy
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from engine.core.errors import BadRequest
from engine.models.loaded import IMAGENET_MEAN, IMAGENET_STD, Entry
from engine.models.source import Built, Source
from engine.models.sources import identity

PREFIX = "mine/"
_KEPT: dict[str, _Kept] = {}
_KEEPING = threading.Lock()


@dataclass(frozen=True)
class _Kept:
    entry: Entry
    module: nn.Module
    fingerprint: str


def add(
    module: nn.Module,
    size: tuple[int, int] = (224, 224),
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    class_names: Sequence[str] | None = None,
    reading: tuple[str, ...] = (),
) -> Entry:
    """Make a module known as `mine/<its class>-<digest>`; the same module gets the same name in every session.

    It takes normalised images (batch, 3, height, width); `size` is (height, width) in pixels, mean and std are per channel.
    `reading` says in sentences which of them nobody gave.
    Raises BadRequest for what is no such module or cannot be copied.
    """
    if not isinstance(module, nn.Module):
        raise BadRequest(f"{type(module).__name__} is not a torch.nn.Module. Give a module, or the name of a model.")
    module = unwrapped(module)
    if any(is_lazy(weight) for weight in [*module.parameters(), *module.buffers()]):
        raise BadRequest(
            f"This {type(module).__name__} has lazy layers. Run it on an image once, so that they get weights."
        )
    facts = [list(size), list(mean), list(std), list(class_names or ())]
    text = f"{identity.of(module)} {json.dumps(facts)}"
    fingerprint = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    name = f"{PREFIX}{type(module).__name__}-{fingerprint[:12]}"
    with _KEEPING:
        if name not in _KEPT:
            names = tuple(class_names) if class_names else None
            classes = len(names) if names else None
            entry = Entry(
                name, Session.name, type(module).__name__, "this session", available=True, input_size=(3, *size),
                mean=tuple(mean), std=tuple(std), classes=classes, class_names=names, reading=reading,
            )  # fmt: skip
            _KEPT[name] = _Kept(entry, _frozen(module), fingerprint)
        return _KEPT[name].entry


class Session(Source):
    """The modules that a person handed over in this process."""

    name, title, prefix = "session", "This session", PREFIX

    def entries(self) -> list[Entry]:
        """The modules of this session."""
        with _KEEPING:
            return [kept.entry for kept in _KEPT.values()]

    def missing(self, name: str) -> str:
        """What to do about a module of another session."""
        return (
            f"“{name[:80]}” is a module that somebody handed over in a notebook. Hand the same module over again "
            "(vitrine.load(module, ...)): its results are still there."
        )

    def fetch(self, entry: Entry) -> tuple[None, str]:
        """No file, and what identifies the module."""
        return None, self.fingerprint(entry)

    def build(self, entry: Entry, state: Mapping[str, Tensor]) -> Built:
        """The module; a copy, so that it may go to any device."""
        module = copy.deepcopy(_KEPT[entry.name].module)
        module.register_forward_pre_hook(_channels_first)
        return Built(module)

    def fingerprint(self, entry: Entry) -> str:
        """What identifies the module (32 hex digits)."""
        return _KEPT[entry.name].fingerprint


def unwrapped(module: nn.Module) -> nn.Module:
    """Without what `torch.compile` and data parallelism put around a module: hooks do not see into those."""
    for wrapped in ("_orig_mod", "module"):
        inner = getattr(module, wrapped, None)
        if isinstance(inner, nn.Module) and (wrapped == "_orig_mod" or isinstance(module, nn.DataParallel)):
            return unwrapped(inner)
    return module


def _frozen(module: nn.Module) -> nn.Module:
    try:
        with torch.inference_mode(False):
            frozen = copy.deepcopy(module)
    except Exception as error:  # anybody's code
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadRequest(
            f"This {type(module).__name__} cannot be copied ({reason}), so it cannot be analysed."
        ) from None
    return frozen.cpu()


def _channels_first(_: nn.Module, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Images come with their channels last in memory; a person's own module may flatten maps by `view`, which cannot read
    that."""
    return images[0].contiguous(), *images[1:]
