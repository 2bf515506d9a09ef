"""Recipes: how activation maximization is done. Named, frozen, each with its source."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.errors import BadRequest


class Recipe(BaseModel):
    """All settings of one way to make a picture.

    A unit's objective is the mean over copies and image positions (prefix tokens left out) of its activation, minus
    `total_variation` times the total variation of the augmented copies (four directions, see `regularize`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    summary: str = Field(description="one sentence for people")
    source: str = Field(description="where the settings come from")
    parameterization: Literal["pixels", "fourier"]
    steps: int = Field(ge=1)
    copies: int = Field(ge=1, description="augmented copies of the picture in each step")
    rate: float = Field(gt=0, description="Adam's learning rate at the first step; falls to zero along a cosine")
    betas: tuple[float, float]
    total_variation: float = Field(ge=0)
    colour_shift: Literal["none", "scale-then-shift", "shift-then-scale"]
    colour_range: float = Field(default=1.0, ge=0, description="shifts lie within ± this, scales within exp(± this)")
    noise: Literal["none", "pixel", "channel"]
    noise_start: float = Field(
        default=0.0, ge=0, description="standard deviation at the first step; falls linearly to 0"
    )
    jitter: int = Field(ge=0, description="largest circular shift, in pixels, along each axis")
    jitter_shared: bool = Field(description="one shift a step for all copies, instead of one for each copy")
    leak: float = Field(
        default=0.0,
        ge=0,
        description="added to the slope of the unit's activation function at the first step; falls linearly to 0. Where "
        "GELU bends down (below -0.75) or is flat, its own gradient leads away from every picture that excites the unit",
    )
    leak_until: float = Field(default=0.3, gt=0, le=1, description="share of the steps after which the leak is 0")


PAPER = Recipe(
    name="paper",
    summary="The paper's own recipe in its clean form: 400 steps on 8 augmented copies of a picture made of pixels.",
    source="Ghiasi, Kazemi et al. 2022, section 3; learning rate, noise schedule and total variation as in the authors' code.",
    parameterization="pixels",
    steps=400,
    copies=8,
    rate=0.1,
    betas=(0.5, 0.99),
    total_variation=0.004,
    colour_shift="scale-then-shift",
    noise="pixel",
    noise_start=0.5,
    jitter=32,
    jitter_shared=False,
)
PAPER_CODE = PAPER.model_copy(
    update={
        "name": "paper-code",
        "summary": "The paper as its authors' code computes it: shift before scale, noise constant over each channel, "
        "one jitter for all copies.",
        "source": "hamidkazemi22/vit-visualization, a36922a.",
        "colour_shift": "shift-then-scale",
        "noise": "channel",
        "jitter_shared": True,
    }
)
FAST = Recipe(
    name="fast",
    summary="Ours: a picture made of decorrelated waves, in a twelfth of the paper's passes through the network.",
    source="Fourier parameterization and colour decorrelation after Olah et al. 2017; the leak after the redirected "
    "gradients of Lucid; the rest measured on the starter models (bench/recipes.py).",
    parameterization="fourier",
    steps=128,
    copies=2,
    rate=0.1,
    betas=(0.5, 0.99),
    total_variation=0.02,
    colour_shift="scale-then-shift",
    colour_range=0.2,
    noise="none",
    jitter=32,
    jitter_shared=False,
    leak=0.15,  # more than the steepest descent of GELU, 0.129: its slope is positive everywhere
)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (FAST, PAPER, PAPER_CODE)}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name. Raises BadRequest, with the names there are, for any other."""
    if name not in RECIPES:
        raise BadRequest(f"There is no recipe “{name[:40]}”. Choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]
