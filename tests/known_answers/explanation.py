"""Planted effects of what explains a unit: an observer that sees a unit's cue so often, pictures that follow so far."""

from __future__ import annotations

from math import asin, comb, pi, sin

import numpy as np
import pandas as pd

from engine.explanation.explains import TOP, against_top, asking, over_layers
from engine.explanation.following import FOLLOWS, PART, follows
from engine.explanation.paths import alike_at
from engine.explanation.shown import Asked
from engine.explanation.trials import REFERENCES, trials_of
from tests.known_answers.planted import Measured, Planted

IMAGES, UNITS = 100, 8
SEES = (0.65, 0.75, 0.85, 0.95)
"""How often an observer sees a unit's cue as it is: one of these, drawn for each unit."""
PICTURE_SEES = 0.6
CHANNELS, OWN = 100, 0.6
"""Channels of a block, and what share of a picture's variance over them is its unit's."""


def accuracy_of(sees: float) -> float:
    """An image is seen as it is with this probability, else as its opposite. Two images are told apart with the same
    probability, ties counting half; where more than half of the shown images are mis-seen, the answers turn round."""
    turned = sum(comb(REFERENCES, k) * (1 - sees) ** k * sees ** (REFERENCES - k) for k in range(5, REFERENCES + 1))
    return sees * (1 - turned) + (1 - sees) * turned


def observed(seed: int, sees: tuple[float, ...], picture_sees: float) -> pd.DataFrame:
    """The table of units whose cue an observer sees so often. The pictures show another cue, seen `picture_sees` often."""
    draws, rows = np.random.default_rng(seed), []
    for unit in range(UNITS):
        values = draws.normal(size=IMAGES)
        right = draws.random((IMAGES, 2)) < [draws.choice(sees), picture_sees]
        seen = np.sign(values)[:, None] * np.where(right, 1, -1)
        trials = trials_of(values, np.arange(IMAGES), seed)
        ways = {TOP: seen[trials.strong].mean(0)[None] * [1, 0], "fast": np.array([[0.0, 1.0]])}
        rows += asking(Asked("layer", (unit,), [trials], np.arange(IMAGES), ""), ways, seen)
    return pd.DataFrame(rows)


def top_images(seed: int, sees: tuple[float, ...] = SEES) -> Measured:
    row = over_layers(observed(seed, sees, PICTURE_SEES)).set_index("shown").loc[TOP]
    return Measured(row["accuracy"], row["low"], row["high"], row["low"] > 0.5)


def picture_against_images(seed: int, sees: tuple[float, ...] = SEES, picture_sees: float = PICTURE_SEES) -> Measured:
    row = against_top(observed(seed, sees, picture_sees)).set_index("shown").loc["fast"]
    return Measured(row["difference"], row["low"], row["high"], row["low"] > 0 or row["high"] < 0)


def followed(seed: int, own: float = OWN, part: bool = False) -> Measured:
    """Pictures of which a share of the variance over channels is their unit's, and the rest their own: their lead, or what
    `part` it is of natural images'."""
    draws = np.random.default_rng(seed)
    natural = draws.normal(size=(IMAGES, CHANNELS))
    values, units = draws.normal(size=(IMAGES, UNITS)), draws.normal(size=(UNITS, CHANNELS))
    trials = [trials_of(values[:, unit], np.arange(IMAGES), seed) for unit in range(UNITS)]
    pictures = np.sqrt(own) * units + np.sqrt(1 - own) * draws.normal(size=units.shape)
    table: list[dict] = []
    for unit, each in enumerate(trials):
        shown = natural.copy()
        shown[each.strong] = (shown[each.strong] + units[unit]) / np.sqrt(2)
        shown[each.more] = (shown[each.more] + units[unit]) / np.sqrt(2)
        asked = Asked("s", (0, 1), [each, each], np.arange(IMAGES), "")
        rows = alike_at(asked, shown, {"fast": np.roll(pictures, -unit, 0)[:2]}, shown[:2], {"depth": 0})
        table += [{**row, "unit": unit} for row in rows if row["unit"] == 0]
    row = follows(pd.DataFrame(table), ["fast"], ["s"], {"s": _Site()}).set_index("shown").loc["fast"]
    names = ("part", "part_low", "part_high") if part else ("difference", "low", "high")
    return Measured(*(row[name] for name in names), row["says"] == FOLLOWS)


class _Site:
    block = "s"


def expected(own: float) -> float:
    """Spearman's correlation of normal values whose Pearson's is the root of what both share (Pearson 1907)."""
    return 6 / pi * asin(np.sqrt(own / 2) / 2)


NATURAL = expected(0.5)
"""Of natural images: of those that excite a unit, half of the variance is the unit's."""
AT_THE_LIMIT = 2 * (2 * sin(asin(0.25) * PART)) ** 2
"""The share that is a unit's where pictures lead by just the part that is asked for: `expected`, the other way round."""


TRUTH = float(np.mean([accuracy_of(sees) for sees in SEES]))
CASES = [
    Planted("explains", "an observer sees the cue in 65 to 95%", TRUTH, top_images, lambda seed: top_images(seed, (0.5,)), 0.5),
    Planted(
        "explains", "pictures of a cue seen in 60%, against nine images", PICTURE_SEES - TRUTH,
        picture_against_images, lambda seed: picture_against_images(seed, (0.5,), 0.5),
    ),
    Planted("layer-paths", "pictures of which 60% is their unit's", expected(OWN), followed, lambda seed: followed(seed, 0.0)),
    Planted(
        "layer-paths", "the same, as a part of natural images' lead; null: just a sixth of it", expected(OWN) / NATURAL,
        lambda seed: followed(seed, part=True), lambda seed: followed(seed, AT_THE_LIMIT, part=True), PART,
    ),
]  # fmt: skip
