"""Labelled images one by one, each decoded once, with where its object is; what must be left out is told, not lost.

Invariant: an image is either handed on or stands in `skipped` with the reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from engine.core.choices import Cut
from engine.core.errors import BadRequest, RefusedFile, VitrineError
from engine.core.images import to_input
from engine.data.cutting import box_region
from engine.data.dataset import Dataset
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.models.sources.packages import DINOV2

T = TypeVar("T")
SALIENT = 0.5  # of the saliency network's output, which is between 0 and 1


@dataclass(frozen=True)
class Sample:
    """One image in its own size: uint8 (h, w, 3), the model's class, and where the object is (h, w) bool."""

    index: int
    label: int
    image: np.ndarray
    region: np.ndarray | None


def best_cut(dataset: Dataset) -> Cut:
    """How to cut objects out of a data set: by its boxes (the paper's way), else by its masks, else by saliency."""
    known = dataset.cuts()
    return "box" if "box" in known else "mask" if "mask" in known else "saliency"


def check_cut(dataset: Dataset, cut: Cut) -> None:
    """Raises BadRequest where the data set cannot be cut this way."""
    if cut != "saliency" and cut not in dataset.cuts():
        known = " or ".join(dataset.cuts()) or "saliency"
        raise BadRequest(f"“{dataset.name}” has no {'boxes' if cut == 'box' else 'masks'}. Cut its objects by {known}.")


def saliency_is_here() -> bool:
    """Whether the network is on this machine that finds objects where nothing else does."""
    try:
        return catalog.find(DINOV2.name).available
    except VitrineError:  # also where the settings let nobody load it
        return False


def saliency_read(cut: Cut) -> dict[str, str]:
    """The fingerprint of the saliency network, where objects are cut by it."""
    return {"saliency": catalog.fingerprint(DINOV2.name)} if cut == "saliency" else {}


def chosen(dataset: Dataset, to_model: np.ndarray, limit: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(numbers, model classes) of the images to measure on: labelled, known to the model, at most `limit` of them
    (0: all), drawn at random, the same ones each time. Raises BadRequest where none is left."""
    numbers = dataset.evaluated()
    labels = to_model[dataset.labels()[numbers]] if len(numbers) else numbers
    numbers, labels = numbers[labels >= 0], labels[labels >= 0]
    if not len(numbers):
        raise BadRequest(f"“{dataset.name}” has no image with a label among the model's classes. Use class subfolders.")
    if limit and limit < len(numbers):
        picked = np.sort(np.random.default_rng(0).choice(len(numbers), limit, replace=False))
        numbers, labels = numbers[picked], labels[picked]
    return numbers, labels


def drawn(dataset: Dataset, limit: int) -> np.ndarray:
    """Numbers of images, labelled or not, in order: those with an object where that is known, else all; at most `limit` of them
    (0: all), drawn at random, the same ones each time."""
    pool = dataset.evaluated()
    pool = pool if len(pool) else np.arange(len(dataset))
    count = min(limit, len(pool)) if limit else len(pool)
    return np.sort(np.random.default_rng(0).choice(pool, count, replace=False))


def samples(
    dataset: Dataset,
    numbers: Sequence[int] | np.ndarray,
    labels: Sequence[int] | np.ndarray,
    cut: Cut | None,
    skipped: dict[str, str],
) -> Iterator[Sample]:
    """The images with these numbers, in order. Those that cannot be used go to `skipped`: name -> reason."""
    for number, label in zip(numbers, labels, strict=True):
        index = int(number)
        try:
            image = dataset.image(index)
            region = None if cut is None else region_of(dataset, index, image, cut)
        except RefusedFile as error:
            skipped[name_of(dataset, index)] = str(error)
            continue
        yield Sample(index, int(label), image, region)


def name_of(dataset: Dataset, index: int) -> str:
    """What an image is called in reports: its file where it has one, else its number."""
    return str(dataset.describe(index).get("name", f"image {index}"))


def region_of(dataset: Dataset, index: int, image: np.ndarray, cut: Cut) -> np.ndarray:
    """Where the object is: bool, as large as the image. Raises RefusedFile where that is not known or cannot be."""
    height, width = image.shape[:2]
    if cut == "box":
        boxes = dataset.boxes(index)
        if not boxes:
            raise RefusedFile("it has no box of its class.")
        if (size := dataset.drawn_on(index)) is not None and size != (width, height):
            raise RefusedFile(f"its boxes were drawn on {size[0]} x {size[1]} pixels, it has {width} x {height}.")
        region = box_region(boxes, height, width)
        if not region.any():
            raise RefusedFile(f"its boxes lie outside the image of {width} x {height} pixels.")
        return region
    if cut == "mask":
        mask = dataset.mask(index)
        if mask is None:
            raise RefusedFile("it has no mask.")
        if mask.shape != (height, width):
            tall, wide = mask.shape
            raise RefusedFile(f"its mask has {wide} x {tall} pixels, the image {width} x {height}.")
        if not mask.any():
            raise RefusedFile("its mask is empty.")
        return mask
    from engine.evaluation.saliency import saliency  # needs the optional networks, which nothing else here does

    region = saliency([image])[0] >= SALIENT
    if not region.any():
        raise RefusedFile("the saliency network finds no object in it.")
    return region


def in_batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items each, the last one shorter; no more than one list is held."""
    while batch := list(itertools.islice(items, size)):
        yield batch


def at_input_size(batch: Sequence[Sample], loaded: LoadedModel) -> Tensor:
    """(images, 3, H, W) in [0, 1] on the model's device, at its input size."""
    pixels = np.stack([to_input(one.image, loaded.input_size) for one in batch])
    return torch.from_numpy(pixels).to(loaded.device).permute(0, 3, 1, 2).float() / 255
