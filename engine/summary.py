"""One line of numbers for a whole `visualize` result: what comparisons of recipes and of sites show."""

from __future__ import annotations

import math
from typing import Any

from engine.experiment import Result
from engine.statistics import wilson


def summary(result: Result) -> dict[str, Any]:
    """Numbers over the pictures of a result; NaN for what the result does not have.

    Keys: pictures; activation (mean); ratio (median of activation over that of the strongest image); beat (share of
    pictures above every image) with beat_low and beat_high (95% interval, Wilson); failed (share); spectrum (median
    distance); stability (mean), between (the same between units); seconds (for a picture).
    """
    table = result.tables["units"]
    beat, count = int(table["beats_every_scene"].sum()), len(table)
    low, high = wilson(beat, count)

    def middle(name: str, how: str = "median") -> float:
        return float(getattr(table[name], how)()) if name in table else math.nan

    return {
        "pictures": count,
        "activation": middle("activation", "mean"),
        "ratio": middle("ratio_to_best_scene"),
        "beat": beat / count,
        "beat_low": low,
        "beat_high": high,
        "failed": middle("failed", "mean"),
        "spectrum": middle("spectrum_distance"),
        "stability": middle("stability", "mean"),
        "between": float(result.facts.get("stability_between_units", math.nan)),
        "seconds": middle("seconds", "mean"),
    }
