"""A planted world of words: which word is true of which image is known, and so is what a reader must say about them.

A reader's embedding of an image is the sum of the vectors of the words that are true of it, and a little noise; words
are at right angles to each other. Units follow one word, or nothing.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from engine.concepts.words import WordsRequest, unit_length
from engine.core.request import Request, Result
from engine.evaluation.index import IndexRequest
from tests.engine.contexts import Notebook

IMAGES, WORDS = 600, 40
NAMES = tuple(f"word {number}" for number in range(WORDS))
SITES = ("blocks.0.mlp.hidden", "blocks.1.mlp.hidden")


def truth() -> np.ndarray:
    """(images, words) bool: word 0 is true of 40 images, the last of 90."""
    random = np.random.default_rng(1)
    found = np.zeros((IMAGES, WORDS), bool)
    for word, count in enumerate(np.linspace(40, 90, WORDS).astype(int)):
        found[random.choice(IMAGES, count, replace=False), word] = True
    return found


def embeddings(true: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(2).normal(0, 0.05, true.shape)
    return unit_length(true + noise + 0.5)


def following(true: np.ndarray, words: list[int], noise: float = 0.0) -> np.ndarray:
    """Activations (images, units) of units that each follow one word."""
    random = np.random.default_rng(3)
    return (true[:, words] + noise * random.standard_normal((len(true), len(words)))).astype(np.float32)


def random_units(count: int, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((IMAGES, count)).astype(np.float32)


def reader(scale: float = 50.0) -> Any:
    """As much of a loaded CLIP as naming and search ask for."""
    clip = SimpleNamespace(logit_scale=torch.tensor(scale).log())
    return SimpleNamespace(name="planted", clip=clip, device=torch.device("cpu"))


class Planted(Notebook):
    """A context whose activation indexes are given: those of the model's sites by name, and the reader's."""

    def __init__(self, sites: dict[str, np.ndarray], true: np.ndarray, images: np.ndarray | None = None) -> None:
        super().__init__()
        self.sites, self.true = sites, true
        self.images = np.arange(len(true), dtype=np.int32) if images is None else images

    def compute(self, request: Request) -> Result:
        if isinstance(request, WordsRequest):
            return Result({}, {"embedding": np.eye(WORDS, dtype=np.float32)}, {}, {"words": list(NAMES)})
        assert isinstance(request, IndexRequest)
        if request.model == "planted":
            arrays = {"images": np.arange(len(self.true), dtype=np.int32), "position_mean": embeddings(self.true)}
        else:
            activations = self.sites[request.site]
            strongest = self.images[np.argsort(-activations, axis=0, kind="stable")[:20]].T.astype(np.int32)
            arrays = {"images": self.images, "position_mean": activations, "top_mean": strongest}
        return Result({}, arrays)

    def find(self, request: Request) -> Result:
        return self.compute(request)
