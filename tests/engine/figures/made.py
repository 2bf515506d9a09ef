"""Results of `visualize` made by hand: a few pictures with known colours and numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.core.request import Result


def result(units: tuple[int, ...] = (3, 5), model: str = "starter-vit", failed: tuple[int, ...] = ()) -> Result:
    """Picture i is all of one colour, (10 + unit, 20, 30), but for a white pixel in its first corner."""
    images = np.stack([np.full((8, 8, 3), (10 + unit, 20, 30), np.uint8) for unit in units])
    images[:, 0, 0] = 255
    count = len(units)
    table = pd.DataFrame(
        {
            "unit": units,
            "activation": np.linspace(1, 2, count),
            "ratio_to_best_scene": np.linspace(1.5, 2.5, count),
            "ratio_low": np.linspace(1.4, 2.4, count),
            "ratio_high": np.linspace(1.6, 2.6, count),
            "failed": [unit in failed for unit in units],
        }
    )
    request = {
        "experiment": "visualize",
        "version": 6,
        "model": model,
        "site": "blocks.6.mlp.hidden",
        "units": [*units],
    }
    request |= {"recipe": "fast", "seed": 0, "opposite": False, "data": "starter"}
    curves = np.zeros((count, 4), np.float32)
    return Result(request, {"images": images, "curves": curves}, {"units": table}, {"precision": "float32"})
