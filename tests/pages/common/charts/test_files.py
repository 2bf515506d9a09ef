"""A chart is taken along as drawings and numbers that open the page again and make the results again."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine import __version__
from engine.core.request import Result
from engine.figures.chart import Chart, series
from engine.figures.layout import Card, Row
from engine.figures.metadata import origin_of, parameters
from pages.common import errors, results
from pages.common.charts.clicks import clicked, selected
from pages.common.charts.files import Files, Pictures, Source, plain
from pages.common.experiments.places import BY_NAME
from tests.engine.figures.made import result

NUMBERS = pd.DataFrame({"model": ["starter-vit"], "top1": [0.5]})
CHART = Chart(
    "bars", (series("starter-vit", ["full"], [0.5], [0.4], [0.6]),), share=True, title="Object", finding="It is seen."
)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Files:
    there: dict[str, Result] = {"key": result()}
    monkeypatch.setattr(results, "find", there.get)
    return Files(
        CHART, lambda: NUMBERS, Source("background", {"models": "starter-vit", "limit": "7"}).of("key", "gone")
    )


def test_the_png_opens_the_page_that_it_was_saved_from(files: Files) -> None:
    origin = origin_of(files.png())
    assert origin.page in BY_NAME and parameters(origin) == {"models": "starter-vit", "limit": "7"}
    assert [one["model"] for one in origin.requests] == ["starter-vit"]


def test_every_drawing_has_title_finding_and_provenance(files: Files) -> None:
    svg = files.svg()
    assert all(text in svg for text in ("Object", "It is seen.", "50% (40 to 60%)", f"Vitrine {__version__}", "seed 0"))
    assert files.pdf().startswith(b"%PDF") and files.csv().decode().startswith("model,top1")


def test_the_zip_has_the_numbers_and_how_to_make_and_cite_it(files: Files) -> None:
    with zipfile.ZipFile(io.BytesIO(files.zip("https://host/background?models=starter-vit")())) as archive:
        assert archive.read("numbers.csv") == files.csv()
        assert "vitrine.visualize" in archive.read("again.py").decode()
        assert "https://host/background" in archive.read("cite.bib").decode()
        assert "Object. It is seen." in archive.read("figure.tex").decode()


def test_pictures_have_the_same_files_and_are_put_together_when_one_is_asked_for(files: Files) -> None:
    asked: list[int] = []

    def rows() -> list[Row]:
        asked.append(1)
        return [
            Row("starter-vit @ blocks.6", tuple(Card(np.zeros((4, 4, 3), np.uint8), (f"unit {n}",)) for n in range(4)))
        ]

    shown = replace(files, shown=Pictures("Units", rows, 4, "They differ.", "How they were made."))
    assert shown.wide and not replace(shown, shown=Pictures("Units", rows, 3)).wide and asked == []
    svg = shown.svg()
    parts = (
        "Units",
        "They differ.",
        "starter-vit @ blocks.6",
        "unit 3",
        "How they were made.",
        f"Vitrine {__version__}",
    )
    assert asked == [1] and all(part in svg for part in parts)
    assert origin_of(shown.png()).page == "background" and shown.pdf().startswith(b"%PDF")
    with zipfile.ZipFile(io.BytesIO(shown.zip("https://host/background")())) as archive:
        assert archive.read("numbers.csv") == shown.csv() and "again.py" in archive.namelist()
        assert "Units. They differ." in archive.read("figure.tex").decode()


def test_of_results_of_many_pictures_a_figure_may_be_of_one(files: Files) -> None:
    (whole,) = files.source.results()
    (one,) = replace(files.source, place=1).results()
    assert whole.request["units"] == [3, 5] and one.request["units"] == [5] and len(one.arrays["images"]) == 1


def test_markdown_loses_its_marks_and_nothing_else() -> None:
    assert (
        plain(r"**12 points** \(8 to 16\) in `blocks.1` of :blue[**a\_b**]") == "12 points (8 to 16) in blocks.1 of a_b"
    )
    assert plain(errors.escape("starter-vit@blocks.1.mlp.hidden")) == "starter-vit@blocks.1.mlp.hidden"


def test_what_is_clicked_comes_back_as_plain_values() -> None:
    assert clicked({"selection": {"points": [{"customdata": [0.25, 0.5]}]}}) == [0.25, 0.5]
    assert clicked({"selection": {"points": []}}) is None and clicked(None) is None
    assert clicked({"selection": {"points": [{"x": 1}]}}) is None


def test_of_many_points_each_that_carries_something_is_selected() -> None:
    points = [{"customdata": [3]}, {"x": 1}, {"customdata": 4}]
    assert selected({"selection": {"points": points}}) == [[3], [4]] and selected(None) == []
