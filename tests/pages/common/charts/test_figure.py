"""A chart on a page: its finding, its note, its files, and what a click on it does."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    import pandas as pd

    from engine.figures.chart import Chart, series
    from pages.common.charts import figure
    from pages.common.charts.files import Source

    chart = Chart("lines", (series("vit", [0, 1], [0.1, 0.2]),), title="Chart", finding="It **rises**.")
    figure.draw(chart, pd.DataFrame({"y": [0.1]}), Source("spatial", {"a": "vit"}), key="one", note="Ten images.")


def test_a_chart_stands_under_its_finding_with_its_files_beside_its_note() -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert any("It **rises**." in each.value for each in app.markdown)
    assert any("Ten images." in each.value for each in app.caption)
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == ["CSV", "PNG", "SVG", "PDF", "ZIP"]
    assert ["includegraphics" in each.value or "@article" in each.value for each in app.code] == [True, True]


def pictures() -> None:
    import streamlit as st

    from pages.common.charts import figure
    from pages.common.charts.files import Files, Pictures, Source

    def files() -> Files:
        st.session_state["made"] = True
        return Files(Pictures("Units", list, 2), lambda: None, Source("spatial", {"a": "vit"}))  # type: ignore[arg-type]

    figure.pictures("units", files)


def test_the_figure_of_pictures_is_put_together_when_its_button_is_pressed() -> None:
    app = AppTest.from_function(pictures).run()
    assert not app.exception and not app.get("download_button") and "made" not in app.session_state
    app.session_state["units-figure"] = True
    app.run()
    labels = [button.proto.label for button in app.get("download_button")]
    assert not app.exception and labels == ["PNG", "SVG", "PDF", "ZIP", "CSV"]
    assert r"\includegraphics[width=\columnwidth]{vitrine-units.pdf}" in app.code[0].value
