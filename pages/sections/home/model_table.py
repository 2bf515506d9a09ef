"""The catalog as a table, with what is not at hand and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

if TYPE_CHECKING:
    from engine.models.catalog import Entry


def draw() -> None:
    """The models that are here, and below them those that could be."""
    from engine.models import catalog

    entries = catalog.entries()
    here = [entry for entry in entries if entry.available]
    elsewhere = [entry for entry in entries if not entry.available]
    _table(here, "Models that are available")
    if elsewhere:
        with st.expander(
            f"{len(elsewhere)} more models that are not on this machine", icon=":material/cloud_download:"
        ):
            _table(elsewhere, "Models that are not on this machine, with the reason")


def _table(entries: list[Entry], alt: str) -> None:
    if not entries:
        st.info("No model is available. Check out the project again: it includes the starter models.")
        return
    st.dataframe(
        pd.DataFrame([_line(entry) for entry in entries]),
        hide_index=True,
        alt=alt,
        column_config={
            "Note": st.column_config.TextColumn(width="large"),
            "Licence": st.column_config.TextColumn(width="medium"),
        },
    )


def _line(entry: Entry) -> dict[str, str]:
    from engine.models import catalog

    _, height, width = entry.input_size
    return {
        "Model": entry.name,
        "Kind": catalog.source_of(entry).title,
        "Architecture": entry.architecture,
        "Input": f"{height} × {width}",
        "Classes": "" if entry.classes is None else str(entry.classes),
        "Top-1": accuracy(entry),
        "Note": " ".join(filter(None, (entry.note, *entry.reading))),
        "Licence": entry.licence,
        "Weights": entry.weights,
    }


def accuracy(entry: Entry) -> str:
    """Top-1 accuracy with its 95% interval where it is known."""
    if entry.top1 is None:
        return ""
    if entry.top1_interval is None:
        return f"{entry.top1:.1%}"
    low, high = entry.top1_interval
    return f"{entry.top1:.1%} ({low:.1%} to {high:.1%})"
