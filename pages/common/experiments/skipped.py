"""What results could not use of a data set, said below them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

if TYPE_CHECKING:
    from engine.core.request import Result


def left_out(results: Iterable[Result]) -> None:
    """What these results could not use, each entry once; nothing where they could use all. Results of former versions may
    not tell it."""
    entries = list(dict.fromkeys(tuple(entry) for result in results for entry in result.facts.get("skipped", ())))
    if entries:
        with st.expander(f"Skipped: {len(entries)}", icon=":material/report:"):
            st.dataframe(pd.DataFrame(entries, columns=["what", "why"]), hide_index=True)
