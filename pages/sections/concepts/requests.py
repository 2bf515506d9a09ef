"""The requests behind each section of the page "Concepts"; only those of the section that is looked at are made."""

from __future__ import annotations

from engine.core.choices import EMBEDDING
from engine.core.errors import BadRequest
from engine.core.request import Request, build
from pages.common import errors
from pages.common.experiment_page import Part
from pages.sections.concepts.view import (
    LONGEST_LABELS,
    MOST_UNITS,
    WITHOUT_READER,
    ConceptsView,
    label_texts,
    layer,
    layers,
    naming,
    picture,
    purity,
    role_of,
    title,
)


def check_labels(texts: list[str]) -> None:
    """Raises BadRequest where these cannot be the texts for an image."""
    if len(texts) < 2:
        raise BadRequest("A single text leaves no choice. Enter at least two, one per line.")
    if len("|".join(texts)) > LONGEST_LABELS:
        raise BadRequest(
            f"The texts have more than {LONGEST_LABELS:,} characters in total. Enter fewer or shorter ones."
        )


def parts(view: ConceptsView) -> list[Part]:
    """The requests of the section that is looked at. Raises VitrineError where one cannot be made, or a model is unknown."""
    from engine.models import catalog

    reader = () if view.show in WITHOUT_READER else (view.reader,)
    for model in (*view.sides.values(), *reader):
        catalog.find(model)
    return {
        "search": _search, "browse": _browse, "map": _map, "purity": _purity, "abstract": _abstract, "draw": _draw,
        "zero-shot": _zero_shot, "read": _read,
    }[view.show](view)  # fmt: skip


def requests(view: ConceptsView) -> list[Request]:
    """The same, without their names."""
    return [part.request for part in parts(view)]


def _search(view: ConceptsView) -> list[Part]:
    from engine.concepts.search import FindUnitsRequest

    if not view.text:
        return []
    return [
        Part(
            f"find-{side}",
            title(view, side, "Finding the units that respond to the text"),
            build(
                FindUnitsRequest, model=model, text=view.text, role=role_of(view, side), data=view.data,
                reader=view.reader, vocabulary=view.vocabulary, template=view.template,
            ),
        )
        for side, model in view.sides.items()
    ]  # fmt: skip


def _browse(view: ConceptsView) -> list[Part]:
    return [
        Part(f"name-{side}", title(view, side, f"Labelling the units of `{site}`"), naming(view, model, site))
        for side, model in view.sides.items()
        for site in [layer(view, side)]
    ]


def _map(view: ConceptsView) -> list[Part]:
    from engine.concepts.projection import UnitMapRequest

    maps = [
        Part(
            f"map-{side}",
            title(view, side, f"Projecting the units of `{layer(view, side)}`"),
            build(UnitMapRequest, model=model, site=layer(view, side), data=view.data),
        )
        for side, model in view.sides.items()
    ]
    return [*maps, *_browse(view)]


def _purity(view: ConceptsView) -> list[Part]:
    return [Part(f"purity-{side}", title(view, side, "Measuring purity"), purity(view, side)) for side in view.sides]


def _abstract(view: ConceptsView) -> list[Part]:
    return [
        Part(f"name-{side}/{site}", title(view, side, f"Labelling the units of `{site}`"), naming(view, model, site))
        for side, model in view.sides.items()
        for site in layers(view, side)
    ]


def _draw(view: ConceptsView) -> list[Part]:
    from engine.core.targets import text_target

    if not view.text:
        return []
    drawn = Part(
        "says",
        f"**{errors.escape(view.reader)}** Optimizing a picture for the text",
        picture(view, view.reader, EMBEDDING, str(text_target(view.text))),
    )
    return [*_search(view), drawn]


def _zero_shot(view: ConceptsView) -> list[Part]:
    from engine.concepts.zero_shot import ZeroShotRequest

    if not (texts := label_texts(view)):
        return []
    request = build(
        ZeroShotRequest, reader=view.reader, texts=texts, image=view.image, data=view.data, template=view.template
    )
    return [Part("zero-shot", f"**{errors.escape(view.reader)}** Comparing the image with {len(texts)} texts", request)]


def _read(view: ConceptsView) -> list[Part]:
    from engine.concepts.pictures import PictureWordsRequest
    from engine.core.address import parse_units

    chosen = {"a": view.units, "b": view.others}
    return [
        Part(
            f"read-{side}",
            title(view, side, f"Making and labelling pictures of `{layer(view, side)}`"),
            build(
                PictureWordsRequest, model=model, site=layer(view, side), units=parse_units(chosen[side], MOST_UNITS),
                data=view.data, reader=view.reader, vocabulary=view.vocabulary, template=view.template,
            ),
        )
        for side, model in view.sides.items()
        if chosen[side]
    ]  # fmt: skip
