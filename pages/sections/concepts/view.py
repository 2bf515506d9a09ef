"""What the page "Concepts" shows, as one flat value: its models, their layers, and the requests for one thing of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.core.choices import (
    DEFAULT_DATA,
    DEFAULT_MEASURE,
    DEFAULT_MODELS,
    DEFAULT_READER,
    DEFAULT_TEMPLATE,
    DEFAULT_VOCABULARY,
    MAX_TEXT,
    USUAL_ROLES,
    Measure,
)
from engine.core.request import Request, build
from engine.models.catalog import sites_of
from pages.common import errors
from pages.common.colours import NAMES, Side

Section = Literal["search", "browse", "map", "purity", "abstract", "draw", "zero-shot", "read"]
SECTIONS: dict[Section, tuple[str, str]] = {
    "search": ("Search", "Which units follow a text?"),
    "browse": ("All units of a layer", "The words that describe each unit, to be sorted and filtered."),
    "map": ("Map of a layer", "Its units on a plane: those that respond to the same images are close together."),
    "purity": (
        "Known concepts",
        "How many units follow a concept that is known of each image, by layer, and how many by chance.",
    ),
    "abstract": ("Abstract words", "Do the words of units become more abstract from layer to layer?"),
    "draw": (
        "Picture of a text",
        "What a picture becomes that is made to fit a text, and what the units that follow it show.",
    ),
    "zero-shot": ("Texts for an image", "Which of several texts fits an image best, according to the CLIP."),
    "read": ("Words of pictures", "Does the CLIP see in a unit's picture what it sees in the unit's strongest images?"),
}
"""What the page can show: each with its name, and what it tells in one sentence."""
WITH_TEXT: tuple[Section, ...] = ("search", "draw")
"""What is about the text in the search box."""
WITHOUT_READER: tuple[Section, ...] = ("purity",)
"""What needs no model that reads words."""
WITH_OWN: tuple[Section, ...] = ("zero-shot", "read")
"""What has controls of its own, without which those on top say too little."""
Sort = Literal["score", "selectivity", "purity", "unit"]
SORTS: dict[Sort, str] = {
    "score": "Label score",
    "selectivity": "Selectivity",
    "purity": "Purity",
    "unit": "Number",
}
LONGEST_LABELS = 1500
LABELS = "a photo of an animal|a photo of food|a photo of a musical instrument|a photo of a vehicle|a photo of a flag"
"""What an image is compared with before anybody wrote a text."""
MOST_UNITS = 16
"""Pictures that one view of "Words of pictures" makes and reads, at most."""


EXPERIMENTS = ("name-units", "find-units", "unit-map", "purity", "picture-words", "zero-shot")
"""What the page shows of the registry."""


class ConceptsView(BaseModel):
    """One or two models whose units are labelled, the CLIP that rates words, and what is shown.

    `layer` is a site of model A ("": the last but one); model B shows the layer at the same relative depth. `text` is
    searched for and visualized. `sort` to `page` arrange the layer's units; `split` is a list of concreteness ratings ("":
    the starter's). `labels` (separated by |) and `image` are those of "Texts for an image"; `units` of model A and `others` of
    model B are what "Words of pictures" reads.
    """

    model_config = ConfigDict(frozen=True)

    a: str = Field(min_length=1, max_length=200)
    b: str | None = Field(default=None, max_length=200)
    reader: str = Field(default=DEFAULT_READER, min_length=1, max_length=200)
    data: str = Field(default=DEFAULT_DATA, max_length=200)
    vocabulary: str = Field(default=DEFAULT_VOCABULARY, max_length=200)
    measure: Measure = DEFAULT_MEASURE
    template: str = Field(default=DEFAULT_TEMPLATE, max_length=200)
    role: str = Field(default="", max_length=80)
    show: Section = "search"
    text: str = Field(default="", max_length=MAX_TEXT)
    layer: str = Field(default="", max_length=120)
    sort: Sort = "score"
    word: str = Field(default="", max_length=100)
    concept: str = Field(default="", max_length=100)
    least: float = Field(default=0.0, ge=0, le=1)
    named: bool = False
    page: int = Field(default=1, ge=1, le=10_000)
    split: str = Field(default="", max_length=200)
    labels: str = Field(default=LABELS, max_length=LONGEST_LABELS)
    image: str = Field(default="0", max_length=80)
    units: str = Field(default="", max_length=300)
    others: str = Field(default="", max_length=300)

    @property
    def sides(self) -> dict[Side, str]:
        """The models shown, by side."""
        return {"a": self.a, "b": self.b} if self.b else {"a": self.a}


def roles_of(model: str) -> list[str]:
    """The roles that layers of a model have, each once. Raises VitrineError when the model is not there."""
    return list(dict.fromkeys(site.role for site in sites_of(model).values()))


def role_of(view: ConceptsView, side: Side) -> str:
    """The role of the layers of one side: the one asked for where the model has it, else its usual one."""
    known = roles_of(view.sides[side])
    return next((role for role in (view.role, *USUAL_ROLES) if role in known), known[0])


def layers(view: ConceptsView, side: Side) -> list[str]:
    """The sites of a side's role, from the image to the head."""
    role = role_of(view, side)
    return [site.name for site in sites_of(view.sides[side]).values() if site.role == role]


def layer(view: ConceptsView, side: Side) -> str:
    """The layer that is browsed: model A's as it was asked for, model B's at the same relative depth."""
    own, first = layers(view, side), layers(view, "a")
    place = first.index(view.layer) if view.layer in first else max(0, len(first) - 2)
    return own[round(place * (len(own) - 1) / max(1, len(first) - 1))]


def naming(view: ConceptsView, model: str, site: str) -> Request:
    """The request for the words of every unit of a site."""
    from engine.concepts.naming import NameUnitsRequest

    return build(
        NameUnitsRequest, model=model, site=site, data=view.data, reader=view.reader, vocabulary=view.vocabulary,
        measure=view.measure, template=view.template,
    )  # fmt: skip


def index(view: ConceptsView, model: str, site: str) -> Request:
    """The request for what every unit of a site does on the data set."""
    from engine.evaluation.index import IndexRequest

    return build(IndexRequest, model=model, site=site, data=view.data)


def picture(view: ConceptsView, model: str, site: str, unit: int | str) -> Request:
    """The request for the picture of one unit, or of one target."""
    from engine.visualization.request import VisualizeRequest

    alone = {"units": (unit,)} if isinstance(unit, int) else {"units": (), "targets": (unit,)}
    return build(VisualizeRequest, model=model, site=site, data=view.data, **alone)


def purity(view: ConceptsView, side: Side) -> Request:
    """The request for how purely a side's units follow concepts."""
    from engine.concepts.purity.request import PurityRequest

    return build(PurityRequest, model=view.sides[side], role=role_of(view, side), data=view.data)


def label_texts(view: ConceptsView) -> tuple[str, ...]:
    """The texts of "Texts for an image"."""
    return tuple(text.strip() for text in view.labels.split("|") if text.strip())


def title(view: ConceptsView, side: Side, what: str) -> str:
    """A part as the title of its panel."""
    return f":{NAMES[side]}[**{errors.escape(view.sides[side])}**] {what}"


def summary(view: ConceptsView) -> str:
    """A view in one line, above its results."""
    if view.show in WITHOUT_READER:
        return view.data
    return f"CLIP {view.reader} · {view.data} · vocabulary {view.vocabulary} · {view.measure}"


def example() -> ConceptsView:
    """What the page opens on: a search for one word in the CLIP and in its twin that learned from labels."""
    return ConceptsView(a=DEFAULT_READER, b=DEFAULT_MODELS[0], text="vehicle")
