"""What is shown of units, as one value: from widgets or a link, in one spelling."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from engine.core.address import Address
from engine.core.choices import DEFAULT_DATA, DEFAULT_RECIPE, MAX_SEED, MAX_SEEDS, MAX_VARIANTS
from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.targets import IMAGE
from pages.common.colours import Side

Shown = Literal["layer", "depth", "recipes", "sites"]
"""What of it is shown: one layer, the whole depth, several recipes, or all sites of a block."""


def _address(value: Any) -> Any:
    """An address from the text that a link has."""
    if not isinstance(value, str):
        return value
    try:
        return Address.parse(value)
    except BadRequest as error:
        raise ValueError(str(error)) from None


Units = Annotated[Address, BeforeValidator(_address)]


class View(BaseModel):
    """Units of one or two models, how their pictures are made, and whether one layer or the whole depth is shown.

    `tuned`: what is changed of the recipe, as links say it: `steps:64,jitter:8` (see `engine.visualization.tuning`).
    """

    model_config = ConfigDict(frozen=True)
    LINKED: ClassVar[tuple[str, ...]] = ("recipe", "seed")
    """Fields that stand in every link: a link says exactly how its pictures are made."""

    a: Units
    b: Units | None = None
    recipe: str = DEFAULT_RECIPE
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    tuned: str = ""
    opposite: bool = False
    data: str = DEFAULT_DATA
    view: Shown = "layer"
    start: str = ""
    importance: bool = False
    several: int = Field(default=1, ge=1, le=MAX_VARIANTS)
    seeds: int = Field(default=1, ge=1, le=MAX_SEEDS)

    @model_validator(mode="before")
    @classmethod
    def _second_alone(cls, given: Any) -> Any:
        """A link whose first model is missing shows the second alone."""
        if isinstance(given, dict) and not given.get("a") and isinstance(given.get("b"), str):
            try:
                return {**{name: value for name, value in given.items() if name != "b"}, "a": Address.parse(given["b"])}
            except BadRequest:
                return given
        return given

    @field_validator("recipe")
    @classmethod
    def _known(cls, recipe: str) -> str:
        from engine.visualization.recipes import RECIPES

        if recipe not in RECIPES:
            raise ValueError(f"it is none of {', '.join(RECIPES)}")
        return recipe

    @field_validator("tuned")
    @classmethod
    def _in_one_spelling(cls, tuned: str, info: ValidationInfo) -> str:
        from engine.visualization.recipes import recipe_named
        from engine.visualization.tuning import changed, changes, check_effort

        base = recipe_named(info.data.get("recipe", DEFAULT_RECIPE))
        try:
            asked = changed(base, tuned)
            if asked is not base:
                check_effort(asked)
        except BadRequest as error:
            raise ValueError(str(error)) from None
        return changes(base, asked)

    @field_validator("start")
    @classmethod
    def _an_image(cls, start: str) -> str:
        if start and not IMAGE.fullmatch(start):
            raise ValueError("write the number of an image, or up- and the digest of an upload")
        return start

    def but(self, **changes: Any) -> View:
        """The same view with something else in it."""
        return self.model_copy(update=changes)

    @property
    def sides(self) -> dict[Side, Address]:
        """The models shown, by side."""
        return {"a": self.a, "b": self.b} if self.b else {"a": self.a}


def example() -> View:
    """What the page opens on: late in both starter networks, units whose pictures and strongest images tell the same (locks,
    round fruit, things with holes)."""
    few = settings().few(4)
    return View(
        a=Address("starter-vit", "blocks.6.mlp.hidden", (264, 179, 670, 272)[:few]),
        b=Address("starter-cnn", "stages.2.blocks.1", (74, 93, 37, 5)[:few]),
    )
