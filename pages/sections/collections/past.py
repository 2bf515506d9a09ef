"""The history: lines of what was made, with pictures, searched by words, kind and model."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.core.config import settings
from engine.core.experiments import experiments
from engine.people.person import Person
from engine.sharing import history, names, notices, recording
from engine.sharing.history import PAGE, Line, Wanted, Whose
from engine.sharing.items import Item, Picture
from pages.common import errors, style, words
from pages.common.experiments import opening, places
from pages.common.keeping import adding, pictures
from pages.sections.collections import state

ROW, THUMB = 420, 72
WHOSE: dict[Whose, str] = {"mine": "Mine", "group": "My group", "all": "Everything stored here"}


def draw(person: Person) -> None:
    """The page."""
    st.title("History", anchor=False)
    st.caption("What was computed, the newest first. Each opens its result.")
    recording.recorder().do(recording.catch_up)
    notices.see(person)
    _by_mail(person)
    wanted = _controls(person)
    _page(wanted, person)


def _by_mail(person: Person) -> None:
    """Whether this person wants an e-mail when something long is done; asked where the operator has set that up."""
    chosen = settings().sharing
    if not (chosen.mail_server and chosen.mail_from and person.address):
        return

    def save() -> None:
        state.attempt(names.prefer, person, notices.BY_MAIL, "yes" if st.session_state["hist_mail"] else "")

    st.session_state["hist_mail"] = bool(names.preference(person, notices.BY_MAIL))
    after = words.duration(chosen.notify_after_seconds)
    label = f"E-mail me when something is done that took longer than {after}"
    st.toggle(label, key="hist_mail", on_change=save, help=f"To {errors.escape(person.address)}.")


def _controls(person: Person) -> Wanted:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        allowed: list[Whose] = [whose for whose in WHOSE if history.may_see(whose, person)]
        whose: Whose = "mine"
        if len(allowed) > 1:
            # A list like its neighbours: other kinds of widgets are not as high.
            chosen = st.selectbox("Whose", allowed, format_func=WHOSE.__getitem__, key="hist_whose", width=220)
            whose = next((each for each in allowed if each == chosen), "mine")
        text = st.text_input(
            "Search", key="hist_words", placeholder="model, layer, unit, word, person", bind="query-params", width=280
        )
        known = experiments()
        kinds = history.choices("experiment", whose, person)
        kind = st.selectbox(
            "Kind",
            ["", *kinds],
            format_func=lambda name: known[name].title if name in known else name or "any",
            key="hist_kind",
            width=220,
        )
        model = st.selectbox(
            "Model",
            ["", *history.choices("model", whose, person)],
            format_func=lambda name: name or "any",
            key="hist_model",
            width=220,
        )
    return Wanted(text or "", kind or "", model or "", whose)


def _page(wanted: Wanted, person: Person) -> None:
    first = history.search(wanted, person)
    if not first.count:
        _empty(wanted)
        return
    pages = -(-first.count // PAGE)
    number = st.pagination(pages, key=f"hist_page_{hash(wanted)}") if pages > 1 else 1
    found = first if number == 1 else history.search(wanted, person, PAGE * (number - 1))
    st.caption("1 result" if first.count == 1 else f"{first.count:,} results")
    _rows(found.lines, person)


def _empty(wanted: Wanted) -> None:
    if wanted == Wanted(whose=wanted.whose):
        errors.hint("Nothing was computed yet. What you run on any page stands here afterwards.", "history")
        st.page_link(places.SCRIPTS["visualize"], label="Open Feature visualization", icon=":material/arrow_forward:")
    else:
        errors.hint("Nothing of that was found. Use fewer words, or another kind or model.", "search")


def _rows(lines: Sequence[Line], person: Person) -> None:
    with st.grid("auto", min_column_width=ROW, gap="small"):
        for line in lines:
            _row(line, person)


def _row(line: Line, person: Person) -> None:
    name = f"line-{line.key}-{hash(line.person) % 10**9}"
    with st.container(border=True, horizontal=True, gap="small", vertical_alignment="center", key=name):
        with st.container(width=THUMB):
            picture = pictures.of_line(line)
            if picture:
                st.image(picture, width=THUMB, output_format="PNG", alt=line.title)
            else:
                pictures.placeholder(pictures.looks_of_line(line), name, THUMB)
        with st.container(gap=None, key=f"{style.WRAPS}-{name}"):
            kind, _, what = line.title.partition(": ")
            st.page_link(
                places.RESULT, label=f"**{errors.escape(what or kind)}**", query_params={"r": line.key}, width="stretch"
            )
            st.caption(_told(kind if what else "", line, person))
        with st.container(horizontal=True, width="content", gap=None):
            if line.status == "done":
                adding.button(lambda: kept(line), name, small=True)
            if line.person == person.id:
                st.button(
                    "",
                    icon=":material/close:",
                    type="tertiary",
                    key=f"forget-{line.key}",
                    help="Take it out of your history. The result stays.",
                    on_click=state.attempt,
                    args=(history.forget, person, line.key),
                )


def _told(kind: str, line: Line, person: Person) -> str:
    """Its kind, whose it is where that is not the reader, when it was made, and how long that took."""
    whose = "" if line.person in ("", person.id) else errors.escape(names.name_of(line.person))
    took = f"took {words.duration(line.seconds)}" if line.seconds is not None else ""
    failed = "" if line.status == "done" else ":red[failed]"
    return " · ".join(filter(None, (errors.escape(kind), whose, words.ago(line.ended), took, failed)))


def kept(line: Line) -> Item:
    """A line of the history as an item of a collection: it opens the page that shows just this, where there is one."""
    opens = opening.of_facts(line.request)
    picture = Picture(key=line.key) if line.picture else None
    page, params = (opens.page, opens.link) if opens else ("result", {"r": line.key})
    return adding.item("result", line.title, params, results=[line.key], picture=picture, page=page)
