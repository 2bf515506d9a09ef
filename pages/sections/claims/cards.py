"""A card for each claim: what the paper says, what comes of it here, one figure, and what is still to be computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd
import streamlit as st

from engine.core.experiments import Page
from pages.common import colours, errors, results
from pages.common.charts import figure as charts
from pages.common.charts.files import Files, Pictures, Source
from pages.common.experiment_page import ExperimentPage
from pages.common.experiment_page import Part as PagePart
from pages.common.experiments.places import SCRIPTS
from pages.sections.claims import closer, offers, strips
from pages.sections.claims.view import ClaimsView

if TYPE_CHECKING:
    from engine.claims.claim import Claim, Part, Verdict
    from engine.claims.subject import Subject
    from engine.figures.chart import Chart

Strip = tuple[str, bytes, str]
"""Pictures side by side: under which name, as PNG, and what each is."""
CLICKED = "claim_clicked"
Where: TypeAlias = "tuple[Page, dict[str, str]] | None"
Told: TypeAlias = "tuple[Verdict | None, Chart | None, list[Strip]]"


def draw(page: ExperimentPage[ClaimsView], view: ClaimsView, places: Mapping[str, str]) -> None:
    """All of them, in the order of the paper (but the one that a link names first), under what they come to together. `places`:
    the stored keys of pictures that came along, by their unit's address."""
    from engine.claims.order import CLAIMS

    if (clicked := st.session_state.pop(CLICKED, None)) is not None:
        st.switch_page(SCRIPTS[clicked[0]], query_params=clicked[1])
    subject = view.subject
    parts = {claim.name: claim.parts(subject) for claim in CLAIMS}
    needed = {part.name: part for each in parts.values() for part in each}
    keys = {name: part.request.key() for name, part in needed.items()}
    there = {name: key for name, key in keys.items() if results.find(key) is not None}
    told = {claim.name: _told(claim.name, _fields(subject), _there(parts[claim.name], there)) for claim in CLAIMS}
    asked = [PagePart(name, part.what, part.request) for name, part in needed.items()]
    page.bar(_summary([verdict for verdict, *_ in told.values()]), asked, name="vitrine-claims")
    absent = {name: part for name, part in needed.items() if name not in there}
    batch = page.batch([part.request for part in needed.values()]) if absent else None
    if absent:
        offers.every(page, absent, keys, batch)
    for number, claim in sorted(enumerate(CLAIMS, 1), key=lambda each: each[1].name != view.claim):
        with errors.shown(), st.container(border=True, key=f"claim-card-{claim.name}"):
            own = parts[claim.name]
            source = Source("claims", page.write(view), tuple(key for _, key in _there(own, there)))
            _card(number, claim, told[claim.name], source, closer.look(own, subject))
            if claim.name == strips.CLAIM:
                strips.draw(subject, places, source)
            if lacking := [part for part in own if part.name in absent]:
                offers.one(page, claim, lacking, batch)


def look_ahead(subject: Subject) -> None:
    """Have what comes of each claim ready, so that nobody's first look at the page waits for it."""
    from engine.claims.order import CLAIMS

    for claim in CLAIMS:
        keys = {part.name: part.request.key() for part in claim.parts(subject)}
        there = {name: key for name, key in keys.items() if results.read(key) is not None}
        _, chart, _ = _told(claim.name, _fields(subject), _there(claim.parts(subject), there))
        if chart is not None:
            charts.look_ahead(replace(chart, caption=""))


def _fields(subject: Subject) -> tuple[str, str, str, str]:
    return subject.a, subject.b, subject.clip, subject.data


def _there(parts: Sequence[Part], there: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The results that are there of those that a claim needs: names and keys."""
    return tuple((part.name, there[part.name]) for part in parts if part.name in there)


@st.cache_resource(max_entries=256, show_spinner=False)
def _told(name: str, fields: tuple[str, str, str, str], keys: tuple[tuple[str, str], ...]) -> Told:
    """What comes of a claim, its figure and its pictures, from the results under these keys."""
    from engine.claims.order import CLAIMS
    from engine.claims.subject import Subject
    from engine.core.images import to_png

    claim, subject = next(each for each in CLAIMS if each.name == name), Subject(*fields)
    there = {name: result for name, key in keys if (result := results.read(key)) is not None}
    pictures = [(each.label, to_png(each.pictures), each.says) for each in claim.strips(subject, there)]
    return claim.verdict(subject, there), claim.figure(subject, there), pictures


def _summary(verdicts: Sequence[Verdict | None]) -> str:
    """How many claims hold, and so on."""
    counts = {
        word: sum(verdict is not None and verdict.word == word for verdict in verdicts) for word in colours.VERDICTS
    }
    words = {
        "does not hold": ("does not hold", "do not hold"),
        "cannot be told here": ("cannot be told", "cannot be told"),
    }
    both = {word: words.get(word, (word, word.replace("holds", "hold"))) for word in colours.VERDICTS}
    said = [f"{count} {both[word][count > 1]}" for word, count in counts.items() if count]
    pending = sum(verdict is None for verdict in verdicts)
    return (
        f"Of {len(verdicts)} claims " + ", ".join([*said, *([f"{pending} not computed yet"] if pending else [])]) + "."
    )


def _card(number: int, claim: Claim, told: Told, source: Source, where: Where) -> None:
    verdict, figure, pictures = told
    _head(number, claim, verdict)
    text, shown = st.columns([1, 1.15], gap="large") if figure else (st.container(), None)
    with text:
        _words(claim, verdict, where)
    if figure and shown:
        with shown:
            _figure(claim, figure, replace(source, finding=verdict.sentence if verdict else claim.title), where)
    if pictures:
        _strips(claim, pictures, source)


def _head(number: int, claim: Claim, verdict: Verdict | None) -> None:
    word = verdict.word if verdict else "not computed yet"
    icon, colour = colours.VERDICTS.get(word, colours.PENDING)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(f"{number}. {claim.title}", anchor=claim.name, width="content")
        st.badge(word[0].upper() + word[1:], icon=icon, color=colour, width="content")


def _words(claim: Claim, verdict: Verdict | None, where: Where) -> None:
    st.markdown(errors.escape(claim.says))
    st.markdown(f"**In the paper** ({claim.where}): {errors.escape(claim.paper)}.")
    if verdict and verdict.shown:
        st.markdown(f"**Here: {errors.escape(verdict.shown)}** {errors.escape(verdict.unit)}.")
    if verdict:
        st.markdown(errors.escape(verdict.sentence))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if verdict and where:
            label, icon = "Look closer", ":material/arrow_forward:"
            st.page_link(SCRIPTS[where[0]], label=label, icon=icon, query_params=where[1])
        with st.popover("How it is measured", type="tertiary"):
            st.markdown(errors.escape(claim.measured))


def _figure(claim: Claim, shown: Chart, source: Source, where: Where) -> None:
    """The chart. A click on a point that opens something goes there when the page runs again: from there one can go to another
    page."""
    from engine.claims.figure import numbers

    def clicked(what: list) -> None:
        if where is not None:
            st.session_state[CLICKED] = (where[0], closer.at(where, str(what[0])))

    key, note = f"claim-{claim.name}", errors.escape(shown.caption)
    opens = closer.POINTS.get(where[0], "") if where is not None and any(each.opens for each in shown.series) else ""
    charts.draw(
        replace(shown, caption=""), numbers(shown), source, key=key, note=note,
        opens=opens, on_click=clicked if opens else None,
    )  # fmt: skip


def _strips(claim: Claim, pictures: Sequence[Strip], source: Source) -> None:
    """Pictures that belong to the claim, one row of them for each kind."""
    with st.grid(len(pictures), min_column_width=200, gap="small"):
        for label, png, says in pictures:
            with st.container(gap="xsmall"):
                st.image(png, width="stretch", output_format="PNG", alt=says)
                st.caption(f"**{errors.escape(label)}:** {errors.escape(says)}")

    charts.pictures(f"claim-{claim.name}-pictures", lambda: _files(claim, pictures, source))


def _files(claim: Claim, pictures: Sequence[Strip], source: Source) -> Files:
    """A claim's pictures as one figure."""
    from engine.core.images import open_image
    from engine.figures.layout import Card, Row

    def rows() -> list[Row]:
        return [Row(label, (Card(open_image(png), (says,)),)) for label, png, says in pictures]

    numbers = pd.DataFrame([{"of": label, "shows": says} for label, _, says in pictures])
    return Files(Pictures(claim.title, rows, 1, caption=claim.measured), lambda: numbers, source)
