"""Which pixels of a picture its activation depends on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.models.loaded import LoadedModel
from engine.visualization.goals import Goal, measure_of


def importance_maps(model: LoadedModel, site: str, goals: Sequence[Goal], images: np.ndarray) -> np.ndarray:
    """(pictures, H, W) float32: length over colours of the gradient of what each picture is made for, in the picture as
    it is; the strongest pixel is 1, all 0 where there is no gradient. One picture at a time.

    images (pictures, 3, H, W) float32 in [0, 1]; picture i is measured for `goals[i]`.
    """
    maps = np.zeros((len(goals), *images.shape[2:]), np.float32)
    for row, (goal, image) in enumerate(zip(goals, images, strict=True)):
        picture = torch.from_numpy(image)[None].to(model.device).requires_grad_()
        value = measure_of(model, site, [goal], 1)(model.resize_to_input(picture), 0.0).sum()
        (gradient,) = torch.autograd.grad(value, picture)
        size = gradient[0].float().norm(dim=0)
        maps[row] = (size / size.max().clamp(min=1e-20)).cpu().numpy()
    return maps
