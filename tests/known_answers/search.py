"""Planted effects for what is compared with chance and has no interval: units that follow a text, and pictures in which a reader
sees what it sees in their units' images."""

from __future__ import annotations

import numpy as np

from engine.concepts.correlation import standard
from engine.concepts.pictures import compared, consistency
from engine.concepts.search import against_chance
from tests.known_answers.planted import Measured, Planted

KINDS, OF_A_KIND, LAYERS, UNITS = 100, 4, 4, 100
ALIKE = 0.5
"""Share of the variance over images that is the same for all images of a kind, in units and in how well a text fits."""
FOLLOWS = 0.4
"""Correlation of the one unit with how well the text fits."""
PICTURES, SITE, WIDTH, WORDS = 1, 200, 32, 300
LIKE = 0.6
"""Cosine of a picture's embedding with its unit's images."""
LIKELY = 95.0
"""Percentile among the site's other units from which a picture is said to be its unit's."""


def of_a_text(seed: int, follows: float) -> Measured:
    """Of a search through layers in which one unit follows a text: the best unit's correlation, and whether it is found."""
    draws = np.random.default_rng([seed, 1])
    kinds = np.repeat(np.arange(KINDS), OF_A_KIND)
    fits = _with_kinds(draws, kinds, 1)
    layers = [_with_kinds(draws, kinds, UNITS) for _ in range(LAYERS)]
    layers[2][:, 7] = follows * fits[:, 0] + np.sqrt(1 - follows**2) * layers[2][:, 7]
    scores, _, chance = against_chance(layers, standard(fits)[:, 0], kinds)
    best = max(float(each.max()) for each in scores)
    return Measured(best, np.nan, np.nan, best > chance)


def _with_kinds(draws: np.random.Generator, kinds: np.ndarray, columns: int) -> np.ndarray:
    shared, alone = draws.standard_normal((KINDS, columns))[kinds], draws.standard_normal((len(kinds), columns))
    return np.sqrt(ALIKE) * shared + np.sqrt(1 - ALIKE) * alone


def of_a_picture(seed: int, like: float) -> Measured:
    """Of a picture that is as much like its unit's images: its percentile among the images of the site's other units."""
    draws = np.random.default_rng([seed, 2])
    images, words = draws.standard_normal((SITE, WIDTH)), draws.standard_normal((WORDS, WIDTH))
    own = like * images[:PICTURES] + np.sqrt(1 - like**2) * draws.standard_normal((PICTURES, WIDTH))
    percentile = float(compared(consistency(own, images, words), np.arange(PICTURES))["percentile"].iloc[0])
    return Measured(percentile, np.nan, np.nan, percentile > LIKELY)


CASES = [
    Planted(
        "find-units",
        f"one of {LAYERS * UNITS} units follows the text (correlation {FOLLOWS}, {KINDS} kinds of {OF_A_KIND} images that are "
        "half alike)",
        None,
        lambda seed: of_a_text(seed, FOLLOWS),
        lambda seed: of_a_text(seed, 0.0),
    ),
    Planted(
        "picture-words",
        f"a reader sees its unit's images in a picture (cosine {LIKE}; above {LIKELY:g}% of {SITE - 1} other units)",
        None,
        lambda seed: of_a_picture(seed, LIKE),
        lambda seed: of_a_picture(seed, 0.0),
    ),
]
