"""Which images an experiment on positions looks at, in which order, with which labels and masks.

Invariant: the order is a fixed shuffle, so that any stretch of it stands for the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.core.choices import Cut
from engine.core.errors import BadRequest, RefusedFile
from engine.core.images import to_input
from engine.data.dataset import Dataset
from engine.data.imagenet import imagenet_ids
from engine.evaluation.class_matching import Matching, match
from engine.evaluation.predictions import by_sign, outputs
from engine.evaluation.samples import chosen, name_of, region_of
from engine.models.loaded import LoadedModel

CONTROLS = ("object", "place")
"""Variants of a scene that are made for other questions: the object alone on grey, the place with no object."""
CUTS: tuple[Cut, ...] = ("mask", "box")
"""What says where an object is, the most exact first."""
COVERED = 0.5
"""A position lies on the object where at least this share of its pixels does."""


@dataclass(frozen=True)
class Batch:
    """Images (B, 3, H, W) in [0, 1] on the device, their numbers in the data set, which of them belong together (clusters
    (B,); see `clusters_of`), and their object masks (B, H, W) in {0, 1}, NaN throughout where no mask or box is known, or
    none that fits the image."""

    numbers: np.ndarray
    clusters: np.ndarray
    images: Tensor
    masks: Tensor


def order(dataset: Dataset, most: int | None = None) -> np.ndarray:
    """Numbers of the images to look at, in a fixed shuffle, at most `most` of them. Controls are left out."""
    kept = [index for index in range(len(dataset)) if dataset.describe(index).get("variant") not in CONTROLS]
    return np.random.default_rng(0).permutation(np.array(kept, np.int64))[:most]


def clusters_of(dataset: Dataset, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
    """Which of these images belong together, as one number for each: those of one set (of one subject, video, ...), where the
    data set knows it, have the same one; any other image has its own."""
    known, own = dataset.clusters(), np.asarray(numbers, np.int64)
    return 2 * own if known is None else 2 * known[own].astype(np.int64) + 1


def batches(
    dataset: Dataset, numbers: Sequence[int] | np.ndarray, model: LoadedModel, batch: int, skipped: dict[str, str]
) -> Iterator[Batch]:
    """These images as the model sees them. What cannot be decoded goes to `skipped`, name -> reason. Raises BadRequest where
    nothing can."""
    some, clusters = False, clusters_of(dataset, range(len(dataset)))
    for start in range(0, len(numbers), batch):
        kept, pictures, masks = [], [], []
        for number in map(int, numbers[start : start + batch]):
            try:
                image = dataset.image(number)
            except RefusedFile as error:
                skipped[name_of(dataset, number)] = str(error)
                continue
            pictures.append(to_input(image, model.input_size))
            masks.append(_mask(dataset, number, image, model.input_size))
            kept.append(number)
        if kept:
            some = True
            pixels = torch.from_numpy(np.stack(pictures)).to(model.device).permute(0, 3, 1, 2).float() / 255
            yield Batch(np.array(kept), clusters[kept], pixels, torch.from_numpy(np.stack(masks)).to(model.device))
    if not some:
        raise BadRequest(f"No image of “{dataset.name}” can be read. Use PNG, JPEG or WebP images.")


def on_grid(masks: Tensor, height: int, width: int) -> Tensor:
    """Masks (B, H, W) as (B, height * width): 1 on the object, 0 beside it, NaN where it is not known."""
    share = torch.nn.functional.adaptive_avg_pool2d(masks[:, None], (height, width)).flatten(1)
    return torch.where(share.isnan(), share, (share >= COVERED).float())


def matching_of(model: str, classes: Sequence[str] | None, outputs: int, dataset: Dataset) -> Matching:
    """How labels are matched with the classes of a model of so many outputs, which need not be loaded for it. Raises BadRequest
    as `labels_for`."""
    if outputs == 1:
        raise BadRequest(
            f"{model} answers by the sign of one output; accuracy by position needs an output for each class."
        )
    return match(dataset.class_names or imagenet_ids(), classes, outputs)


def labels_for(model: LoadedModel, dataset: Dataset) -> tuple[dict[int, int], Matching]:
    """The model's class of each image whose label it knows, by the image's number; and how labels were matched.

    A data set without names counts in ImageNet's classes. Raises BadRequest, with what to do, where model and data set
    have no class in common.
    """
    matching = matching_of(model.name, model.class_names, 1 if by_sign(model) else outputs(model), dataset)
    numbers, labels = chosen(dataset, matching.to_model)
    return dict(zip(numbers.tolist(), labels.tolist(), strict=True)), matching


def _mask(dataset: Dataset, number: int, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The object's mask cut as the image is, float32 (H, W); from its boxes where there is no mask."""
    for cut in CUTS:
        try:
            region = region_of(dataset, number, image, cut)
        except RefusedFile:
            continue
        grey = np.repeat(region.astype(np.uint8)[..., None] * 255, 3, axis=2)
        return (to_input(grey, size)[..., 0] > 127).astype(np.float32)
    return np.full(size, np.nan, np.float32)
