"""Taking a collection along as a file, and bringing one in."""

from __future__ import annotations

import re

import streamlit as st

from engine.core.errors import VitrineError
from engine.people.person import Person
from engine.sharing import collections
from engine.sharing.items import Collection
from pages.common import errors, who
from pages.common.keeping import short
from pages.sections.collections import state


def along(shown: Collection) -> None:
    """A collection as a file that can be imported, and as a page that stands on its own."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", shown.title).strip("-").lower()[:60] or "collection"
    person = who.person()

    def file() -> bytes:
        from engine.sharing import bundle

        return bundle.export(collections.find(shown.id, person))

    def page() -> str:
        from engine.sharing import document

        return document.page(collections.find(shown.id, person), root)

    root = short.long("home", {})
    with st.popover("Export", icon=":material/download:", key="export"):
        st.download_button("File", file, f"{name}.vitrine.zip", "application/zip", key="as_file", on_click="ignore")
        st.caption("With notes and results. It can be imported here and on other servers.")
        st.download_button("HTML", page, f"{name}.html", "text/html", key="as_html", on_click="ignore")
        st.caption("One page with its pictures, for anybody's browser.")


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
