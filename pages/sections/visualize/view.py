"""What the feature visualization page shows, as one value: from widgets or a link to the requests behind it.

Invariant: equal views ask for equal requests, so that a link shows what was shown when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from engine.core.address import Address
from engine.core.choices import DEFAULT_DATA, DEFAULT_RECIPE, MAX_SEED, MAX_SEEDS, MAX_VARIANTS
from engine.core.errors import BadRequest, VitrineError
from engine.core.targets import IMAGE
from pages.common import results
from pages.common.colours import Side
from pages.sections.visualize.layers import check, compared, side_by_side, through_depth

if TYPE_CHECKING:
    from engine.evaluation.index import IndexRequest
    from engine.visualization.request import VisualizeRequest

Shown = Literal["layer", "depth", "recipes", "sites"]
"""What of it is shown: one layer, the whole depth, several recipes, or all sites of a block."""
EXPERIMENTS = ("visualize", "index")
"""What the page shows of the registry."""


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


@dataclass(frozen=True)
class Row:
    """One layer of one side: its address and the request for its pictures."""

    side: Side
    address: Address
    request: VisualizeRequest
    title: str = ""

    @property
    def name(self) -> str:
        """What the row is called: what it was made for where something is compared, else its layer."""
        return self.title or self.address.site

    @property
    def key(self) -> str:
        """The cache key of the request. Raises VitrineError when the model or the data set is not there."""
        return self.request.key()


def rows(view: View) -> list[Row]:
    """The requests of a view, in the order in which they are shown. Raises VitrineError where one cannot be made."""
    found = []
    for side, address in view.sides.items():
        if view.view == "recipes":
            found += [
                Row(side, address, request(view.but(recipe=name, tuned=""), address), name) for name in compared()
            ]
            continue
        if view.view == "sites":
            found += [Row(side, layer, request(view, layer)) for layer in side_by_side(address)]
            continue
        layers = through_depth(address) if view.view == "depth" else [address]
        found += [Row(side, layer, request(view, layer)) for layer in layers]
    return found


def request(view: View, address: Address) -> VisualizeRequest:
    """The request for the pictures of these units, made as the view says."""
    from engine.core.request import build
    from engine.visualization.request import VisualizeRequest
    from engine.visualization.tuning import tuned

    return build(
        VisualizeRequest,
        model=address.model,
        site=address.site,
        units=address.units,
        targets=address.targets,
        recipe=tuned(view.recipe, view.tuned),
        seed=view.seed,
        opposite=view.opposite,
        data=view.data,
        start=view.start,
        importance=view.importance,
        several=view.several,
        seeds=view.seeds,
    )


def index_request(address: Address, data: str) -> IndexRequest:
    """The request for what a whole site does on a data set."""
    from engine.core.request import build
    from engine.evaluation.index import IndexRequest

    return build(IndexRequest, model=address.model, site=address.site, data=data)


def refusal(view: View) -> str | None:
    """Why a view that came with a link cannot be shown; None where it can."""
    try:
        for row in rows(view):
            # What is stored needs no model: it shows at once.
            if results.find(row.key) is None:
                check(row.address, view.data)
    except VitrineError as error:
        return str(error)
    return None
