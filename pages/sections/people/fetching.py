"""Having a model fetched from the hub: what a link names and is not here, how large it is, and a button; and what was fetched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from engine.core import config
from engine.core.errors import BadRequest, VitrineError
from engine.people import audit
from pages.common import errors, who, words
from pages.common.fragments import fragment
from pages.common.units.uploads import file_box

if TYPE_CHECKING:
    from engine.models.downloads import Download

ABOUT = (
    "Any model of timm and many of open_clip can be fetched from the Hugging Face hub, like `timm/resnet50.a1_in1k` or "
    "`open_clip/ViT-B-16/openai`. Nothing is fetched before somebody presses the button."
)
POLL_SECONDS = 2.0


def named_by_link() -> bool:
    """Whether a link names a model to fetch."""
    return "fetch" in st.query_params


def draw() -> None:
    """A box for a model's name, which a link may have filled in; then its size and the button, or how far it is."""
    st.header("Fetch a model", anchor=False)
    st.caption(ABOUT)
    link = st.query_params.get("fetch")
    if link and link != st.session_state.get("fetch_link"):
        st.session_state["fetch_link"] = st.session_state["fetch_name"] = link
    name = st.text_input("Name of the model", key="fetch_name", placeholder="timm/…").strip()
    if name:
        with errors.shown():
            _about(name)
    _kept()


def _about(name: str) -> None:
    from engine.models import catalog, guard
    from engine.models.downloads import downloads

    entry = catalog.find(name)
    if entry.available:
        st.success(f"{errors.escape(entry.name)} is on this machine.", icon=":material/check_circle:")
        return
    if catalog.source_of(entry).place(entry) is None:
        raise BadRequest(f"{entry.name} is not fetched from the hub. {entry.note}")
    download = downloads().of(entry.name)
    if download is not None and not download.ended:
        _underway(entry.name)
        return
    if download is not None and download.stopped:
        errors.hint("This was cancelled. Nothing of it is kept.", "stop_circle")
    elif download is not None and download.error:
        st.error(errors.told(download.error), icon=":material/error:")
    absent, licence = f"{errors.escape(entry.name)} is not on this machine", errors.escape(entry.licence)
    if not guard.may_fetch(who.person()):  # the hub is not asked either: a link may name anything
        st.markdown(f"{absent}. Licence: {licence}.")
        errors.hint("You may not have models fetched here. Ask whoever runs this server.", "block")
        return
    size = _size(entry.name)
    told = "of a size that the hub does not say" if size is None else f"about {words.size(size)}"
    st.markdown(f"{absent} ({told}). Licence: {licence}.")
    if st.button(f"Fetch it ({told})", icon=":material/download:", type="primary", key="fetch"):
        downloads().start(entry.name, who.person())
        st.rerun()


@fragment(POLL_SECONDS)
def _underway(name: str) -> None:
    from engine.models.downloads import downloads

    download = downloads().of(name)
    if download is None or download.ended:
        st.rerun()
    else:
        share = min(download.came / download.total, 1.0) if download.total else 0.0
        st.progress(share, text=errors.escape(_how_far(download)))
        st.caption("You can leave this page.")
        if download.stopped:
            st.caption("Cancelling")
        elif download.may_cancel(who.person()):
            st.button("Cancel", icon=":material/stop_circle:", key="fetch-cancel", on_click=_cancel, args=(name,))


def _how_far(download: Download) -> str:
    """How much of a download has come, in words."""
    since = words.duration(time.time() - download.began)
    if not download.total:
        return f"Fetching {download.model}, since {since}"
    return f"Fetching {download.model}: {words.size(download.came)} of {words.size(download.total)}, since {since}"


def _cancel(name: str) -> None:
    from engine.models.downloads import downloads

    with errors.shown():
        downloads().cancel(name, who.person())


@st.cache_data(ttl=3600, max_entries=64, show_spinner="Asking the hub how large it is")
def _size(name: str) -> int | None:
    from engine.models import catalog, hub

    entry = catalog.find(name)
    place = catalog.source_of(entry).place(entry)
    return None if place is None else hub.size(place)


def upload() -> None:
    """A box for a checkpoint of one's own, where the operator allows it."""
    if not config.settings().limits.checkpoints or not who.person().is_at_least("member"):
        return
    st.header("Upload a checkpoint", anchor=False)
    architecture = st.text_input(
        "Architecture of timm", key="checkpoint_architecture", placeholder="vit_small_patch16_224"
    ).strip()
    given = file_box("Weights (safetensors)", "checkpoint_file")
    if given is not None and architecture and st.button("Keep it", key="checkpoint_keep", icon=":material/upload:"):
        with errors.shown():
            from engine.models.sources import uploaded

            name = uploaded.keep(given.getvalue(), given.name[:80], architecture, who.person())
            st.success(f"Use it wherever a model is chosen, as {errors.code(name)}.", icon=":material/check_circle:")


def _kept() -> None:
    """What the hub's cache holds on this machine, for operators, who can remove it."""
    from engine.models import hub

    if not who.person().is_at_least("operator"):
        return
    there = hub.kept()
    if not there:
        return
    with st.expander(f"Fetched before: {len(there)}, {words.size(sum(there.values()))}", icon=":material/hard_drive:"):
        for repository, size in sorted(there.items(), key=lambda each: -each[1]):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"{errors.escape(repository)} · {words.size(size)}", width="content")
                st.button(
                    "Remove",
                    key=f"unfetch-{repository}",
                    icon=":material/delete:",
                    on_click=_remove,
                    args=(repository,),
                )


def _remove(repository: str) -> None:
    from engine.models import hub

    try:
        (person := who.person()).require("operator", "remove models")
        hub.remove(repository)
        audit.note(person, "remove", "done", model=repository)
    except VitrineError as error:
        st.toast(errors.told(str(error)), icon=":material/error:")
