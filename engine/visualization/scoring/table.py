"""The numbers of pictures: how strongly each excites its unit, above which controls, and how it stands among images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from engine.core.request import Result
from engine.core.statistics import estimate, share
from engine.visualization.scoring.controls import Controls
from engine.visualization.scoring.strongest import Strongest

SUCCESS_PERCENTILE = 95.0
CONTROLS = ("zero", "blank", "noise", "images")
"""What a picture has to be above (see `scored`)."""


def percentile_of(activations: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(pictures,): share of the images that activate the unit less, as they are, in percent. values (images, pictures)."""
    return 100 * (values < activations[None]).mean(axis=0)


def scored(
    copies: np.ndarray, as_is: np.ndarray, controls: Controls, strongest: Strongest, values: np.ndarray
) -> pd.DataFrame:
    """Pictures against what shows nothing and against images. Columns:

    - `activation`: mean over the picture's augmented `copies` (pictures, 16), with its 95% interval over augmentations
      (`activation_low`, `activation_high`); `as_is`: without any;
    - `control_zero` (NaN where the site has none), `control_blank`, `control_noise`, `control_images`: what it has to be above,
      the last being the 95th percentile of the images' `values` (images, pictures), as they are;
    - `margin`: activation less the strongest of these, whose name is `control`; `failed`: it is not above all of them;
    - `percentile` among the images; `beats_every_scene`: above the strongest of 100 of them, augmented alike;
      `beats_as_is`: the same, neither augmented;
    - `ratio_to_best_scene`: over that image's activation, in the same augmentations, with its 95% interval over these
      (`ratio_low`, `ratio_high`); `ratio_as_is`: neither augmented. NaN where no image activates the unit;
    - `base`, only where there is no zero: what both activations of a ratio are counted from (see `Controls`; NaN for units that
      have a zero).
    """
    mean, low, high = np.array([estimate(each) for each in copies]).T
    best, has_zero = strongest.copies.mean(1), np.isfinite(controls.zero)
    names = np.array(CONTROLS)
    ladder = np.stack([controls.zero, controls.blank, controls.noise, _quantile(values)])
    above, which = ladder.max(0), ladder.argmax(0)
    return pd.DataFrame(
        {
            "activation": mean,
            "activation_low": low,
            "activation_high": high,
            "as_is": as_is,
            "percentile": percentile_of(mean, values),
            **_ratios(copies, as_is, controls.base, strongest),
            "beats_every_scene": mean > best,
            "beats_as_is": as_is > strongest.as_is,
            **{
                f"control_{name}": np.where(np.isfinite(row), row, np.nan)
                for name, row in zip(names, ladder, strict=True)
            },
            "control": names[which],
            "margin": mean - above,
            "failed": ~(mean > above),
            **({} if has_zero.all() else {"base": np.where(has_zero, np.nan, controls.base)}),
        }
    )


def _ratios(copies: np.ndarray, as_is: np.ndarray, base: np.ndarray, strongest: Strongest) -> dict[str, np.ndarray]:
    """The columns of `scored` that divide a picture's activation by the strongest image's, both counted from `base`."""
    divides = strongest.copies.mean(1) > base
    pairs = zip(copies - base[:, None], strongest.copies - base[:, None], divides, strict=True)
    ratios = np.array([estimate(mine, best) if there else (math.nan,) * 3 for mine, best, there in pairs])
    own, image, without = as_is - base, strongest.as_is - base, np.full(len(as_is), np.nan)
    return {
        "ratio_to_best_scene": ratios[:, 0],
        "ratio_low": ratios[:, 1],
        "ratio_high": ratios[:, 2],
        "ratio_as_is": np.divide(own, image, out=without, where=image > 0),
    }


def could_be_stronger(images: int) -> float:
    """The largest share of images like these that may be stronger than a picture that is above all of so many: with a larger
    share, at least one of them would have been, in 95 of 100 cases."""
    return 1 - 0.05 ** (1 / images) if images else 1.0


def _quantile(values: np.ndarray) -> np.ndarray:
    """(pictures,): what an activation has to be above to be above 95% of the images."""
    place = math.ceil(SUCCESS_PERCENTILE / 100 * len(values)) - 1
    return np.sort(values, axis=0)[place].astype(np.float64)


def summary(result: Result) -> dict[str, Any]:
    """Numbers over the pictures of a result; NaN for what the result does not have.

    Keys: pictures; activation (mean); ratio (median of activation over that of the strongest image, augmented alike) and
    ratio_as_is (neither augmented); beat (share of pictures above every image) with beat_low and beat_high (95% interval,
    exact); good (share that is above every control) with good_low and good_high; stability (mean), between (the same
    between units); seconds (for a picture).
    """
    table = result.tables["units"]
    count = len(table)

    def middle(name: str, how: str = "median") -> float:
        return float(getattr(table[name], how)()) if name in table else math.nan

    def shared(name: str, hits: int) -> dict[str, float]:
        low, high = share(hits, count)
        return {name: hits / count, f"{name}_low": low, f"{name}_high": high}

    return {
        "pictures": count,
        "activation": middle("activation", "mean"),
        "ratio": middle("ratio_to_best_scene"),
        "ratio_as_is": middle("ratio_as_is"),
        **shared("beat", int(table["beats_every_scene"].sum())),
        **shared("good", int((~table["failed"]).sum())),
        "stability": middle("stability", "mean"),
        "between": float(result.facts.get("stability_between_units", math.nan)),
        "seconds": middle("seconds", "mean"),
    }
