"""A person's tokens: made here, shown once, taken back here."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from engine.core.config import settings
from engine.people.person import ROLES, Person
from engine.sharing import tokens
from engine.sharing.tokens import LONGEST_LABEL
from pages.common import errors, words
from pages.common.keeping import short
from pages.sections.collections import state

_MADE = "token_made"


def draw(person: Person) -> None:
    """The page."""
    st.title("API tokens", anchor=False)
    st.caption(
        "With a token, scripts and notebooks ask this server in your name: with your role, your limits and your history."
    )
    if made := st.session_state.pop(_MADE, None):
        st.success("Copy it now. It is not shown again.", icon=":material/key:")
        st.code(made, language=None, wrap_lines=True)
    st.code(
        f'import vitrine\n\nserver = vitrine.connect("{short.long("home", {})}", token)\n'
        'server.visualize("starter-vit@blocks.6.mlp.hidden:0-7")',
        language=None,
        wrap_lines=True,
    )
    _new(person)
    _list(person)


def _new(person: Person) -> None:
    longest = settings().sharing.token_days

    def make() -> None:
        said = st.session_state
        made = state.attempt(tokens.make, person, said["token_label"], int(said["token_days"]), said["token_role"])
        if made:
            said[_MADE] = made

    allowed = [role for role in ROLES if person.is_at_least(role)]
    with st.form("token_form", border=True), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "What it is for", key="token_label", max_chars=LONGEST_LABEL, placeholder="notebook on my laptop", width=260
        )
        st.number_input(
            "Days", 1, longest, min(30, longest), key="token_days", width=120, help="Afterwards it opens nothing."
        )
        st.selectbox(
            "May",
            allowed,
            len(allowed) - 1,
            key="token_role",
            width=160,
            help="A viewer opens results; a member computes.",
        )
        st.form_submit_button("Make a token", type="primary", on_click=make)


def _list(person: Person) -> None:
    mine = tokens.mine(person)
    if not mine:
        errors.hint(
            "You have no tokens. Scripts on this machine itself need none: they use `import vitrine` as it is.", "key"
        )
    for each in mine:
        with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            used = "never used" if each.used is None else f"used {words.ago(each.used)}"
            st.markdown(
                f"**{errors.escape(each.label)}** · {each.role} · until {datetime.fromtimestamp(each.ends):%Y-%m-%d} · {used}",
                width="content",
            )
            st.button(
                "Take back",
                icon=":material/block:",
                key=f"revoke-{each.id}",
                on_click=state.attempt,
                args=(tokens.revoke, person, each.id),
            )
