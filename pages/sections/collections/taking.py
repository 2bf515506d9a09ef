"""Taking a collection along as a file, and bringing one in."""

from __future__ import annotations

import re
import threading
from functools import partial

import streamlit as st

from engine import COMMAND
from engine.core.choices import LARGEST_FILE
from engine.core.errors import BadRequest, VitrineError
from engine.people import audit
from engine.people.person import LOCAL, Person
from engine.sharing import access, collections, holding
from engine.sharing.items import Collection
from pages.common import errors, who
from pages.common.keeping import short
from pages.sections.collections import state

_ONE_AT_A_TIME = threading.Lock()


def along(shown: Collection) -> None:
    """A collection as a file that can be imported, and as a page that stands on its own."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", shown.title).strip("-").lower()[:60] or "collection"
    person = who.person()

    root = short.long("home", {})
    with st.popover("Export", icon=":material/download:", key="export"):
        if too_large(shown):
            st.caption(_elsewhere(shown, name))
        else:
            file = partial(archive, shown.id, person)
            st.download_button("File", file, f"{name}.vitrine.zip", "application/zip", key="as_file", on_click="ignore")
            st.caption("With notes and results. It can be imported here and on other servers.")
        html = partial(page, shown.id, person, root)
        st.download_button("HTML", html, f"{name}.html", "text/html", key="as_html", on_click="ignore")
        st.caption("One page with its pictures, for anybody's browser.")


def too_large(shown: Collection) -> bool:
    """Whether a collection has more results than a server can hold in memory for everybody who clicks."""
    return sum(holding.sizes(holding.keys_of(shown.id)).values()) > LARGEST_FILE


def _elsewhere(shown: Collection, name: str) -> str:
    """What to do where the file is too large for a browser. The command line sees what is shared."""
    share = "" if access.may_look(LOCAL, shown) else " Share the collection with everyone who has the link first."
    command = f"{COMMAND} collections export {shown.id} {name}.vitrine.zip"
    return f"The file is too large for a browser.{share} On the server: {errors.code(command)}"


def archive(id: str, person: Person) -> bytes:
    """A collection as a file that can be imported. Raises BadRequest where it is not open to this person, or too large."""
    from engine.sharing import bundle

    found = collections.find(id, person)
    if too_large(found):  # it has grown since the page was drawn
        raise BadRequest("This collection is too large for a browser. Reload the page: it says what to do.")
    with _ONE_AT_A_TIME:
        made = bundle.export(found)
    audit.note(person, "export", "done", key=id, kind="file")
    return made


def page(id: str, person: Person, root: str) -> str:
    """A collection as one HTML page, whose links begin with `root`. Raises BadRequest where it is not open to this person."""
    from engine.sharing import document

    found = collections.find(id, person)
    with _ONE_AT_A_TIME:
        made = document.page(found, root)
    audit.note(person, "export", "done", key=id, kind="page")
    return made


def popover(person: Person) -> None:
    """Where a file is dropped that was exported before."""
    with st.popover("Import", icon=":material/upload:", key="import"):
        given = st.file_uploader("A collection that was exported as a file", type="zip", key="import_file")
        if given is not None and st.button("Import", type="primary", key="import_now"):
            _take(given.getvalue(), person)


def _take(data: bytes, person: Person) -> None:
    from engine.sharing import bundle

    try:
        taken = bundle.import_(data, person)
    except VitrineError as error:
        st.error(errors.told(str(error)), icon=":material/error:")
        return
    state.show(taken.collection.id)
