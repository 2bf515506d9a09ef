"""Planted leaning of units: a network made by hand reads what scenes show in their object, around it, slowly and quickly varying.

The quarters of a scene's object are as red as four numbers say, those of its background as green as four others; across both
lie four slow and four fast waves of blue. All numbers are normal, and the two scenes of a set share half of their variance. A
unit reads one direction of either of two cues, one three times as strongly as the other: so of what excites it 90% is that cue's.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import pandas as pd
import torch

from engine.evaluation.samples import Sample
from engine.reliance.leaning import NEITHER, QUESTIONS, TREATMENTS, measured
from engine.reliance.units import treated
from tests.engine.small import wrapped
from tests.known_answers.planted import Measured, Planted

SETS, SIDE, CUTOFF = 150, 16, 0.4
SPREAD = 32.0
"""Of a number, in steps of a pixel's brightness around the middle."""
CUES = ("object", "background", "low", "high")
OWN, RIVAL = 0.9**0.5, 0.1**0.5
NULLS = 16
"""Units of the layer that read both cues alike."""


@cache
def patterns() -> np.ndarray:
    """(cue, 4, SIDE, SIDE, 3): where and how each number is drawn; a unit reads it by the product with the same pattern."""
    found, halves = np.zeros((4, 4, SIDE, SIDE, 3)), (slice(0, 8), slice(8, 16))
    inside, across = np.zeros((SIDE, SIDE), bool), 2 * np.pi * np.arange(SIDE) / SIDE
    inside[4:12, 4:12] = True
    for place, (down, right) in enumerate((down, right) for down in halves for right in halves):
        found[0, place, down, right, 0] = inside[down, right]
        found[1, place, down, right, 1] = ~inside[down, right]
    for cue, cycles in ((2, (1, 2)), (3, (5, 6))):
        waves = [wave(each * across) for each in cycles for wave in (np.cos, np.sin)]
        found[cue, :, :, :, 2] = 0.25 * np.array(waves)[:, None, :]
    return found


def scenes(draws: np.random.Generator) -> list[Sample]:
    """Two scenes of each set."""
    alike, alone = draws.normal(size=(SETS, 16)), draws.normal(size=(2 * SETS, 16))
    numbers = SPREAD * 0.5**0.5 * (np.repeat(alike, 2, axis=0) + alone)
    drawn = (numbers @ patterns().reshape(16, -1)).reshape(-1, SIDE, SIDE, 3)
    images = (128 + drawn).clip(0, 255).round().astype(np.uint8)
    region = patterns()[0, ..., 0].any(axis=0)
    return [Sample(number, -1, image, region) for number, image in enumerate(images)]


@lru_cache(256)
def seen(seed: int) -> np.ndarray:
    """(scene, whole and treated, 16): what can be read of each number in scenes of a seed."""
    loaded = wrapped("by hand", torch.nn.Identity(), (SIDE, SIDE))
    pixels = treated(scenes(np.random.default_rng([7, seed])), loaded, "black", "ideal", CUTOFF)
    reads = patterns().reshape(16, -1)
    reads = reads / (reads**2).sum(axis=1, keepdims=True)
    return pixels.permute(0, 1, 3, 4, 2).flatten(2).double().numpy() @ reads.T


def layer(seed: int, weights: np.ndarray) -> pd.DataFrame:
    """The table of units that read the numbers with these weights (units, 16), on scenes of a seed."""
    responses = (seen(seed) @ weights.T).astype(np.float32)
    return measured(responses, np.repeat(np.arange(SETS), 2))[0]


def weights_of(own: int) -> np.ndarray:
    """A unit that reads mostly one cue, and NULLS that read it and its rival alike, each in a direction of its own."""
    toward = np.random.default_rng(own).normal(size=(1 + NULLS, 4, 4))
    toward /= np.linalg.norm(toward, axis=2, keepdims=True)
    strength = np.zeros((1 + NULLS, 4, 1))
    strength[:, [own, own ^ 1]] = 0.5**0.5
    strength[0, [own, own ^ 1], 0] = OWN, RIVAL
    return (strength * toward).reshape(-1, 16)


def planted(own: int, name: str):
    """The first unit's share or difference of this name; seen where it is said what the unit leans on."""
    weights, leans = weights_of(own), f"{[*QUESTIONS][own // 2]}_leans"

    def draw(seed: int) -> Measured:
        row = layer(seed, weights).loc[0]
        return Measured(row[name], row[f"{name}_low"], row[f"{name}_high"], row[leans] == CUES[own])

    return draw


def nothing(own: int, name: str):
    """The share or difference of a unit that reads both alike; seen where anything is said of any such unit."""
    weights, leans = weights_of(own)[1:], f"{[*QUESTIONS][own // 2]}_leans"

    def draw(seed: int) -> Measured:
        table = layer(seed, weights)
        row = table.loc[0]
        return Measured(row[name], row[f"{name}_low"], row[f"{name}_high"], bool((table[leans] != NEITHER).any()))

    return draw


def case(own: int, name: str, truth: float, about: str, none: float = 0.0) -> Planted:
    return Planted("unit-cues", about, truth, planted(own, name), nothing(own, name), none)


CASES = [
    case(0, TREATMENTS[0], 0.9, "90% of what excites a unit is the object's: the share with the object alone", 0.5),
    case(1, "object_lean", -0.8, "90% is the background's, 10% the object's: their difference"),
    case(2, TREATMENTS[2], 0.9, "90% is of low frequencies: the share under a low-pass", 0.5),
    case(3, "low_lean", -0.8, "90% is of high frequencies, 10% of low ones: their difference"),
]
