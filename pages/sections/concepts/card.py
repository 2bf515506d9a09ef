"""A unit on this page: its picture where it is there, the images that excite it, its words, and the way to the unit itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from engine.core.address import Address
from engine.core.choices import DEFAULT_ROLE
from pages.common import colours, errors, query, results, style, words
from pages.common.charts import figure
from pages.common.charts.files import Files, Pictures, Source, plain
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage, Part
from pages.common.experiments.places import SCRIPTS
from pages.common.keeping import adding, kinds
from pages.common.units import images
from pages.common.units.view import View
from pages.sections.concepts import making
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from engine.core.request import Request, Result
    from engine.figures.layout import Card as PrintedCard

IMAGES = 4
PICTURE = 192
WORDS = 3
CARD = 150
"""The least width of a card, in pixels."""
MOST_PRINTED = 6
"""Cards in a line of a figure."""
PRINTED = "Of each unit the picture that was optimized to activate it, where there is one, and the images that activate it most."
SECONDS = 10
"""For one picture, about, on two cores for a starter model."""


@dataclass(frozen=True)
class Card:
    """One unit of one side, and what is said of it in Markdown: `why` it stands here in a few words, and a `note` on hover.
    `strongest` are its images where they are known from elsewhere than the layer's index, as are its words then."""

    side: Side
    model: str
    site: str
    unit: int
    why: str = ""
    place: str = ""
    note: str = ""
    strongest: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Tells cards on one page apart."""
        return f"{self.place}-{self.side}-{self.site}-{self.unit}"

    @property
    def address(self) -> Address:
        return Address(self.model, self.site, (self.unit,))


def grid(
    page: ExperimentPage[ConceptsView], view: ConceptsView, cards: Sequence[Card], tools: DeltaGenerator | None = None
) -> None:
    """Cards side by side, with one button (in `tools`, else above them) that makes the pictures which are not there."""
    if not cards:
        return
    with tools or st.container(horizontal=True, gap="small"):
        make(page, view, cards)
        first = cards[0]
        title = f"Units of {first.model}, {first.site}" if len({each.site for each in cards}) == 1 else first.model
        figure.pictures(f"cn-{first.place}-{first.side}", lambda: files(view, cards, title))
    draw(view, cards)


def draw(view: ConceptsView, cards: Sequence[Card]) -> None:
    """Cards side by side, as many as fit."""
    with st.grid("auto", min_column_width=CARD, gap="small"):
        for card in cards:
            _draw(view, card)


def make(page: ExperimentPage[ConceptsView], view: ConceptsView, cards: Sequence[Card]) -> None:
    """The button that makes the pictures of these cards that are neither there nor on their way; none where all are."""
    coming = making.coming(page)
    absent = [
        card for card in cards if not results.is_stored(request := _request(view, card)) and request.key() not in coming
    ]
    if not absent:
        return
    many = len(absent)
    if st.button(
        f"Run: make {'its picture' if many == 1 else f'{many} pictures'} (about {words.duration(many * SECONDS)})",
        icon=":material/brush:",
        key=page.key(f"make_{cards[0].place}_{cards[0].side}"),
        help="A picture is optimized from noise to excite its unit as strongly as possible. Pictures are kept.",
    ):
        with errors.shown():
            making.want(page, [_part(view, card) for card in absent])
            st.rerun()


def _draw(view: ConceptsView, card: Card) -> None:
    with st.container(gap="xsmall", key=f"{style.THUMBS}-concept-{card.name}"):
        naming = _naming(view, card)
        _pictures(view, card)
        alone = View(a=card.address, data=view.data)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap=None):
            st.page_link(
                SCRIPTS["visualize"],
                label=f"**Unit {card.unit}** :small[{errors.escape(short(card.site))}]",
                query_params=query.write(alone),
                help=_help(card, naming),
                width="content",
            )
            adding.button(lambda: kinds.unit(alone, _request(view, card).key(), 0), f"concept-{card.name}", small=True)
        st.markdown("  \n".join(filter(None, (card.why, _words(naming, card)))))


def files(view: ConceptsView, cards: Sequence[Card], title: str, finding: str = "", keys: Sequence[str] = ()) -> Files:
    """Cards as one figure, a row for each model: of each unit its picture where it is there, its strongest images, and its
    words. `keys`: the results that they were found by."""
    from engine.figures.layout import Row

    made = [key for card in cards if results.find(key := _request(view, card).key()) is not None]
    named = [naming.key for card in cards if (naming := _naming(view, card)) is not None]
    mine = {side: [card for card in cards if card.side == side] for side in view.sides}

    def rows() -> list[Row]:
        return [
            Row(view.sides[side], tuple(filter(None, (_printed(view, card) for card in each))), colours.in_print(side))
            for side, each in mine.items()
        ]

    told = [
        {"model": card.model, "site": card.site, "unit": card.unit, "says": "; ".join(_said(view, card))}
        for card in cards
    ]
    pictures = Pictures(title, rows, min(MOST_PRINTED, max(map(len, mine.values()))), finding, PRINTED)
    source = Source("concepts", query.write(view), (*dict.fromkeys([*keys, *named, *made]),))
    return Files(pictures, lambda: pd.DataFrame(told), source)


def _naming(view: ConceptsView, card: Card) -> Result | None:
    return None if card.strongest else making.named(view, card.model, card.site)


def _said(view: ConceptsView, card: Card) -> list[str]:
    """What a card says of its unit, line by line, without marks."""
    told = "  \n".join(filter(None, (card.why, _words(_naming(view, card), card))))
    return [plain(line.strip()) for line in told.split("\n") if line]


def _printed(view: ConceptsView, card: Card) -> PrintedCard | None:
    """A card as in print; None where there is nothing to see of its unit."""
    from engine.core.images import to_input
    from engine.figures.layout import Card as PrintedCard

    opened, size = results.dataset(view.data), results.input_size(card.model)
    seen = [to_input(opened.image(number), size) for number in strongest(view, card, IMAGES)]
    if (picture := results.find(_request(view, card).key())) is not None:
        seen.insert(0, picture.arrays["images"][0])
    name = f"unit {card.unit}, {short(card.site)}"
    return PrintedCard(seen[0], (name, *_said(view, card)), tuple(seen[1:])) if seen else None


def short(site: str) -> str:
    """A site without its usual role, which goes without saying."""
    return site.removesuffix(f".{DEFAULT_ROLE}")


def _help(card: Card, naming: Result | None) -> str:
    """What stands on hover: how sure the card's words are, and the unit's address."""
    if naming is not None:
        from engine.concepts.telling import of_unit

        return f"{of_unit(naming, card.unit)}  \nOpens {errors.code(str(card.address))}."
    return f"{card.note}  \nOpens {errors.code(str(card.address))}.".strip()


def _words(naming: Result | None, card: Card) -> str:
    """The unit's words as Markdown, best first: in the model's colour where the first is above chance."""
    if naming is None:
        return ""
    numbers, scores = naming.arrays["words"][card.unit], naming.arrays["scores"][card.unit]
    told = [(naming.facts["words"][number], float(score)) for number, score in zip(numbers, scores, strict=True)]
    if not bool(naming.arrays["abstained"][card.unit]):
        return _listed(card, told)
    nearest = ", ".join(f"{errors.escape(word)} {words.number(score)}" for word, score in told[:2])
    return f":small[no label; nearest {nearest}]"


def _listed(card: Card, follows: Sequence[tuple[str, float]]) -> str:
    told = [f"{errors.escape(word)} {words.number(score)}" for word, score in follows[:WORDS]]
    return f":{colours.NAMES[card.side]}[**{told[0]}**]  \n:small[then {', '.join(told[1:])}]"


def _pictures(view: ConceptsView, card: Card) -> None:
    """The unit's picture over a strip of its strongest images; these alone, larger, where it has no picture."""
    picture = results.find(key := _request(view, card).key())
    if picture is not None:
        st.image(
            results.picture(key, "images", 0, 2 * PICTURE),
            width="stretch",
            output_format="PNG",
            alt=f"Picture of unit {card.unit} of {card.model}, {card.site}",
        )
    block(view, card, IMAGES, across=2 if picture is None else IMAGES)


def block(view: ConceptsView, card: Card, count: int, across: int) -> None:
    """The unit's strongest images as one picture, with what is on them below."""
    if not (seen := strongest(view, card, count)):
        st.caption("Its strongest images appear here once its layer is indexed.")
        return
    told = images.told(view.data, seen)
    st.image(
        images.block(view.data, seen, results.input_size(card.model), across),
        caption=f":small[{errors.escape(told)}]",
        width="stretch",
        output_format="PNG",
        alt=f"Strongest images of unit {card.unit} of {card.model}, {card.site}: {told}",
    )


def strongest(view: ConceptsView, card: Card, count: int) -> tuple[int, ...]:
    """Numbers of the images that excite the unit most; none where nobody has looked yet."""
    if card.strongest:
        return images.distinct(card.strongest, view.data, count)
    index = results.find(views.index(view, card.model, card.site).key())
    return () if index is None else images.distinct(index.arrays["top_mean"][card.unit], view.data, count)


def closer(view: ConceptsView, address: Address) -> None:
    """A link to these units or targets on the page that shows all of them."""
    st.page_link(
        SCRIPTS["visualize"],
        label="Open in Feature visualization",
        icon=":material/arrow_forward:",
        icon_position="right",
        query_params=query.write(View(a=address, data=view.data)),
    )


def _request(view: ConceptsView, card: Card) -> Request:
    return views.picture(view, card.model, card.site, card.unit)


def _part(view: ConceptsView, card: Card) -> Part:
    title = views.title(view, card.side, f"Picture of unit {card.unit} of `{card.site}`")
    return Part(card.name, title, _request(view, card))
