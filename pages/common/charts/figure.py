"""A chart under its finding, with what it is below, and beside that the ways to take it along; the same ways for pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from pages.common import colours, errors, sharing
from pages.common.charts.clicks import clicked, selected
from pages.common.charts.files import Files, Source, plain
from pages.common.keeping import adding, kinds

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from engine.figures.chart import Chart

BUTTONS = ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]
"""Of a cloud, in which points are selected and which is looked at closely."""
FIGURE, ICON = "Figure", ":material/photo_size_select_large:"
HELP = "For papers and slides: always on white, at the widths of a paper's columns."
TAKEN = (
    "PNG at four pixels a point; drop it on the home page to open what it shows. The ZIP also holds the numbers, the requests, "
    "a script that makes them again, LaTeX and BibTeX."
)


def draw(
    chart: Chart,
    numbers: pd.DataFrame,
    source: Source,
    *,
    key: str,
    note: str = "",
    opens: str = "",
    on_click: Callable[[list[Any]], None] | None = None,
) -> list[list[Any]]:
    """The chart, its finding above it, `note` (Markdown: how it was measured) below it. `key` also names its files.

    `on_click` is given what a clicked point carries, before the page runs again; `opens` says what it opens. In a cloud
    many points can be selected: gives what they carry.
    """
    cloud = chart.kind == "cloud"

    def chosen() -> None:
        if on_click is not None and (what := clicked(st.session_state.get(key))) is not None:
            on_click(what)

    with st.container(key=f"{key}-figure", gap="xsmall"):
        if chart.finding:
            st.markdown(f"**{chart.finding}**")
        event = st.plotly_chart(
            _plot(chart, chart.digest(), colours.theme()),
            key=key,
            on_select=chosen if on_click else "rerun" if cloud else "ignore",
            selection_mode=("points", "box", "lasso") if cloud else "points",
            config={"displaylogo": False, "modeBarButtons": [BUTTONS]} if cloud else {"displayModeBar": False},
            alt=plain(" ".join(filter(None, (chart.title, chart.finding or source.finding)))) or key,
        )
        told = " ".join(filter(None, (note, f"Click a point to open {opens}." if opens else "")))
        with st.container(
            horizontal=True, gap="small", horizontal_alignment="right"
        ):  # one below the other where it is narrow
            if told:
                st.caption(told, width="stretch")
            with st.container(horizontal=True, gap="xsmall", width="content", vertical_alignment="center"):
                printed = replace(
                    chart, finding=plain(chart.finding or source.finding), caption=chart.caption or plain(note)
                )
                take(Files(printed, lambda: numbers, source), key)
    return selected(event) if cloud else []


def take(files: Files, key: str) -> None:
    """The chart's numbers as CSV, and a popover with all else that it is saved as."""
    _csv(files, f"vitrine-{key}", key, "The numbers behind this chart.")
    source, title = files.source, plain(files.shown.title or files.shown.finding) or key
    adding.button(lambda: kinds.chart(title, source.page, source.params, source.keys), key, small=True)
    with st.popover(FIGURE, icon=ICON, help=HELP, type="tertiary"):
        _ways(files, f"vitrine-{key}", key)


def pictures(key: str, files: Callable[[], Files], name: str = "") -> None:
    """A button for the pictures of a section, which opens the ways to take them along as one figure. Nothing of it is put
    together before it is open. `name`: of its files, where they are not called after `key`."""
    opened = st.popover(FIGURE, icon=ICON, help=HELP, key=f"{key}-figure", on_change="rerun")
    if opened.open:
        with opened, errors.shown():
            _ways(files(), name or f"vitrine-{key}", key, csv=True)


def _ways(files: Files, name: str, key: str, csv: bool = False) -> None:
    """What a figure is saved as, and how it stands in LaTeX."""
    from engine.figures.citation import bibtex, latex

    address = sharing.address(files.source.params)
    with st.container(horizontal=True):
        download("PNG", files.png, f"{name}.png", "image/png", f"{key}-png")
        download("SVG", files.svg, f"{name}.svg", "image/svg+xml", f"{key}-svg")
        download("PDF", files.pdf, f"{name}.pdf", "application/pdf", f"{key}-pdf")
        download("ZIP", files.zip(address), f"{name}.zip", "application/zip", f"{key}-zip")
        if csv:
            _csv(files, name, key, "The numbers of these pictures.")
    st.caption(TAKEN)
    st.code(latex(f"{name}.pdf", files.said(), files.wide), language=None, wrap_lines=True)
    st.code(bibtex(address, date.today()), language=None, wrap_lines=True)


def _csv(files: Files, name: str, key: str, about: str) -> None:
    download("CSV", files.csv, f"{name}.csv", "text/csv", f"{key}-csv", help=about)


def download(label: str, data: Any, name: str, mime: str, key: str, **rest: Any) -> None:
    """A button that saves a file; its bytes are made when it is pressed."""
    kind = "tertiary" if label == "CSV" else "secondary"
    st.download_button(label, data, file_name=name, mime=mime, key=key, on_click="ignore", type=kind, **rest)


def look_ahead(chart: Chart) -> None:
    """Have a chart ready to be shown."""
    _plot(chart, chart.digest(), colours.theme())


@st.cache_resource(max_entries=256, show_spinner=False)
def _plot(_chart: Chart, digest: str, theme: str) -> go.Figure:
    """The chart as it is shown, made once a theme. `digest` says what it shows."""
    return plotted(_chart)


def plotted(chart: Chart) -> go.Figure:
    """The chart as a plotly figure in the colours of the theme."""
    from pages.common.charts import clouds, maps, plots, rows

    kinds = {
        "maps": maps.figure,
        "bars": rows.figure,
        "dots": rows.figure,
        "counts": clouds.counts,
        "cloud": clouds.cloud,
    }
    return kinds.get(chart.kind, plots.figure)(chart)
