"""What goals beyond plain units do on every image of a data set: from the activation index where it tells, else from a
pass over the images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.datasets import open_dataset
from engine.experiment import Context, Progress
from engine.models import LoadedModel
from engine.objectives import Goal, Linear, Says, values_of

BATCH_BYTES = 128 << 20  # of activations held at once


def on_images(
    model: LoadedModel, site: str, goals: Sequence[Goal], data: str, index: dict[str, np.ndarray], context: Context
) -> np.ndarray:
    """(images, goals) float32, in the order of the index's `images`; `index` is its arrays.

    A sum over means of positions and the closeness to a text follow from the index; what is tied to a place needs the
    images.
    """
    known = {place: goal for place, goal in enumerate(goals) if isinstance(goal, Linear | Says) and not goal.placed}
    rest = [place for place in range(len(goals)) if place not in known]
    out = np.zeros((len(index["images"]), len(goals)), np.float32)
    for place, goal in known.items():
        out[:, place] = goal.of_means(index["position_mean"].astype(np.float32))
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
            rows.append(torch.stack([goal.measure(values) for goal in goals], 1).cpu().numpy())
        done = int(indices[-1]) + 1
        context.report(Progress(done, len(dataset), f"The targets on {done} of {len(dataset)} images"))
    return np.concatenate(rows)
