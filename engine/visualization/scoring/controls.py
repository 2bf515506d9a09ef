"""Pictures that show nothing: what a picture has to beat before it counts as one.

A unit whose images mostly lie lower is excited by a plain red square more than by 99% of them. So a picture also has to beat
blanks, and noise that shares its colours, contrast and spectrum but none of its shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from engine.models.loaded import LoadedModel
from engine.sites.access import find
from engine.visualization.goals import Goal, Unit, UnitAtPosition, measured, suited_to
from engine.visualization.optimization.augmentation import copies_of
from engine.visualization.optimization.seeding import Draws, Purpose
from engine.visualization.scoring.fresh import FRESH, batch_of, fresh_copies, on_all

BLANKS = np.array([*product((0.0, 0.5, 1.0), repeat=3), (0.25,) * 3, (0.75,) * 3], np.float32)
"""(29, 3): the colours of the blanks, five greys among them."""
SCRAMBLES = 19
"""Draws of noise: a picture that is no better than noise is above all of them in one case of twenty."""
ROUNDS = 10
ALLOWANCE = 0.175
"""By which share of it, counted from `base`, a picture has to be above the strongest draw. A unit of a first layer does nearly
the same for every draw, so that a picture that is noise itself, cut to what can be shown, is above all of them by up to so
much (`python -m bench.units --controls 64`)."""
SHARED = 2
"""Copies of each draw, augmented as the first ones of the picture are: all are compared under the same conditions."""


@dataclass(frozen=True)
class Controls:
    """What a picture's activation has to be above, each (pictures,): `zero` of the activation function (minus infinity where
    it has none), the strongest `blank`, and the strongest of 19 draws of `noise`, as far below the activation as the draw is
    below the picture in the copies that they share, with ALLOWANCE on top. `base` (pictures,): what shares of an activation are
    counted from, zero, or where there is none what the median blank makes of the goal: a constant that a layer adds to a unit
    is no activation."""

    zero: np.ndarray
    blank: np.ndarray
    noise: np.ndarray
    base: np.ndarray


def controls_of(
    model: LoadedModel,
    site: str,
    goals: Sequence[Goal],
    images: np.ndarray,
    copies: np.ndarray,
    seed: int,
    tell: Callable[[], None] = lambda: None,
) -> Controls:
    """The controls of pictures (n, 3, H, W) float32 in [0, 1], picture i made for `goals[i]`; `copies` as `fresh_copies` of
    the same seed gave them. `tell` is called before each picture, and may raise to stop.

    Blanks are seen as they are, once for all goals; one of the picture's own mean colour also under the picture's
    augmentations, so that a blank is never above its control.
    """
    silent = np.array([has_zero(model, site, goal) for goal in goals])
    means = np.broadcast_to(images.mean((2, 3), keepdims=True), images.shape)
    own = fresh_copies(model, site, goals, np.ascontiguousarray(means), seed, tell).mean(1)
    blanks = _on_blanks(model, site, goals)
    base = np.where(silent, 0.0, np.median(blanks, axis=0))
    noise = np.zeros(len(goals))
    for place, (goal, image) in enumerate(zip(goals, images, strict=True)):
        tell()
        noise[place] = _on_noise(model, site, goal, image, seed)
    strongest = copies.mean(1) + noise - copies[:, :SHARED].mean(1)
    allowance = ALLOWANCE * np.abs(strongest - base)
    return Controls(np.where(silent, 0.0, -np.inf), np.maximum(own, blanks.max(0)), strongest + allowance, base)


def has_zero(model: LoadedModel, site: str, goal: Goal) -> bool:
    """Whether the goal is a unit behind an activation function that gives zero for zero, as ReLU and GELU do: below that
    it is silent."""
    return isinstance(goal, Unit | UnitAtPosition) and find(model.sites, site).zero


def scrambled(picture: Tensor, draws: Draws) -> Tensor:
    """(3, H, W) -> (draws, 3, H, W): noise with the picture's spectrum, mean colour and correlations between colours, mostly
    within [0, 1].

    The same random phases are added to those of each colour (Prichard and Theiler 1994), and then changed, a few times, to those
    of the noise as it can be shown (cut to [0, 1]), as in iterated surrogates (Schreiber and Schmitz 1996): noise of a picture
    of full contrast has flat parts and edges, which networks see, and so have the draws that it is held against.
    """
    spectrum = torch.fft.rfft2(picture.to(torch.float64))
    noise = draws.normal(Purpose.NOISE, 0, picture.shape[1:]).to(torch.float64)
    turn = _phases(torch.fft.rfft2(noise)[:, None])
    for _ in range(ROUNDS):
        shown = torch.fft.rfft2(_turned(spectrum, turn, picture).clamp(0, 1))
        turn = _phases((spectrum.conj() * shown).sum(1, keepdim=True))  # what all colours turned by
    return _turned(spectrum, turn, picture).float()


def _phases(waves: Tensor) -> Tensor:
    """(draws, 1, H, W // 2 + 1): of length one, that of the mean without a turn."""
    phases = waves / waves.abs().clamp(min=1e-30)
    phases[:, :, 0, 0] = 1
    return phases


def _turned(spectrum: Tensor, turn: Tensor, picture: Tensor) -> Tensor:
    return torch.fft.irfft2(spectrum * turn, s=picture.shape[1:])


def _on_blanks(model: LoadedModel, site: str, goals: Sequence[Goal]) -> np.ndarray:
    """(29, goals): what each blank makes of each."""
    blanks = torch.from_numpy(BLANKS).to(model.device)[:, :, None, None].expand(-1, -1, *model.input_size)
    parts = [on_all(model, site, goals, part) for part in blanks.split(batch_of(model, site))]
    return np.concatenate(parts)


def _on_noise(model: LoadedModel, site: str, goal: Goal, image: np.ndarray, seed: int) -> float:
    """The most that 19 draws of noise with the picture's spectrum make of its goal, in the picture's first copies."""
    names = [(goal.name, "noise", str(number)) for number in range(SCRAMBLES)]
    with torch.no_grad():
        picture = model.resize_to_input(torch.from_numpy(image)[None])[0]
        draws = Draws(seed, names, torch.device("cpu"))  # no device has to be able to do float64
        noise = scrambled(picture, draws).to(model.device)
        if goal.augmented:
            recipe = suited_to(goal, FRESH, model, site).model_copy(update={"copies": SHARED})
            draws = Draws(seed, [(goal.name, "fresh")] * SCRAMBLES, model.device)
            noise = copies_of(noise, recipe, draws, step=0).images.flatten(0, 1)
        parts = [measured(model, site, part, [goal]) for part in noise.split(batch_of(model, site))]
        return float(torch.cat(parts).view(SCRAMBLES, -1).mean(1).max())
