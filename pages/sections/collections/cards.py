"""What is in a collection: a card for each item, in order, that opens what it is of."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.people.person import Person
from engine.sharing import access, collections, names
from engine.sharing.items import Collection, Kept
from pages.common import errors, style, words
from pages.common.experiments import places
from pages.common.keeping import notes, pictures
from pages.sections.collections import state

CARD = 220
AT_ONCE = 60
"""Items on a page at most."""


def draw(shown: Collection, kept: Sequence[Kept], person: Person) -> None:
    """Cards side by side, as many as fit; pages of them where there are many."""
    pages = -(-len(kept) // AT_ONCE)
    start = AT_ONCE * (st.pagination(pages, key="collection_page") - 1) if pages > 1 else 0
    with st.grid("auto", min_column_width=CARD, gap="small"):
        for each in kept[start : start + AT_ONCE]:
            _card(shown, kept, each, person)


def _card(shown: Collection, kept: Sequence[Kept], each: Kept, person: Person) -> None:
    item = each.item
    with st.container(border=True, gap="xsmall", key=f"card-kept-{each.id}", height="stretch"):
        picture = pictures.of_item(item)
        if picture is None:
            pictures.placeholder(pictures.looks_of(item.kind, item.page), f"kept-{each.id}")
        else:
            st.image(picture, width="stretch", output_format="PNG", alt=f"{item.kind}: {item.title}")
        title = f"**{errors.escape(words.breakable(item.title))}**"
        if (script := places.BY_NAME.get(item.page)) is None:
            st.markdown(errors.code(item.title))
        else:
            with st.container(key=f"{style.WRAPS}-kept-{each.id}"):
                st.page_link(script, label=title, query_params=item.params)
        st.caption(f"{item.kind} · {errors.escape(names.shown(each.added_by, person))} · {words.ago(each.added)}")
        notes.draw(each.note)
        if access.may_change(person, shown) or (access.may_add(person, shown) and each.added_by == person.id):
            _tools(shown, kept, each, person)


def _tools(shown: Collection, kept: Sequence[Kept], each: Kept, person: Person) -> None:
    note = f"note_{each.id}"

    def save() -> None:
        state.attempt(collections.annotate, shown.id, person, each.id, st.session_state[note])

    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        with (
            st.popover("Note", icon=":material/edit_note:", type="tertiary", key=f"edit-{note}"),
            st.form(f"form-{note}", border=False),
        ):
            st.text_area("Note", each.note, key=note, max_chars=10_000, help="Markdown, without HTML and images.")
            st.form_submit_button("Save", type="primary", on_click=save)
        if access.may_change(person, shown):
            _move(shown, kept, each, person, -1)
            _move(shown, kept, each, person, 1)
        st.button(
            "",
            icon=":material/close:",
            type="tertiary",
            key=f"remove-{each.id}",
            help="Take it out",
            on_click=state.attempt,
            args=(collections.remove, shown.id, person, each.id),
        )


def _move(shown: Collection, kept: Sequence[Kept], each: Kept, person: Person, by: int) -> None:
    ids = [other.id for other in kept]
    at = ids.index(each.id)
    to = at + by
    inside = 0 <= to < len(ids)
    if inside:
        ids[at], ids[to] = ids[to], ids[at]
    st.button(
        "",
        icon=":material/chevron_left:" if by < 0 else ":material/chevron_right:",
        type="tertiary",
        key=f"move-{each.id}-{by}",
        help="Earlier" if by < 0 else "Later",
        disabled=not inside,
        on_click=state.attempt,
        args=(collections.order, shown.id, person, ids),
    )
