"""The two charts of a unit, as what they show: how it responds to a data set, and how its picture grew."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.figures.chart import Chart, Level, series

BARS = 40


def distribution(
    activations: np.ndarray, marks: dict[str, float], colour: int, title: str, images: np.ndarray | None = None
) -> tuple[Chart, pd.DataFrame]:
    """Activations of one unit (images,) as counts, with its own pictures (`marks`, by what they are called) where they lie; and
    the numbers. Values that are no number are not counted. Each bar opens the image in its middle, where the numbers of the
    `images` are given."""
    values = np.asarray(activations, np.float32)
    counts, edges = np.histogram(values[np.isfinite(values)], bins=BARS)
    middles = (edges[:-1] + edges[1:]) / 2
    levels = tuple(Level(value, name, colour) for name, value in marks.items())
    opens: tuple[list[int], ...] = ()
    if images is not None and counts.any():
        away = np.where(np.isfinite(values), np.abs(values - middles[:, None]), np.inf)
        opens = tuple([int(images[place])] for place in away.argmin(axis=1))
    chart = Chart(
        "counts", (series("images", middles, counts, colour=None, opens=opens),), "activation, mean over positions",
        "number of images (logarithmic)", levels=levels, title=title,
    )  # fmt: skip
    return chart, pd.DataFrame({"from": edges[:-1], "to": edges[1:], "images": counts}).assign(**marks)


def growth(objective: np.ndarray, colour: int, title: str) -> tuple[Chart, pd.DataFrame]:
    """The objective (steps,) while a unit's picture was made, and the numbers."""
    numbers = pd.DataFrame({"step": np.arange(1, len(objective) + 1), "activation": np.asarray(objective, float)})
    numbers = numbers[np.isfinite(numbers["activation"])]
    line = series("", numbers["step"], numbers["activation"], colour=colour)
    return Chart("lines", (line,), "step", "activation", title=title), numbers
