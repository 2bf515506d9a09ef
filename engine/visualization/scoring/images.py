"""What goals make of the images of a data set, as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.core.request import Context, Progress
from engine.data.dataset import ALONE, Dataset
from engine.data.registry import open_dataset
from engine.models.loaded import LoadedModel
from engine.visualization.activations import values_of
from engine.visualization.goals import Goal
from engine.visualization.scoring.fresh import BATCH_BYTES


def whole_images(dataset: Dataset, numbers: np.ndarray) -> np.ndarray:
    """(images,) bool: which of these numbers are images of the data set, and no controls made from one by taking its object or
    its place away. Nobody would call those images: one of a unit's strongest can be a red heart on grey."""
    controls = [one[name] for one in dataset.matched_sets() for name in ALONE]
    return ~np.isin(numbers, controls)


def on_images(
    model: LoadedModel, site: str, goals: Sequence[Goal], data: str, index: dict[str, np.ndarray], context: Context
) -> np.ndarray:
    """(images, goals) float32, in the order of the index's `images`; `index` is its arrays.

    Units, sums over means of positions and the closeness to a text follow from the index; what is tied to a place needs
    the images.
    """
    rest = [place for place, goal in enumerate(goals) if not goal.from_means]
    out = np.zeros((len(index["images"]), len(goals)), np.float32)
    means = index["position_mean"].astype(np.float32)
    for place, goal in enumerate(goals):
        if goal.from_means:
            out[:, place] = goal.of_means(means)
    if rest:
        out[:, rest] = _pass(model, site, [goals[place] for place in rest], data, context)
    return out


def _pass(model: LoadedModel, site: str, goals: Sequence[Goal], data: str, context: Context) -> np.ndarray:
    found = model.sites[site]
    dataset, rows = open_dataset(data), list[np.ndarray]()
    batch = model.images_per_pass(max(1, min(64, BATCH_BYTES // (found.grid.positions * found.units * 4))))
    for indices, pixels in dataset.batches(model.input_size, batch):
        images = torch.from_numpy(pixels).to(model.device).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            values = values_of(model, site, images)
            rows.append(torch.stack([goal.measure(values, found.grid) for goal in goals], 1).cpu().numpy())
        done = int(indices[-1]) + 1
        context.report(Progress(done, len(dataset), f"The targets on {done} of {len(dataset)} images"))
    return np.concatenate(rows)
