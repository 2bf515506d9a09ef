"""What a recipe is: all settings of one way to make a picture, each within limits, so that anybody may send one.

The limits keep a link or a file from asking for what no device can do; how much work a recipe may be is the settings' to
say (`passes_per_picture`).
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

    side: tuple[Side, Side] = Field(
        description="crop size at the first and at the last step, relative to the picture's side"
    )
    side_spread: float = Field(default=0.0, ge=0, le=2, description="standard deviation of the crop size")
    zoom: float = Field(default=0.0, ge=0, lt=1, description="the crop size is divided by a factor within 1 ± this")
    centre_spread: float = Field(
        default=0.0, ge=0, le=2, description="standard deviation of the centre, normal around 0.5"
    )
    shift: float = Field(default=0.0, ge=0, le=2, description="uniform shift of the centre by up to ± this")
    turn: float = Field(default=0.0, ge=0, le=45, description="rotation within ± this, in degrees")
    noise: float = Field(
        default=0.0, ge=0, le=10, description="normal noise of this size and uniform noise within ± half of it"
    )


class Finish(BaseModel):
    """The last part of a run, in which the picture goes on as pixels, with an optimizer that starts anew."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    after: float = Field(gt=0, lt=1, description="fraction of the steps after which it starts")
    rate: float = Field(
        gt=0, le=100, description="learning rate of the pixels; `schedule` continues over the whole run"
    )
    total_variation: float = Field(ge=0, le=1000, description="replaces that of the recipe")


class Recipe(BaseModel):
    """All settings of one way to make a picture.

    A unit's objective is the mean over copies and image positions (prefix tokens left out) of its activation, minus
    `total_variation` times the total variation of the augmented copies (four directions, see
    `engine.visualization.optimization.total_variation`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(default=CUSTOM, max_length=200)
    summary: str = Field(default="", max_length=1000, description="one-sentence description")
    source: str = Field(default="", max_length=1000, description="where the settings come from")
    parameterization: Literal["pixels", "fourier", "maco"] = Field(
        description="what is optimized: pixels, Fourier coefficients, or (maco) Fourier phases only"
    )
    steps: int = Field(ge=1, le=MAX_STEPS)
    copies: int = Field(ge=1, le=MAX_COPIES, description="augmented copies of the picture in each step")
    rate: float = Field(gt=0, le=100, description="learning rate at the first step; see `schedule`")
    clip_rate: float = Field(
        default=0.0, ge=0, le=100, description="takes the place of `rate` where the model is a CLIP; 0: `rate` is kept"
    )
    betas: tuple[Beta, Beta] = Field(description="Adam's decay rates of the first and second moment")
    total_variation: float = Field(ge=0, le=1000, description="weight of the total variation")
    total_variation_relative: bool = Field(
        default=False,
        description="`total_variation` is multiplied by the activation, so that units of all scales are smoothed equally",
    )
    colour_shift: Literal["none", "scale-then-shift", "shift-then-scale"] = Field(
        description="order of the random colour transformation of each copy"
    )
    colour_range: float = Field(
        default=1.0, ge=0, le=5, description="shifts lie within ± this, scales within exp(± this)"
    )
    noise: Literal["none", "pixel", "channel"] = Field(
        description="independent noise per pixel, or one value per channel"
    )
    noise_start: float = Field(
        default=0.0, ge=0, le=10, description="standard deviation at the first step; goes linearly to `noise_end`"
    )
    noise_end: float = Field(default=0.0, ge=0, le=10, description="standard deviation at the last step")
    jitter: int = Field(ge=0, le=MAX_JITTER, description="largest circular shift, in pixels, along each axis")
    jitter_shared: bool = Field(description="one shift per step for all copies, instead of one per copy")
    made_for: int = Field(
        default=0,
        ge=0,
        le=4096,
        description="side of the input, in pixels, that `jitter` is given for: it is scaled with the side of the model's. "
        "`total_variation` stays as it is. 0: `jitter` does, too",
    )
    leak: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="added to the slope of the unit's activation function at the first step; falls linearly to 0. Where "
        "GELU bends down (below -0.75) or is flat, its own gradient leads away from every picture that excites the unit",
    )
    leak_until: float = Field(default=0.3, gt=0, le=1, description="fraction of the steps after which the leak is 0")
    finish: Finish | None = Field(default=None, description="final phase in pixel space, if any")
    finish_whole: Finish | None = Field(
        default=None,
        description="the same at sites that have one value for the whole image, such as class logits: there, noise in the "
        "background does not reduce the activation",
    )
    optimizer: Literal["adam", "nadam"] = Field(default="adam", description="NAdam is Adam with Nesterov momentum")
    schedule: Literal["cosine", "constant"] = Field(
        default="cosine", description="the learning rate decays to zero, or is constant"
    )
    canvas: float = Field(
        default=1.0, ge=1, le=MAX_CANVAS, description="side of the picture relative to the side of the model's input"
    )
    view: View | None = Field(
        default=None, description="random crop of the picture for each copy; None: the whole picture"
    )

    @property
    def passes(self) -> int:
        """Passes through the network that one picture takes."""
        return self.steps * self.copies

    @property
    def settings(self) -> dict[str, Any]:
        """All that changes a picture: two recipes with the same settings make the same pictures."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in ABOUT}

    def on(self, size: tuple[int, int], clip: bool) -> Recipe:
        """The recipe as it is carried out on inputs of this size (height, width), of a CLIP or another model."""
        changed: dict[str, Any] = {}
        if clip and self.clip_rate:
            changed["rate"] = self.clip_rate
        if self.made_for and (share := min(size) / self.made_for) != 1:
            # The weight of the total variation stays: four times as many pixels whose differences are half as large have the
            # same norm, so that a picture has as much of it at any size, as it has the same mean activation.
            changed["jitter"] = round(self.jitter * share)
        return self.model_copy(update=changed) if changed else self

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What came later is left out at its default: results of older recipes keep their key."""
        default = {name: type(self).model_fields[name].default for name in LATER}
        return {name: value for name, value in handler(self).items() if getattr(self, name) != default.get(name, ...)}


LATER = (
    "optimizer", "schedule", "canvas", "view", "total_variation_relative", "finish", "finish_whole",
    "noise_end", "clip_rate", "made_for",
)  # fmt: skip
"""Fields that the first recipes did not have."""
