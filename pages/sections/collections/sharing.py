"""Who may see a collection: said by its owner, with the link to hand on."""

from __future__ import annotations

import streamlit as st

from engine.people.person import Person
from engine.sharing import access, collections
from engine.sharing.access import SHARED
from engine.sharing.items import Collection
from pages.common import errors
from pages.common.keeping import copying, short
from pages.sections.collections import state


def draw(shown: Collection, person: Person) -> None:
    """The link in one click; for the owner, who may open it."""
    if shown.shared != "private" or not access.may_change(person, shown):
        copying.button(link(shown), "copy_collection", lambda: None)
    if access.may_change(person, shown):
        with st.popover("Share", icon=":material/group:", key="share"):
            _choose(shown, person)


def _choose(shown: Collection, person: Person) -> None:
    state_ = st.session_state
    state_["share_with"], state_["share_add"] = shown.shared, shown.others_add

    def save() -> None:
        state.attempt(
            collections.share,
            shown.id,
            person,
            state_["share_with"],
            bool(state_.get("share_add")),
        )

    st.radio(
        "Who may open it",
        SHARED,
        format_func=lambda shared: access.told(shared, person.groups),
        key="share_with",
        on_change=save,
    )
    if shown.shared != "private":
        st.toggle("They may add to it", key="share_add", on_change=save)
        st.code(link(shown), language=None, wrap_lines=True)
    if shown.shared == "group" and shown.groups:
        st.caption(f"Your group: {errors.escape(', '.join(sorted(shown.groups)))}.")


def link(shown: Collection) -> str:
    """The address of a collection's page."""
    return short.long("collections", {state.PARAMETER: shown.id})
