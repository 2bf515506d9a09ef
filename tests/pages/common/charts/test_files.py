"""A chart is taken along as drawings and numbers that open the page again and make the results again."""

from __future__ import annotations

import io
import zipfile

import pandas as pd
import pytest

from engine import __version__
from engine.core.request import Result
from engine.figures.chart import Chart, series
from engine.figures.metadata import origin_of, parameters
from pages.common import results
from pages.common.charts.clicks import clicked, selected
from pages.common.charts.files import Files, Source, plain
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
    return Files(CHART, NUMBERS, Source("background", {"models": "starter-vit", "limit": "7"}).of("key", "gone"))


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


def test_markdown_loses_its_marks_and_nothing_else() -> None:
    assert plain(r"**12 points** \(8 to 16\) in `blocks.1` of :blue[a\_b]") == "12 points (8 to 16) in blocks.1 of a_b"


def test_what_is_clicked_comes_back_as_plain_values() -> None:
    assert clicked({"selection": {"points": [{"customdata": [0.25, 0.5]}]}}) == [0.25, 0.5]
    assert clicked({"selection": {"points": []}}) is None and clicked(None) is None
    assert clicked({"selection": {"points": [{"x": 1}]}}) is None


def test_of_many_points_each_that_carries_something_is_selected() -> None:
    points = [{"customdata": [3]}, {"x": 1}, {"customdata": 4}]
    assert selected({"selection": {"points": points}}) == [[3], [4]] and selected(None) == []
