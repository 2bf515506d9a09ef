"""Errors and hints on screen: what was wrong and what to do, never a traceback.

Invariant: an error that is not Vitrine's own is logged in full under an id, and only the id is shown.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from engine.core import logs
from engine.core.errors import VitrineError
from engine.core.paths import without_folders
from pages.common.experiments.places import MODELS

log = logging.getLogger("vitrine")

UNSEEN = "\u2060"  # Unicode's word joiner: it has no width, and nothing breaks there
_AT = re.compile(r"(?<=\w)@(?=head\.|[a-z]+\.\d)")
"""Of a layer's address: its name begins with `head.`, or with a word and a number; a person's is left as it is, to be copied."""


def show(error: Exception) -> None:
    """One sentence for a person: the message of a VitrineError, or an id under which the log has the rest."""
    if isinstance(error, VitrineError):
        st.error(told(str(error)), icon=":material/error:")
        offer_to_fetch(getattr(error, "model", ""))
        return
    number = logs.this_id()
    log.error("unexpected error %s", number, exc_info=error)
    st.error(
        f"An unexpected error occurred. No computed results are lost. The server's log has the details under {number}.",
        icon=":material/error:",
    )


def public(text: str) -> str:
    """A sentence as this person may read it: where things lie on the server's disk is for its operators."""
    from pages.common import who

    asks = who.here()
    return without_folders(text) if asks is None else asks.may_read(text)


def told(text: str) -> str:
    """What the program says of its work, as this person may read it, safe inside Streamlit's Markdown."""
    return escape(public(text))


def offer_to_fetch(model: str) -> None:
    """The way to the page where a model that is not here is fetched, for those who may; nothing for other names."""
    from engine.models import guard
    from pages.common import who

    asks = who.here()
    if model and asks is not None and guard.may_fetch(asks):
        st.page_link(MODELS, label=f"Fetch {escape(model)}", icon=":material/download:", query_params={"fetch": model})


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
    # What looks like an e-mail address, as a layer's does (model@site), becomes a link however it is escaped.
    text = _AT.sub(f"@{UNSEEN}", text)
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#+!|$~:" else letter for letter in text)
