"""Figures: saved as they are drawn, and said in plain words to a screen reader."""

from __future__ import annotations

import plotly.graph_objects as go

from pages.common import errors, figures


def test_a_figure_is_saved_as_a_vector_drawing_of_its_own_height() -> None:
    options = figures.config(go.Figure(layout={"height": 300}), "curve")["toImageButtonOptions"]
    assert options == {"format": "svg", "filename": "curve", "width": figures.WIDTH, "height": 300}


def test_what_a_screen_reader_says_of_a_figure_has_no_marks() -> None:
    finding = f"Of :blue[{errors.escape('local/a_b')}] **{errors.escape('2*3')}** `x`"
    assert figures._plain(finding) == "Of local/a_b 2*3 x"
