"""Short links on a page: `?v=ID` is followed to what it stands for, and offered for what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import streamlit as st

from engine.core.errors import VitrineError
from engine.sharing import links
from pages.common import errors, query, who
from pages.common.experiments import places
from pages.common.keeping import copying


def follow() -> None:
    """Go where a short link leads, if the address is one."""
    id = st.query_params.get(links.PARAMETER)
    if not id:
        return
    try:
        view = links.find(id)
        script = places.BY_NAME.get(view.page)
        if script is not None:
            st.switch_page(script, query_params=view.params)
        st.error(errors.escape(links.GONE), icon=":material/link_off:")
    except VitrineError as error:
        st.error(errors.told(str(error)), icon=":material/link_off:")
    del st.query_params[links.PARAMETER]


def copy(params: Mapping[str, str], key: str) -> None:
    """A button that copies the short link of the open page with these parameters; the long one where no short one can be made."""
    page = places.opened()
    try:
        text = address(page, params)
    except VitrineError:
        copying.button(long(page, params), key, lambda: None)
        return

    def keep() -> None:
        with errors.shown():
            links.keep(page, params, who.person())

    copying.button(text, key, keep)


def address(page: str, params: Mapping[str, str]) -> str:
    """The short link of a page with these parameters. It leads there once it was kept."""
    return _root() + query.text({links.PARAMETER: links.id_of(page, params)})


def long(page: str, params: Mapping[str, str]) -> str:
    """The link that says all by itself."""
    here = "" if page == "home" else page
    return f"{_root()}{here}" + (query.text(params) if params else "")


def _root() -> str:
    """The address of the home page, under which all others stand."""
    here = urlsplit(st.context.url or "")
    path = here.path
    if path.rsplit("/", 1)[-1] == places.opened():
        path = path.rsplit("/", 1)[0]
    return urlunsplit((here.scheme, here.netloc, path.rstrip("/") + "/", "", ""))
