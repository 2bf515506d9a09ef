"""Where in a picture its objective's gradient is: a map of how much each pixel matters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.maximize import Wanted, measure_of
from engine.models import LoadedModel


def importance_maps(model: LoadedModel, site: str, units: Sequence[Wanted], images: np.ndarray) -> np.ndarray:
    """(pictures, H, W) float32: length over colours of the gradient of what each picture is made for, in the picture as
    it is; the strongest pixel is 1, all 0 where there is no gradient. One picture at a time.

    images (pictures, 3, H, W) float32 in [0, 1]; picture i is measured for `units[i]`.
    """
    maps = np.zeros((len(units), *images.shape[2:]), np.float32)
    for row, (unit, image) in enumerate(zip(units, images, strict=True)):
        picture = torch.from_numpy(image)[None].to(model.device).requires_grad_()
        value = measure_of(model, site, [unit], 1)(model.resize_to_input(picture), 0.0).sum()
        (gradient,) = torch.autograd.grad(value, picture)
        size = gradient[0].float().norm(dim=0)
        maps[row] = (size / size.max().clamp(min=1e-20)).cpu().numpy()
    return maps
