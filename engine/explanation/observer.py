"""How an observer, a model that is not the one looked into, sees images: what its blocks make of them, as one vector.

Invariant: an observer sees all images in the same way, those of a data set and made pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.core.images import to_input
from engine.core.precision import autocast
from engine.core.request import Context
from engine.evaluation.index import indexes, rows_of
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.sites.access import read
from engine.sites.grid import position_mean
from engine.spatial.depth import layers_of

PASS = 64


@dataclass(frozen=True)
class Observer:
    """Embeddings of the images of a data set, (images, d) float32 of length one, in the order of `numbers` (images,), and
    what is needed to embed other images alike: the sites that are read, and each feature's mean and spread over the
    data set."""

    model: LoadedModel
    sites: tuple[str, ...]
    numbers: np.ndarray
    embeddings: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """(n, d) float32: embeddings of the images of these numbers (n,). Raises BadRequest where one could not be read."""
        return self.embeddings[rows_of(self.numbers, numbers, self.model.name)]

    def see(self, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """(n, d) float32: embeddings of images, uint8 (height, width, 3)."""
        return _unit((means_of(self.model, self.sites, images) - self.mean) / self.spread, _widths(self))


def observer(name: str, data: str, context: Context) -> Observer:
    """A model of the catalog as an observer of a data set: the mean over positions of what leaves each of its blocks. Each
    feature is taken relative to the data set, since most of an embedding is what all images have in common; each block
    counts alike, so that colours and edges can be told as well as objects. Raises VitrineError where it is not here."""
    loaded = catalog.load(name)
    sites = blocks_of(loaded)
    parts = indexes(context, name, sites, data)
    numbers = parts[0].arrays["images"]
    seen = _joined([part.arrays["position_mean"][rows_of(part.arrays["images"], numbers, name)] for part in parts])
    mean, spread = seen.mean(0), seen.std(0) + 1e-6
    widths = [part.facts["units"] for part in parts]
    return Observer(loaded, sites, numbers, _unit((seen - mean) / spread, widths), mean, spread)


def blocks_of(model: LoadedModel) -> tuple[str, ...]:
    """The sites of what leaves each block, from the image to the head."""
    _, layers = layers_of(model.sites)
    return tuple(layer.tokens.name for layer in layers if layer.tokens.role != "head.logits")


def means_of(model: LoadedModel, sites: Sequence[str], images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """(n, units of all sites) float32: means over positions, of images uint8 (height, width, 3) of any size."""
    rows, at_once = [], model.images_per_pass(PASS)
    for start in range(0, len(images), at_once):
        pixels = np.stack([to_input(image, model.input_size) for image in images[start : start + at_once]])
        batch = torch.from_numpy(pixels).to(model.device).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad(), autocast(model.device):
            values = read(model.module, sites, model.normalize(batch))
        rows.append(_joined([position_mean(values[s].float(), model.sites[s].grid).cpu().numpy() for s in sites]))
    return np.concatenate(rows)


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([part.astype(np.float32) for part in parts], axis=1)


def _widths(observer: Observer) -> list[int]:
    return [observer.model.sites[site].units for site in observer.sites]


def _unit(features: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Each block's part of length one, then the whole."""
    ends = np.cumsum(widths)[:-1]
    parts = [part / (np.linalg.norm(part, axis=1, keepdims=True) + 1e-12) for part in np.split(features, ends, axis=1)]
    return (np.concatenate(parts, axis=1) / np.sqrt(len(parts))).astype(np.float32)
