"""A chart as people take it along: as it is seen, as a vector drawing, and the numbers behind it as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

if TYPE_CHECKING:
    from engine.core.request import Result

WIDTH, HEIGHT = 900, 420
"""Of the vector drawing, in CSS pixels, where the chart has no height of its own."""


def draw(
    figure: go.Figure, numbers: pd.DataFrame, name: str, *, key: str, finding: str = "", note: str = "", alt: str = ""
) -> Any:
    """A chart under its finding (one sentence, Markdown) with a note below: what it is, and how it was measured.

    The mode bar's camera saves it as SVG called `name`; a button saves `numbers` as CSV. Returns what the chart
    returns. `alt` is what a screen reader says; the finding where it is empty.
    """
    with st.container(key=f"{key}-figure", gap="xsmall"):
        if finding:
            st.markdown(f"**{finding}**")
        event = st.plotly_chart(figure, key=key, config=config(figure, name), alt=alt or _plain(finding) or name)
        said, button = st.columns([5, 1], gap="small")
        said.caption(note)
        with button:
            csv(numbers, name, key)
    return event


def csv(numbers: pd.DataFrame, name: str, key: str) -> None:
    """A button that saves a table as CSV."""

    def data() -> bytes:
        from engine.core.export import to_csv

        return to_csv(numbers).encode()

    st.download_button(
        "CSV",
        data,
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"{key}-csv",
        on_click="ignore",
        type="tertiary",
        width="content",
        help="The data behind this figure. The camera icon on the chart saves the figure as SVG.",
    )


def left_out(results: Iterable[Result]) -> None:
    """What these results could not use, each entry once; nothing where they could use all. Results of former versions may
    not tell it."""
    entries = list(dict.fromkeys(tuple(entry) for result in results for entry in result.facts.get("skipped", ())))
    if entries:
        with st.expander(f"Skipped: {len(entries)}", icon=":material/report:"):
            st.dataframe(pd.DataFrame(entries, columns=["what", "why"]), hide_index=True)


def config(figure: go.Figure, name: str) -> dict[str, Any]:
    """Plotly's settings for a chart with one button: save as SVG."""
    layout: Any = figure.layout
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {
            "format": "svg",
            "filename": name,
            "width": layout.width or WIDTH,
            "height": layout.height or HEIGHT,
        },
    }


def _plain(text: str) -> str:
    """Markdown without its marks."""
    unmarked = re.sub(r":\w+\[((?:[^\]\\]|\\.)*)\]|(?<!\\)[*`]", r"\1", text)
    return re.sub(r"\\([\W_])", r"\1", unmarked)
