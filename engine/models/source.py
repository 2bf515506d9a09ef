"""What a place that models come from gives: which models there are, their weights, and the module that holds them.

A further source is a class under `@register_source` (in `engine.models.sources.known`).
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from torch import Tensor, nn

from engine.core.choices import PHOTOS
from engine.core.errors import Unavailable
from engine.models.checkpoints import digest
from engine.models.hub import Place
from engine.models.loaded import Entry, Tokenizer


@dataclass(frozen=True)
class Built:
    """A module (images (B, 3, H, W) -> (B, classes or dimensions)) and, where it is the image tower of a two-tower model,
    that whole model with what makes its tokenizer."""

    module: nn.Module
    clip: nn.Module | None = None
    make_tokenizer: Callable[[], Tokenizer] | None = None


class Source(ABC):
    """One place that models come from."""

    name: ClassVar[str]
    """What the models' `kind` says."""
    title: ClassVar[str]
    """What the page calls it."""
    prefix: ClassVar[str] = ""
    """What the names of its models, and of no others, begin with, like `timm/`. Only sources of Vitrine itself have none."""
    doctor: ClassVar[Literal["try", "list", "skip"]] = "list"
    """What `doctor` does with its models: run each, list each and remark on those that are not here, or neither."""
    suits: ClassVar[str] = PHOTOS
    """The data set of Vitrine whose images are like those that its models learned from."""

    @abstractmethod
    def entries(self) -> Iterable[Entry]:
        """The models worth listing. What is wrong with one makes it an unavailable entry whose note says why."""

    @abstractmethod
    def build(self, entry: Entry, state: Mapping[str, Tensor]) -> Built:
        """The model with these weights (empty where `fetch` gives no file). Raises BadRequest where they do not fit.

        For weights of an architecture of timm or open_clip, `engine.models.sources.architectures.build` does it.
        """

    def find(self, name: str) -> Entry | None:
        """The model of this name (prefix included), which need not be among `entries`."""
        return next((entry for entry in self.entries() if entry.name == name), None)

    def names(self) -> Iterable[str]:
        """The names of models that `find` knows beside `entries`, to suggest where a name is not quite right."""
        return ()

    def missing(self, name: str) -> str:
        """What to say of a name that begins with the prefix and is not found; empty: similar names are suggested."""
        return ""

    def fetch(self, entry: Entry) -> tuple[Path | None, str]:
        """(weights file, digest of the weights), downloaded or converted where need be; no file: `build` needs none.

        Raises Unavailable when they are not to be had.
        """
        if not entry.available or entry.path is None:
            raise Unavailable(f"{entry.name} is not available. {entry.note}")
        return entry.path, digest(entry.path)

    def place(self, entry: Entry) -> Place | None:
        """Where the weights lie on the hub, for a model that is fetched from there."""
        return None

    def class_names(self, entry: Entry) -> tuple[str, ...] | None:
        """The names of a model's classes in order; None where nobody names them."""
        return entry.class_names

    def fingerprint(self, entry: Entry) -> str:
        """Digest (32 hex digits) of what decides a model's answers: weights, architecture, preprocessing, and the names
        of its classes, on which accuracies depend. Raises as `fetch`."""
        return fingerprint_of(entry, self.fetch(entry)[1], entry.class_names)


READ_ANEW = ("tiny_vit_", "efficientformer_", "gcvit_", "davit_", "samvit_")
"""Architectures of timm of which some sites (queries, keys, values; the last two's on maps smaller than a window) meant
something else in results of an earlier version."""


def fingerprint_of(entry: Entry, weights: str, class_names: tuple[str, ...] | None = None) -> str:
    """Digest (32 hex digits) of weights (by their digest), architecture, preprocessing and, where given, class names."""
    facts = [weights, entry.architecture, dict(entry.kwargs), entry.classes]
    facts += [list(entry.input_size), list(entry.mean), list(entry.std)]
    facts += [] if entry.config is None else [entry.config]
    facts += [["part", entry.part]] if entry.part else []
    facts += [list(class_names)] if class_names else []
    facts += ["sites 2"] if entry.architecture.startswith(READ_ANEW) else []
    return hashlib.blake2b(json.dumps(facts, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
