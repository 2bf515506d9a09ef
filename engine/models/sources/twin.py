"""Untrained twins: `twin/NAME` has the architecture of NAME and random weights. What an experiment finds in it too, training
did not make.

Invariant: nothing is downloaded and no weights file is read; the same name gives the same weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from engine.models.loaded import Entry
from engine.models.source import Built, Source, fingerprint_of
from engine.models.sources import architectures
from engine.models.sources.initial import awaken

PREFIX = "twin/"
SEED = 0
REBUILT = ("starter", "wheel", "local", "timm", "open_clip")
"""The sources whose models are described by the name of an architecture, so that it can be built without their weights."""
AS_DRAWN = re.compile(
    r"(vit|deit)_(tiny|small|base|large|huge|giant)_patch\d+_\d+(\..+)?|open_clip/(starter-clip|ViT-[BLHg]-\d+(-quickgelu)?)"
)
"""Architectures in which nothing begins silent. What was measured of their twins before the others' branches were let in is
what would be measured today."""


class Twin(Source):
    """The twin of every model of the other sources that can be built anew. None is listed."""

    name, title, prefix, doctor = "twin", "Untrained", PREFIX, "skip"

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def entries(self) -> list[Entry]:
        return []

    def find(self, name: str) -> Entry | None:
        """The twin's entry, available whether the model's own weights are here or not; None where it cannot be built."""
        asked = name.removeprefix(PREFIX)
        owners = [source for source in self._sources if source.prefix and asked.startswith(source.prefix)]
        for source in owners or [source for source in self._sources if not source.prefix]:
            entry = source.find(asked) if source.name in REBUILT else None
            if entry is not None:
                return replace(
                    entry, name=name, kind=self.name, weights=f"random, seed {SEED}", available=True, path=None, note="",
                    top1=None, top1_interval=None,
                )  # fmt: skip
        return None

    def missing(self, name: str) -> str:
        """Why there is no such twin."""
        return f"“{name.removeprefix(PREFIX)[:80]}” has no untrained twin: its architecture cannot be built without its weights."

    def fetch(self, entry: Entry) -> tuple[None, str]:
        """No file, and what says how the weights were drawn."""
        return None, entry.weights

    def build(self, entry: Entry, state: Mapping[str, Tensor]) -> Built:
        """The architecture as its authors initialise it, from a seed of its own, except that no branch of it is silent: see
        `engine.models.sources.initial`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            built = architectures.untrained(entry)
            awaken(built.clip or built.module)
            return built

    def fingerprint(self, entry: Entry) -> str:
        """Of architecture, preprocessing and seed, and of what its branches begin with."""
        as_drawn = AS_DRAWN.fullmatch(entry.architecture) and "init_values" not in entry.kwargs
        return fingerprint_of(entry, f"untrained {entry.weights}{'' if as_drawn else ', no branch silent'}")
