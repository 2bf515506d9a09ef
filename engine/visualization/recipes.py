"""Recipes: how activation maximization is done. Named, frozen, each with its source."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from engine.core.errors import BadRequest


class View(BaseModel):
    """A window onto the picture, drawn anew for each copy, scaled to the model's input; grey outside the picture.

    Shares are of the picture's side. The side goes from `side[0]` at the first step to `side[1]` at the last.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: tuple[float, float]
    side_spread: float = Field(default=0.0, ge=0, description="standard deviation of the side")
    zoom: float = Field(default=0.0, ge=0, lt=1, description="the side is divided by a factor within 1 ± this")
    centre_spread: float = Field(default=0.0, ge=0, description="standard deviation of the centre, normal around 0.5")
    shift: float = Field(default=0.0, ge=0, description="the centre is moved by up to ± this, uniformly")
    turn: float = Field(default=0.0, ge=0, le=45, description="rotation within ± this, in degrees")
    noise: float = Field(
        default=0.0, ge=0, description="normal noise of this size and uniform noise within ± half of it"
    )


class Finish(BaseModel):
    """The last part of a run, in which the picture goes on as pixels, with an optimizer that starts anew."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: float = Field(gt=0, lt=1, description="share of the steps after which it begins")
    rate: float = Field(gt=0, description="learning rate of the pixels; `schedule` goes on over the whole run")
    total_variation: float = Field(ge=0, description="instead of the recipe's")


class Recipe(BaseModel):
    """All settings of one way to make a picture.

    A unit's objective is the mean over copies and image positions (prefix tokens left out) of its activation, minus
    `total_variation` times the total variation of the augmented copies (four directions, see
    `engine.visualization.augmentation`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    summary: str = Field(description="one sentence for people")
    source: str = Field(description="where the settings come from")
    parameterization: Literal["pixels", "fourier", "maco"]
    steps: int = Field(ge=1)
    copies: int = Field(ge=1, description="augmented copies of the picture in each step")
    rate: float = Field(gt=0, description="learning rate at the first step; see `schedule`")
    betas: tuple[float, float]
    total_variation: float = Field(ge=0)
    total_variation_relative: bool = Field(
        default=False,
        description="`total_variation` is multiplied by the size of the activation: smooths units of every size alike",
    )
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
    finish: Finish | None = Field(default=None, description="how the picture goes on as pixels, if it does")
    finish_whole: Finish | None = Field(
        default=None,
        description="the same at sites that have one value for the whole image, such as class logits: there the picture is "
        "a thing on a ground, and noise in the ground costs the activation nothing",
    )
    optimizer: Literal["adam", "nadam"] = "adam"
    schedule: Literal["cosine", "constant"] = Field(default="cosine", description="the rate falls to zero, or stays")
    canvas: float = Field(default=1.0, ge=1, description="side of the picture over the side of the model's input")
    view: View | None = Field(
        default=None, description="what of the picture each copy shows; None: all of it, as it is"
    )

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What came later is left out at its default: results of older recipes keep their key."""
        default = {name: type(self).model_fields[name].default for name in LATER}
        return {name: value for name, value in handler(self).items() if getattr(self, name) != default.get(name, ...)}


LATER = ("optimizer", "schedule", "canvas", "view", "total_variation_relative", "finish", "finish_whole")
"""Fields that the first recipes did not have."""

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
# Waves alone hardly reach the high frequencies that units of a CNN's first half want; pixels alone, from noise, give class
# pictures that the other model recognises less often, and so does a finish as strong as that of other units.
_FINISH = Finish(after=0.125, rate=0.12, total_variation=0.001)
_FINISH_WHOLE = Finish(after=0.5, rate=0.1, total_variation=0.01)
FAST = Recipe(
    name="fast",
    summary="Ours: begun with decorrelated waves, finished with pixels, in a twelfth of the paper's passes through the "
    "network.",
    source="Fourier parameterization and colour decorrelation after Olah et al. 2017; the leak after the redirected "
    "gradients of Lucid; the rest measured on the starter models (bench/recipes.py).",
    parameterization="fourier",
    steps=128,
    copies=2,
    rate=0.2,
    betas=(0.5, 0.99),
    total_variation=0.01,
    finish=_FINISH,
    finish_whole=_FINISH_WHOLE,
    # A fixed weight flattens the pictures of units whose activations are small: half of those in the first blocks.
    total_variation_relative=True,
    colour_shift="scale-then-shift",
    colour_range=0.2,
    noise="none",
    jitter=32,
    jitter_shared=False,
    leak=0.15,  # more than the steepest descent of GELU, 0.129: its slope is positive everywhere
)
FOURIER = Recipe(
    name="fourier",
    summary="Waves with decorrelated colours under small shifts, zooms and turns: 512 steps, as in Lucid.",
    source="Olah, Mordvintsev and Schubert 2017; settings of Lucid's render (512 steps of Adam at 0.05; grey margin of 12, "
    "jitter of 8 and 4, zoom of 10%, turns of 10 degrees on 128 pixels), here on the model's own input size.",
    parameterization="fourier",
    steps=512,
    copies=1,
    rate=0.05,
    betas=(0.9, 0.999),
    total_variation=0.0,
    colour_shift="none",
    noise="none",
    jitter=0,
    jitter_shared=False,
    schedule="constant",
    # 12 pixels of margin on each side less 8 and 4 that the jitters cut off, on 128; the jitters move by half of that.
    view=View(side=(140 / 128, 140 / 128), zoom=0.1, shift=6 / 128, turn=10.0),
)
MACO = Recipe(
    name="maco",
    summary="Only the phases of waves move, their sizes stay those of real images; 32 windows a step, 256 steps: slow.",
    source="Fel et al. 2023 (MACO); settings of the authors' library (xplique 2.0: NAdam at 1.0, 32 windows of 50% down to 5% "
    "of a picture of 512 pixels for an input of 224). Sizes of the waves: measured on the starter's scenes (bench/spectrum.py).",
    parameterization="maco",
    steps=256,
    copies=32,
    rate=1.0,
    betas=(0.9, 0.999),
    total_variation=0.0,
    colour_shift="none",
    noise="none",
    jitter=0,
    jitter_shared=False,
    optimizer="nadam",
    schedule="constant",
    canvas=512 / 224,
    view=View(side=(0.5, 0.05), side_spread=0.05, centre_spread=0.15, noise=0.08),
)
RECONSTRUCT = PAPER.model_copy(
    update={
        "name": "reconstruct",
        "summary": "For `match:` targets: pixels, no augmentation, strong smoothing.",
        "source": "hamidkazemi22/vit-visualization, it16/reconstruct.py; not in the paper's text.",
        "copies": 1,
        "total_variation": 1.0,
        "colour_shift": "none",
        "noise": "none",
        "noise_start": 0.0,
        "jitter": 0,
    }
)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (FAST, PAPER, PAPER_CODE, FOURIER, MACO, RECONSTRUCT)}


def _fast_but(name: str, summary: str, **changed: Any) -> Recipe:
    source = "`fast` with one of its parts taken away, to see what the part does."
    return FAST.model_copy(update={"name": name, "summary": summary, "source": source, **changed})


# For the page that compares: not offered among the recipes, but requests may name them.
_OFF: dict[str, dict[str, Any]] = {
    "jitter": {"jitter": 0},
    "colour": {"colour_shift": "none"},
    "smoothing": {
        "total_variation": 0.0,
        "finish": _FINISH.model_copy(update={"total_variation": 0.0}),
        "finish_whole": _FINISH_WHOLE.model_copy(update={"total_variation": 0.0}),
    },
    "leak": {"leak": 0.0},
    "waves": {"parameterization": "pixels"},
    "finish": {"finish": None, "finish_whole": None},
}
ABLATIONS: dict[str, Recipe] = {
    name: _fast_but(name, summary, **changed)
    for name, summary, changed in (
        ("fast-no-jitter", "`fast` without jitter.", _OFF["jitter"]),
        ("fast-no-colour", "`fast` without colour shifts.", _OFF["colour"]),
        ("fast-no-smoothing", "`fast` without total variation.", _OFF["smoothing"]),
        ("fast-no-leak", "`fast` without the leak.", _OFF["leak"]),
        ("fast-no-waves", "`fast` on pixels from the first step.", _OFF["waves"]),
        ("fast-no-finish", "`fast` on waves to the last step.", _OFF["finish"]),
        ("fast-bare", "`fast` without jitter, colour shifts, total variation and leak.", _OFF["jitter"] | _OFF["colour"]
         | _OFF["smoothing"] | _OFF["leak"]),
    )
}  # fmt: skip


def recipe_named(name: str) -> Recipe:
    """The recipe of that name, ablations included. Raises BadRequest, with the recipes there are, for any other."""
    if name in ABLATIONS:
        return ABLATIONS[name]
    if name not in RECIPES:
        raise BadRequest(f"There is no recipe “{name[:40]}”. Choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]
