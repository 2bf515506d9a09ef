"""Planted reliance: observers whose use of place, frequency and texture is known, measured by the experiments' own code.

Sets of scenes are alike in all cases that have them: the observer's luck belongs to the set, as with the starter's scenes.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch

from engine.core.statistics import Estimate
from engine.evaluation import comparison
from engine.reliance import background, calibration, frequency, gradient_spectrum, imagenet9, texture
from engine.reliance.filters import kept_radius, ring_shares
from engine.reliance.places import chance
from tests.known_answers.planted import Measured, Planted

SETS, KINDS, PLACES = 150, 45, 9
HOME = np.arange(KINDS) % PLACES
SIDE = 96
RATIO, WEIGHTS = math.log(0.6 / 0.05), (0.6, 0.4)
"""What a place is worth, and how often training showed scenes at home and elsewhere."""
ALIKE, VARIES = 0.7, 0.4
FAR = 1_000_000
"""Seeds from here on are no draw's."""
BIAS = 0.3
GAP = 0.15


def found(estimate: tuple[float, float, float] | Estimate, nothing: float) -> Measured:
    """A measurement that is seen where its interval leaves out what there would be if nothing were there."""
    value, low, high = estimate
    return Measured(value, low, high, not low <= nothing <= high)


def lucky(draws: np.random.Generator, share: float, how: float = 0.3) -> np.ndarray:
    """(2 SETS,) bool: two scenes a set, whose luck is alike."""
    of_sets = draws.beta(share * (1 / how - 1), (1 - share) * (1 / how - 1), SETS)
    return draws.random(2 * SETS) < np.repeat(of_sets, 2)


def places_answered(share: float):
    """An observer of backgrounds alone that answers a kind which lives there in this share of scenes."""

    def draw(seed: int) -> Measured:
        draws = np.random.default_rng(seed)
        here = draws.integers(PLACES, size=2 * SETS)
        arrays = {
            "lives": lucky(draws, share)[:, None],
            "labels": draws.integers(KINDS, size=2 * SETS),
            "clusters": np.repeat(np.arange(SETS), 2),
        }
        row = background.place_row(arrays, 0, HOME, here)
        return found((row["lives"], row["lives_low"], row["lives_high"]), row["lives_chance"])

    return draw


def places_compared(gap: float):
    """Two observers of the same backgrounds, one of which answers a kind that lives there more often by `gap`."""

    def draw(seed: int) -> Measured:
        draws = np.random.default_rng(seed)
        more = lucky(draws, 0.43)
        less = lucky(draws, 0.43) if gap == 0 else more & (draws.random(2 * SETS) < 1 - gap / 0.43)
        wrong = np.zeros((2, 2 * SETS, 1), bool)
        together = comparison.Aligned(
            ("more", "less"),
            np.arange(2 * SETS),
            (("background", "black"),),
            wrong,
            wrong,
            wrong.astype(np.float32),
            np.repeat(np.arange(SETS), 2),
            np.stack([more, less])[..., None],
        )
        (row,) = comparison.paired_places(together)
        return found((row["difference"], *row["interval"]), 0.0)

    return draw


def moved_objects(trust: float, confidence: float):
    """As `moved`; what the two scenes of a set show of their object is alike to ALIKE, and trust differs from set to set."""

    def draw(seed: int) -> Measured:
        return found(moved(seed, trust, confidence, 2 * SETS, ALIKE, VARIES).mean, 0.0)

    return draw


def moved(
    seed: int, trust: float, confidence: float, sets: int, alike: float = 1.0, varies: float = 0.0
) -> calibration.Reliance:
    """Bayes' rule with the place counted `trust` times, all log-odds `confidence` times as large as they should be."""
    values, labels, away = scenes_moved(seed, trust, sets, alike, varies)
    return calibration.measured(confidence * values, labels, away, RATIO, WEIGHTS, labels)


def scenes_moved(
    seed: int, trust: float, sets: int, alike: float, varies: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-odds (sets, at home and away, KINDS), labels (sets,), and the kinds that live at the other place (sets, KINDS).

    `alike`: the share of the variance of a scene's evidence that both scenes of a set have in common. `varies`: the spread of
    trust, half of whose variance belongs to the kind."""
    draws = np.random.default_rng([1, seed])
    labels = np.arange(sets) % KINDS
    elsewhere = (HOME[labels] + draws.integers(1, PLACES, sets)) % PLACES
    # What the object's picture says about each kind: Gaussian evidence, whose likelihood ratio is known.
    strength = 2.2
    seen = draws.normal(size=(sets, 1, KINDS)).repeat(2, axis=1)
    if alike < 1:
        seen = math.sqrt(alike) * seen + math.sqrt(1 - alike) * draws.normal(size=seen.shape)
    seen *= strength
    seen[np.arange(sets), :, labels] += strength**2
    given = trust + varies * math.sqrt(0.5) * (draws.normal(size=KINDS)[labels] + draws.normal(size=sets))
    at_home, away = (HOME[None] == place[:, None] for place in (HOME[labels], elsewhere))
    shown = given[:, None, None] * RATIO * np.stack([at_home, away], axis=1)
    return seen + shown, labels, away


def relied(trust: float, draws: int) -> float:
    """The reliance of so much trust over the scenes of many draws at once. Both scenes show the object equally well on average,
    so that log-odds fall by the trust alone; but where trust differs from set to set an answer is less sure than it looks, and
    calibrated log-odds are that much smaller (and larger where the place counts too little)."""
    made = [scenes_moved(FAR + draw, trust, 2 * SETS, ALIKE, VARIES) for draw in range(draws)]
    values, labels = (np.concatenate([each[part] for each in made]) for part in (0, 1))
    return trust * calibration.fit(values, labels, WEIGHTS)[0]


RELIED = {1.0: 0.961, 0.5: 0.511}
"""`relied` by trust, over 400 draws: too slow to be found anew each time."""


CUTOFFS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 0.8)
FILTERS = frequency.passes(CUTOFFS, (), True, False)
KEPT = np.array([kept_radius((SIDE, SIDE), cutoff, "ideal") for cutoff in (*CUTOFFS, 1.0)])


def right_up_to(share_kept: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """(n, filters) bool, unfiltered first: images whose cue lies at the quantile `luck` (n,) of all cues."""
    low = luck[:, None] < share_kept[None]
    return np.column_stack([low[:, -1], low[:, :-1]])


def cue_below(shift: float) -> np.ndarray:
    """The share of images whose cue lies below each radius kept."""
    return np.clip((KEPT - 0.05 - shift) / 0.4, 0, 1)


def cues_compared(shift: float):
    """Two models, one of which needs frequencies that are higher by `shift`: the difference of their half cut-offs."""

    def draw(seed: int) -> Measured:
        draws = np.random.default_rng([2, seed])
        sets = np.repeat(np.arange(SETS), 2)
        curves = []
        for moved_by in (shift, 0.0):
            luck = np.repeat(draws.random(SETS), 2)
            right = right_up_to(cue_below(moved_by), luck)
            curves.append(frequency.Curve(right[:, 1:], right[:, 0], KEPT[:-1].tolist()))
        told = frequency.paired_curves(*curves, sets)["half_cutoff"]
        assert told is not None
        return found((told[0], told[1], told[2]), 0.0)

    return draw


def half(shift: float) -> float:
    """The half cut-off of all images there could be, read between the filters as the experiment reads it."""
    curve = (cue_below(shift) / cue_below(shift)[-1])[:-1]
    place = int(np.flatnonzero(curve >= 0.5)[0])
    below, above = curve[place - 1], curve[place]
    return float(KEPT[place] + (above - 0.5) / (above - below) * (KEPT[place - 1] - KEPT[place]))


def gratings(seed: int) -> Measured:
    """Gradients that are gratings of 2, 4, 6 or 8 cycles on 32 pixels: an eighth to half of Nyquist."""
    draws = np.random.default_rng([3, seed])
    across = torch.arange(32) * 2 * math.pi / 32
    cycles = torch.from_numpy(draws.choice([2, 4, 6, 8], 96))
    phases = torch.from_numpy(draws.random(96) * 2 * math.pi)
    pictures = torch.cos(cycles[:, None] * across + phases[:, None])[:, None, None].expand(-1, 3, 32, -1)
    return mean_frequency(pictures.float())


def white(seed: int) -> Measured:
    """Gradients that are white noise: no frequency matters more than another."""
    return mean_frequency(torch.randn(96, 3, 32, 32, generator=torch.Generator().manual_seed(seed)))


def mean_frequency(gradients: torch.Tensor) -> Measured:
    shares = ring_shares(gradients, gradient_spectrum.RINGS).numpy()[None]
    row = gradient_spectrum.summary(shares, ["layer"], (32, 32))["layers"].iloc[0]
    return found((row["mean_frequency"], row["low"], row["high"]), even())


@cache
def even() -> float:
    """The mean frequency of white noise, as rings of equal width tell it."""
    rings = (np.arange(gradient_spectrum.RINGS) + 0.5) / gradient_spectrum.RINGS
    return float(gradient_spectrum.even_shares((32, 32)) @ rings)


def ring_middle(frequency_: float) -> float:
    return (math.ceil(frequency_ * gradient_spectrum.RINGS - 1e-9) - 0.5) / gradient_spectrum.RINGS


def silhouettes(share: float):
    """Of the answers that follow either, this share follows the shape."""

    def draw(seed: int) -> Measured:
        draws = np.random.default_rng([4, seed])
        follows = draws.random(2 * SETS) < 0.5  # the others answer something else
        shape = lucky(draws, share)
        labels, textures = np.zeros(2 * SETS, int), np.ones(2 * SETS, int)
        top = np.where(follows, np.where(shape, labels, textures), 2)[:, None, None]
        arrays = {"top": top, "labels": labels, "textures": textures, "clusters": np.repeat(np.arange(SETS), 2)}
        value, low, high = texture.shape_bias(arrays)["shape_bias"]
        return found((value, low, high), 0.5)

    return draw


def variations(gap: float):
    """Accuracy on one variation of a challenge higher by `gap` than on another, with other images."""

    def draw(seed: int) -> Measured:
        draws = np.random.default_rng([5, seed])
        same, rand = draws.random(200) < 0.8, draws.random(120) < 0.8 - gap
        value, low, high = imagenet9.bg_gap(same, rand) or [math.nan] * 3
        return found((value, low, high), 0.0)

    return draw


BLIND = chance(HOME, np.arange(PLACES))
CASES = [
    Planted(
        "background",
        "a kind of the place answered in 30% of backgrounds",
        0.3,
        places_answered(0.3),
        places_answered(BLIND),
        BLIND,
    ),
    Planted(
        "background", "the place answered more often by 10.8 points", 0.108, places_compared(0.108), places_compared(0)
    ),
    Planted(
        "counterfactual",
        "the place counts once (0.2 to 1.8), three times too sure",
        RELIED[1.0],
        moved_objects(1, 3),
        moved_objects(0, 3),
    ),
    Planted(
        "counterfactual",
        "the place counts half (-0.3 to 1.3), half as sure",
        RELIED[0.5],
        moved_objects(0.5, 0.5),
        moved_objects(0, 0.5),
    ),
    Planted(
        "frequency", "cues 0.08 of Nyquist higher", half(0.08) - half(0.0), cues_compared(0.08), cues_compared(0.0)
    ),
    Planted(
        "gradient-spectrum",
        "gratings of an eighth to half of Nyquist",
        float(np.mean([ring_middle(cycles / 16) for cycles in (2, 4, 6, 8)])),
        gratings,
        white,
        even(),
    ),
    Planted("texture", "30% of answers follow the shape", BIAS, silhouettes(BIAS), silhouettes(0.5), 0.5),
    Planted("challenge", "15 points between two variations", GAP, variations(GAP), variations(0.0)),
]
