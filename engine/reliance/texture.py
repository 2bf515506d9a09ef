"""Texture against shape: shuffled patches, and the texture of one object under the silhouette of another.

A box or a mask leaks an object's shape into its background; here each of the two is taken away on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from engine.core.choices import Cut
from engine.core.errors import BadRequest, RefusedFile
from engine.core.experiments import experiment
from engine.core.images import to_input
from engine.core.request import Context, Result
from engine.core.statistics import estimate
from engine.data.dataset import Dataset
from engine.evaluation.predictions import variant_table
from engine.evaluation.request import OnImages
from engine.evaluation.samples import (
    Sample,
    at_input_size,
    check_cut,
    name_of,
    region_of,
    saliency_read,
)
from engine.evaluation.streaming import Stream, Varied
from engine.models.loaded import LoadedModel

GROUND = 128  # grey around a silhouette
SMALLEST = 6  # pixels of a texture's side; less shows nothing


@experiment(
    title="Texture and shape",
    about="Accuracy on shuffled patches, and on silhouettes filled with another object's texture.",
    page="reliance",
    models=("classes",),
    data=("labels",),
)
class TextureRequest(OnImages):
    """A model's answers to shuffled images and to silhouettes with another object's texture.

    `grids`: an image is cut into g x g patches, which change places at random. `cut`: how objects are found (masks, or
    saliency; a box is no silhouette). Each silhouette gets the texture of an object of another class, drawn at random
    (seeded by the image): the largest square inside that object, mirrored over the plane, on grey.

    Arrays for N images and V variants (full, each grid, own texture, other's texture): `images`, `labels`, `top`,
    `probability`, `loss` as in `engine.evaluation.predictions`; `textures` (N,): the class whose
    texture it was, `partner` (N,): its image.
    Table `variants` as in `engine.reliance.background`. Facts: shape, texture (counts on the last
    variant), shape_bias (value, low, high; None where neither is ever answered): shape / (shape + texture),
    after Geirhos et al. 2019.
    """

    experiment = "texture"
    version = 2
    changes: ClassVar[Mapping[int, str]] = {
        2: "Intervals know which images belong together, and hold for few images too."
    }

    grids: tuple[int, ...] = Field(default=(2, 3, 4, 6, 8, 12), min_length=1, max_length=20)
    cut: Cut = "mask"
    limit: int = Field(default=0, ge=0)

    @field_validator("grids")
    @classmethod
    def _several(cls, grids: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 2 <= grid <= 64 for grid in grids):
            raise ValueError("write numbers of patches a side, from 2 to 64")
        return tuple(sorted(set(grids)))

    @field_validator("cut")
    @classmethod
    def _silhouette(cls, cut: Cut) -> Cut:
        if cut == "box":
            raise ValueError("a box is not a silhouette; cut by mask or by saliency")
        return cut

    def variants(self) -> list[tuple[str, str]]:
        """(variant, detail) in the order of a result's second axis."""
        shuffled = [("shuffled", f"{grid} x {grid}") for grid in self.grids]
        return [("full", ""), *shuffled, ("silhouette", "own texture"), ("silhouette", "another's texture")]

    def fingerprints(self) -> dict[str, str]:
        return super().fingerprints() | saliency_read(self.cut)

    def run(self, context: Context) -> Result:
        stream, pairs = Stream.of(self, context), self.variants()
        check_cut(stream.dataset, self.cut)
        numbers, labels = stream.chosen(self.limit)
        if len(np.unique(labels)) < 2:
            raise BadRequest("These images have only one class, so textures cannot be exchanged between classes.")

        def vary(batch: list[Sample]) -> Varied:
            dressed: list[tuple[Sample, Sample]] = []
            for one in batch:
                other = self._partner(stream.dataset, one, numbers, labels)
                if other is None or largest_square(one.region)[2] < SMALLEST:
                    reason = "no texture can be taken from it, or none was found for it."
                    stream.skipped[name_of(stream.dataset, one.index)] = reason
                else:
                    dressed.append((one, other))
            if not dressed:
                return [], torch.empty(0), {}
            further = {
                "textures": np.array([other.label for _, other in dressed], np.int32),
                "partner": np.array([other.index for _, other in dressed], np.int32),
            }
            return [one for one, _ in dressed], texture_variants(dressed, stream.loaded, self.grids), further

        arrays = stream.answers(numbers, labels, len(pairs), vary, self.cut)
        facts = {
            "variants": [list(pair) for pair in pairs],
            "cut": self.cut,
            "images": len(arrays["images"]),
            **shape_bias(arrays),
        }
        tables = {"variants": variant_table(arrays, pairs)}
        return stream.result(self, arrays, tables, facts, stream.matching.notes)

    def _partner(self, dataset: Dataset, one: Sample, numbers: np.ndarray, labels: np.ndarray) -> Sample | None:
        """An image of another class whose object holds a texture: the first such of a few drawn at random."""
        others = np.flatnonzero(labels != one.label)
        draws = np.random.default_rng(one.index)
        for place in others[draws.integers(0, len(others), 8)]:
            number = int(numbers[place])
            try:
                image = dataset.image(number)
                region = region_of(dataset, number, image, self.cut)
            except RefusedFile:
                continue
            if largest_square(region)[2] >= SMALLEST:
                return Sample(number, int(labels[place]), image, region)
        return None


def texture_variants(pairs: Sequence[tuple[Sample, Sample]], loaded: LoadedModel, grids: Sequence[int]) -> Tensor:
    """(images, variants, 3, H, W) in [0, 1]: full, each grid, own texture, the partner's texture."""
    full = at_input_size([one for one, _ in pairs], loaded)
    numbers = [one.index for one, _ in pairs]
    shuffled = [shuffle(full, grid, numbers) for grid in grids]
    painted = [
        np.stack([to_input(dress(one, wearing), loaded.input_size) for wearing in (one, other)]) for one, other in pairs
    ]
    silhouettes = torch.from_numpy(np.stack(painted)).to(full.device).permute(0, 1, 4, 2, 3).float() / 255
    return torch.cat([torch.stack([full, *shuffled], dim=1), silhouettes], dim=1)


def shuffle(images: Tensor, grid: int, numbers: Sequence[int]) -> Tensor:
    """Images (b, c, h, w) with their grid x grid patches in random places, each image in its own order.

    Where the sides are no multiple of `grid`, the rest at the right and bottom stays as it is.
    """
    height, width = images.shape[2] // grid, images.shape[3] // grid
    result = images.clone()
    if not height or not width:
        return result
    for row, number in enumerate(numbers):
        part = images[row, :, : height * grid, : width * grid]
        patches = part.unflatten(1, (grid, height)).unflatten(3, (grid, width)).permute(1, 3, 0, 2, 4).flatten(0, 1)
        order = torch.from_numpy(np.random.default_rng([int(number), grid]).permutation(grid * grid))
        moved = patches[order].unflatten(0, (grid, grid)).permute(2, 0, 3, 1, 4)
        result[row, :, : height * grid, : width * grid] = moved.reshape(part.shape)
    return result


def largest_square(region: np.ndarray | None) -> tuple[int, int, int]:
    """(top, left, side) of the largest square inside a region (h, w) bool: the first one of that size. Side 0: none."""
    if region is None or not region.any():
        return 0, 0, 0
    table = np.pad(region.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))

    def first(side: int) -> tuple[int, int] | None:
        sums = table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
        places = np.argwhere(sums == side * side)
        return (int(places[0][0]), int(places[0][1])) if len(places) else None

    low, high = 1, min(region.shape)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if first(middle) else (low, middle - 1)
    place = first(low)
    assert place is not None
    return *place, low


def dress(shape: Sample, texture: Sample) -> np.ndarray:
    """uint8 image: the silhouette of one object, filled with the texture of another, on grey."""
    assert shape.region is not None and texture.region is not None
    top, left, side = largest_square(texture.region)
    patch = texture.image[top : top + side, left : left + side]
    height, width = shape.region.shape
    twice = np.concatenate([patch, patch[::-1]])
    tile = np.concatenate([twice, twice[:, ::-1]], axis=1)
    sheet = np.tile(tile, (-(-height // len(tile)), -(-width // tile.shape[1]), 1))[:height, :width]
    return np.where(shape.region[..., None], sheet, np.uint8(GROUND))


def shape_bias(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """How often the silhouette's class was answered, how often the texture's, and shape / (shape + texture)."""
    answer = arrays["top"][:, -1, 0]
    shape, texture = answer == arrays["labels"], answer == arrays["textures"]
    either, clusters = shape | texture, arrays.get("clusters")
    bias = [*estimate(shape[either], clusters=None if clusters is None else clusters[either])] if either.any() else None
    return {"shape": int(shape.sum()), "texture": int(texture.sum()), "shape_bias": bias}
