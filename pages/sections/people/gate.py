"""Before every page: whether somebody may come in; where not, why, and the way to sign in."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import streamlit as st

from engine.core import config
from engine.core.errors import Forbidden, VitrineError
from engine.core.settings.access import Access
from engine.people import audit
from engine.people.identity import NotListed
from engine.people.person import Person
from pages.common import errors, who
from pages.common.experiments.places import ACTIVITY, PRIVACY

log = logging.getLogger(__name__)

NOT_SET_UP = "Signing in is not set up on this server. Its operator finds in the log what is missing."


def refusal() -> Forbidden | None:
    """Why whoever looks may not come in; None where they may. Errors in the settings close nothing: the page says what is wrong
    with them, and nothing else."""
    try:
        who.person()
    except Forbidden as why:
        return why
    except VitrineError:
        return None
    return None


def draw(refusal: Forbidden) -> None:
    """What stands in the place of a page: why, and the way to sign in or out."""
    st.title("Vitrine", anchor=False)
    if isinstance(refusal, NotListed):
        _note_once(refusal)
        st.warning(errors.told(str(refusal)), icon=":material/person_off:")
        if config.settings().access.login == "oidc":
            sign_out()
        return
    st.markdown("Shows what vision models learn. This server is for people who signed in.")
    if config.settings().access.login == "oidc":
        sign_in("primary")
    else:
        st.info("Open it through the address at which your organisation signs you in.", icon=":material/login:")


def _note_once(refusal: NotListed) -> None:
    """A stranger's knock stands in the audit once a session."""
    if not st.session_state.get("knocked"):
        st.session_state["knocked"] = True
        audit.note(Person("stranger", "a stranger", "viewer"), "sign in", "refused", reason=str(refusal))


def rooms() -> list[Any]:
    """The pages of operators, in the menu where one looks who watches over others. They are pages for everybody who knows their
    address; what they show, the engine gives to operators alone."""
    watched, person = config_or_none(), who.here()
    operates = person is not None and person.is_at_least("operator") and watched is not None and watched.audits
    activity = st.Page(
        ACTIVITY, title="Activity", icon=":material/groups:", visibility="visible" if operates else "hidden"
    )
    return [st.Page(PRIVACY, title="Privacy and your data", icon=":material/shield_person:"), activity]


def config_or_none() -> Access | None:
    """The table `[access]`; None where the settings cannot be read."""
    with suppress(VitrineError):
        return config.settings().access
    return None


def sign_in(kind: str = "tertiary") -> None:
    """A button for each sign-in service that the secrets name."""
    if (missing := not_set_up()) is not None:
        log.error("%s", missing)
        st.warning(NOT_SET_UP, icon=":material/key_off:")
        return
    for service in services():
        label = f"Sign in with {service.replace('-', ' ').title()}" if service else "Sign in"
        st.button(
            label,
            icon=":material/login:",
            type="primary" if kind == "primary" else "tertiary",
            key=f"sign-in-{service}",
            on_click=st.login,
            args=(service or None,),
        )


def sign_out() -> None:
    """A button that signs out here and at the sign-in service."""
    st.button("Sign out", icon=":material/logout:", key="sign-out", type="tertiary", on_click=st.logout)


def services() -> list[str]:
    """The names of the sign-in services; one without a name is empty."""
    found = _secrets()
    named = [name for name, inner in found.items() if isinstance(inner, Mapping) and "client_id" in inner]
    return named or [""]


def not_set_up() -> str | None:
    """What is missing to sign in, for the log; None where nothing is."""
    if importlib.util.find_spec("authlib") is None:
        return "login = “oidc” needs the package Authlib: pip install -r requirements-login.txt."
    found = _secrets()
    if not found:
        return (
            "login = “oidc” needs the section [auth] in .streamlit/secrets.toml (docs/hosting.md, “Who may come in”)."
        )
    needed = ("redirect_uri", "cookie_secret")
    if absent := [name for name in needed if not found.get(name)]:
        return f"The section [auth] of .streamlit/secrets.toml lacks {' and '.join(absent)}."
    return None


def _secrets() -> Mapping[str, object]:
    try:
        found = st.secrets.get("auth", {})
    except (FileNotFoundError, OSError):
        return {}
    return found if isinstance(found, Mapping) else {}
