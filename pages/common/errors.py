"""Errors and hints on screen: what was wrong and what to do, never a traceback.

Invariant: an error that is not Vitrine's own is logged in full under an id, and only the id is shown.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from engine.core.errors import VitrineError

log = logging.getLogger("vitrine")


def show(error: Exception) -> None:
    """One sentence for a person: the message of a VitrineError, or an id under which the log has the rest."""
    if isinstance(error, VitrineError):
        st.error(escape(str(error)), icon=":material/error:")
        return
    number = secrets.token_hex(4)
    log.error("unexpected error %s", number, exc_info=error)
    st.error(
        f"An unexpected error occurred. No computed results are lost. The server's log has the details under {number}.",
        icon=":material/error:",
    )


def hint(text: str, icon: str = "lightbulb") -> None:
    """What to do here, for where there is nothing to see yet. Quiet: no colour, since colours mean models."""
    with st.container(border=True):
        st.markdown(f":material/{icon}: {text}")


@contextmanager
def shown() -> Iterator[None]:
    """Whatever goes wrong inside is shown here; what stands outside goes on."""
    try:
        yield
    except Exception as error:  # Streamlit's own control flow is not an Exception and passes through
        show(error)


def last_net(error: Exception) -> bool:
    """For errors in callbacks and elsewhere outside `shown`: shown the same way."""
    show(error)
    return True


def code(text: str) -> str:
    """Text of unknown origin as code inside Streamlit's Markdown: on one line, and nothing in it ends the code early."""
    return f"`{' '.join(text.split()).replace('`', 'ˋ')}`"


def escape(text: str) -> str:
    """Text of unknown origin, safe inside Streamlit's Markdown: shown as it is, without links, images or directives."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#+!|$~:" else letter for letter in text)
