"""What a recipe is: all settings of one way to make a picture, each within limits, so that anybody may send one.

The limits keep a link or a file from asking for what no device can do; how much work a recipe may be is the settings' to
say (`max_passes_per_picture`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

MAX_STEPS, MAX_COPIES, MAX_CANVAS, MAX_JITTER = 10_000, 64, 4.0, 1024
CUSTOM = "custom"
"""What a recipe is called that nobody gave a name."""
ABOUT = ("name", "summary", "source")
"""The fields of a recipe that do not change its pictures."""

Beta = Annotated[float, Field(ge=0, lt=1)]
Side = Annotated[float, Field(ge=0.02, le=MAX_CANVAS)]


class View(BaseModel):
    """A window onto the picture, drawn anew for each copy, scaled to the model's input; grey outside the picture.

    Shares are of the picture's side. The side goes from `side[0]` at the first step to `side[1]` at the last.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    side: tuple[Side, Side] = Field(description="share of the picture's side at the first step and at the last")
    side_spread: float = Field(default=0.0, ge=0, le=2, description="standard deviation of the side")
    zoom: float = Field(default=0.0, ge=0, lt=1, description="the side is divided by a factor within 1 ± this")
    centre_spread: float = Field(
        default=0.0, ge=0, le=2, description="standard deviation of the centre, normal around 0.5"
    )
    shift: float = Field(default=0.0, ge=0, le=2, description="the centre is moved by up to ± this, uniformly")
    turn: float = Field(default=0.0, ge=0, le=45, description="rotation within ± this, in degrees")
    noise: float = Field(
        default=0.0, ge=0, le=10, description="normal noise of this size and uniform noise within ± half of it"
    )


class Finish(BaseModel):
    """The last part of a run, in which the picture goes on as pixels, with an optimizer that starts anew."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    after: float = Field(gt=0, lt=1, description="share of the steps after which it begins")
    rate: float = Field(gt=0, le=100, description="learning rate of the pixels; `schedule` goes on over the whole run")
    total_variation: float = Field(ge=0, le=1000, description="instead of the recipe's")


class Recipe(BaseModel):
    """All settings of one way to make a picture.

    A unit's objective is the mean over copies and image positions (prefix tokens left out) of its activation, minus
    `total_variation` times the total variation of the augmented copies (four directions, see
    `engine.visualization.optimization.augmentation`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(default=CUSTOM, max_length=200)
    summary: str = Field(default="", max_length=1000, description="one sentence for people")
    source: str = Field(default="", max_length=1000, description="where the settings come from")
    parameterization: Literal["pixels", "fourier", "maco"] = Field(
        description="what is changed: pixels, the waves that a picture is made of, or (maco) their phases alone"
    )
    steps: int = Field(ge=1, le=MAX_STEPS)
    copies: int = Field(ge=1, le=MAX_COPIES, description="augmented copies of the picture in each step")
    rate: float = Field(gt=0, le=100, description="learning rate at the first step; see `schedule`")
    betas: tuple[Beta, Beta] = Field(description="how much Adam remembers of the mean and of the size of gradients")
    total_variation: float = Field(ge=0, le=1000, description="weight of the differences between neighbouring pixels")
    total_variation_relative: bool = Field(
        default=False,
        description="`total_variation` is multiplied by the size of the activation: smooths units of every size alike",
    )
    colour_shift: Literal["none", "scale-then-shift", "shift-then-scale"] = Field(
        description="how each copy's colours are changed"
    )
    colour_range: float = Field(
        default=1.0, ge=0, le=5, description="shifts lie within ± this, scales within exp(± this)"
    )
    noise: Literal["none", "pixel", "channel"] = Field(
        description="noise of its own for each pixel, or one for a channel"
    )
    noise_start: float = Field(
        default=0.0, ge=0, le=10, description="standard deviation at the first step; falls linearly to 0"
    )
    jitter: int = Field(ge=0, le=MAX_JITTER, description="largest circular shift, in pixels, along each axis")
    jitter_shared: bool = Field(description="one shift a step for all copies, instead of one for each copy")
    leak: float = Field(
        default=0.0,
        ge=0,
        le=10,
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
    optimizer: Literal["adam", "nadam"] = Field(default="adam", description="nadam looks one step ahead")
    schedule: Literal["cosine", "constant"] = Field(default="cosine", description="the rate falls to zero, or stays")
    canvas: float = Field(
        default=1.0, ge=1, le=MAX_CANVAS, description="side of the picture over the side of the model's input"
    )
    view: View | None = Field(
        default=None, description="what of the picture each copy shows; None: all of it, as it is"
    )

    @property
    def passes(self) -> int:
        """Passes through the network that one picture takes."""
        return self.steps * self.copies

    @property
    def settings(self) -> dict[str, Any]:
        """All that changes a picture: two recipes with the same settings make the same pictures."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in ABOUT}

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What came later is left out at its default: results of older recipes keep their key."""
        default = {name: type(self).model_fields[name].default for name in LATER}
        return {name: value for name, value in handler(self).items() if getattr(self, name) != default.get(name, ...)}


LATER = ("optimizer", "schedule", "canvas", "view", "total_variation_relative", "finish", "finish_whole")
"""Fields that the first recipes did not have."""
