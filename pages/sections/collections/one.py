"""One collection: what it is, whose, what it costs; what is in it; and what one may do with it."""

from __future__ import annotations

import streamlit as st

from engine.people.person import Person
from engine.sharing import access, collections, holding, names
from engine.sharing.items import Collection
from pages.common import errors, words
from pages.common.experiments import places
from pages.common.fragments import fragment
from pages.common.keeping import notes
from pages.sections.collections import cards, sharing, state, taking

LOOK_SECONDS = 4.0
"""How often a page of a shared collection looks whether somebody has changed it."""
NOT_KEPT = "What was computed last is not pinned: it is removed when room is needed."


def draw(id: str, person: Person) -> None:
    """The page of the collection of this id."""
    st.page_link(places.COLLECTIONS, label="All collections", icon=":material/arrow_back:")
    shown = collections.find(id, person)
    refusal = holding.keep(id)
    kept = collections.items(shown)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(errors.escape(shown.title), anchor=False, width="content")
        _tools(shown, person)
    _facts(shown, person)
    if refusal:
        st.warning(f"{NOT_KEPT} {errors.told(refusal)}", icon=":material/warning:")
    notes.draw(shown.about)
    if not kept:
        _empty(shown, person)
    cards.draw(shown, kept, person)
    if shown.shared != "private":
        _watch(shown, person)


def _facts(shown: Collection, person: Person) -> None:
    count = "1 item" if shown.count == 1 else f"{shown.count} items"
    held = sum(holding.sizes(holding.keys_of(shown.id)).values())
    parts = [
        f"By {errors.escape(names.shown(shown.owner, person))}",
        count,
        f"{words.size(held)} of results kept",
        access.told(shown.shared, shown.groups).lower() + (", who may add" if shown.others_add else ""),
        f"changed {words.ago(shown.changed)}",
    ]
    st.caption(" · ".join(parts), help="The results of a collection are pinned: they are never removed to make room.")


def _tools(shown: Collection, person: Person) -> None:
    with st.container(horizontal=True, width="content", vertical_alignment="center"):
        sharing.draw(shown, person)
        taking.along(shown)
        if access.may_change(person, shown):
            _edit(shown, person)
        if not access.may_change(person, shown) and access.may_keep(person):
            st.button("Copy", icon=":material/content_copy:", key="copy", on_click=_copy, args=(shown, person))
        current = collections.current(person)
        if access.may_add(person, shown) and (current is None or current.id != shown.id):
            st.button(
                "Keep here",
                icon=":material/bookmark_add:",
                key="here",
                help="From now on, Keep adds to this collection.",
                on_click=state.attempt,
                args=(collections.choose, person, shown.id),
            )
    if made := st.session_state.pop("collection_copied", None):
        state.show(made)
    if st.session_state.pop("collection_deleted", False):
        state.show(None)


def _edit(shown: Collection, person: Person) -> None:
    def save() -> None:
        said = {name: st.session_state[f"edit_{name}"] for name in ("title", "about")}
        state.attempt(collections.change, shown.id, person, **said)

    def delete() -> None:
        state.attempt(collections.delete, shown.id, person)
        st.session_state["collection_deleted"] = True

    with st.popover("Edit", icon=":material/edit:", key="edit"):
        with st.form("edit_form", border=False):
            st.text_input("Name", shown.title, key="edit_title", max_chars=200)
            st.text_area(
                "About", shown.about, key="edit_about", max_chars=10_000, help="Markdown, without HTML and images."
            )
            st.form_submit_button("Save", type="primary", on_click=save)
        st.divider()
        sure = st.checkbox("Delete this collection, its order and its notes", key="delete_sure")
        st.button("Delete", icon=":material/delete:", key="delete", disabled=not sure, on_click=delete)


def _copy(shown: Collection, person: Person) -> None:
    made = state.attempt(collections.copy, shown.id, person)
    if made is not None:
        st.session_state["collection_copied"] = made.id


def _empty(shown: Collection, person: Person) -> None:
    if access.may_add(person, shown):
        errors.hint(
            "Nothing is in it yet. Press **Keep** (:material/bookmark_add:) beside any picture, chart or result, and it "
            "stands here.",
            "bookmark_add",
        )
        st.page_link(places.SCRIPTS["visualize"], label="Open Feature visualization", icon=":material/arrow_forward:")
    else:
        errors.hint("Nothing is in it yet.", "bookmark")


def _watch(shown: Collection, person: Person) -> None:
    """Draw the page again when somebody else has changed what it shows."""

    @fragment(LOOK_SECONDS)
    def look() -> None:
        with errors.shown():
            if collections.find(shown.id, person).changed != shown.changed:
                st.rerun()

    look()
