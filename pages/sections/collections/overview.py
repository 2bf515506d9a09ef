"""All collections that a person may see, each as a card; ways to begin one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.people.person import Person
from engine.sharing import access, collections, names
from engine.sharing.items import Collection
from pages.common import errors, words
from pages.common.experiments import places
from pages.common.keeping import pictures
from pages.sections.collections import state, taking

SHOWN = 4
CARD = 260


def draw(person: Person) -> None:
    """The page without a collection."""
    st.title("Collections", anchor=False)
    st.caption(
        "Units, images, results and views that you keep, with notes; for yourself, for your group, or for a link."
    )
    mine, others = collections.mine(person), collections.shared_with(person)
    if may_keep := access.may_keep(person):
        with st.container(horizontal=True):
            _new(person)
            taking.popover(person)
    if not mine:
        _empty(may_keep)
    else:
        _cards(mine, person)
    if others:
        st.header("Shared with you", anchor=False)
        _cards(others, person)


def _empty(may_keep: bool) -> None:
    if not may_keep:
        errors.hint("Keeping something takes a member of this server. What is shared with you stands here.", "bookmark")
        return
    errors.hint(
        "Nothing is kept yet. Press **Keep** (:material/bookmark_add:) beside any picture, chart or result, and your first "
        "collection begins with it.",
        "bookmark_add",
    )
    st.page_link(
        places.SCRIPTS["visualize"], label="Open an example with pictures to keep", icon=":material/arrow_forward:"
    )


def _new(person: Person) -> None:
    def create() -> None:
        made = state.attempt(collections.create, person, st.session_state["new_collection"])
        if made is not None:
            state.attempt(collections.choose, person, made.id)
            st.session_state["collection_made"] = made.id

    with st.popover("New collection", icon=":material/add:", key="new"), st.form("new_form", border=False):
        st.text_input("Name", key="new_collection", max_chars=200)
        st.form_submit_button("Create", type="primary", on_click=create)
    if made := st.session_state.pop("collection_made", None):
        state.show(made)


def _cards(shown: Sequence[Collection], person: Person) -> None:
    with st.grid("auto", min_column_width=CARD, gap="small"):
        for each in shown:
            _card(each, person)


def _card(shown: Collection, person: Person) -> None:
    with st.container(border=True, gap="xsmall", key=f"collection-{shown.id}", height="stretch"):
        _strip(shown)
        st.page_link(
            places.COLLECTIONS,
            label=f"**{errors.escape(shown.title)}**",
            query_params={state.PARAMETER: shown.id},
        )
        count = "1 item" if shown.count == 1 else f"{shown.count} items"
        whose = "" if shown.owner == person.id else f" · by {errors.escape(names.name_of(shown.owner))}"
        st.caption(f"{count} · {access.told(shown.shared, shown.groups).lower()}{whose} · {words.ago(shown.changed)}")


def _strip(shown: Collection) -> None:
    """The first pictures of a collection, side by side."""
    found = [(kept, picture) for kept in collections.items(shown)[:24] if (picture := pictures.of_item(kept.item))]
    with st.grid(SHOWN, min_column_width=40, wrap=False, gap="xxsmall"):
        for kept, picture in found[:SHOWN]:
            st.image(picture, width="stretch", output_format="PNG", alt=kept.item.title)
        for _ in range(SHOWN - len(found)):
            st.image(pictures.nothing(), width="stretch", output_format="PNG", alt="")
