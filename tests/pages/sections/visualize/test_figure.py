"""A figure of a wall or a card: what is shown there, and a PNG that opens the same view again."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.address import Address
from engine.core.images import open_image
from engine.core.request import Result
from engine.figures.drawing import Image, Text
from engine.figures.metadata import origin_of, parameters
from engine.figures.pdf import to_pdf
from pages.common import query, results
from pages.common.units.rows import index_request, rows
from pages.common.units.view import View
from pages.sections.visualize import figure
from pages.sections.visualize.figure import Wanted
from pages.sections.visualize.unit_card import Shown
from tests.engine.figures.made import result

VIEW = View(
    a=Address.parse("starter-vit@blocks.6.mlp.hidden:3,5"), b=Address.parse("starter-cnn@stages.2.blocks.1:1"), seed=4
)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wanted:
    """Both rows are there; of the first also the index, in which image n is the nth strongest of every unit."""
    shown = rows(VIEW)
    found = {}
    for row in shown:
        made = result(row.address.units, row.address.model)
        found[row.key] = replace(made, request=json.loads(row.request.canonical()), key=row.key)
    index = Result({}, {"top_mean": np.tile(np.arange(0, 400, 4), (768, 1))})
    found[index_request(shown[0].address, VIEW.data).key()] = index
    monkeypatch.setattr(results, "find", found.get)
    return Wanted(VIEW, tuple(shown))


def drawn(wanted: Wanted) -> tuple[list[str], list[np.ndarray]]:
    items = figure.files(wanted).drawn().items
    texts = [item.text for item in items if isinstance(item, Text)]
    return texts, [item.pixels for item in items if isinstance(item, Image)]


def test_the_wall_has_a_row_for_each_model_with_its_strongest_images(wall: Wanted):
    texts, pixels = drawn(wall)
    assert "What 3 units respond to" in texts and "starter-vit @ blocks.6.mlp.hidden" in texts
    assert [int(each[1, 1, 0]) for each in pixels if each.shape == (8, 8, 3)] == [13, 15, 11]
    beside = [each for each in pixels if each.shape == (96, 96, 3)]
    assert len(beside) == 2 * figure.BESIDE, "the second model's layer is not indexed"
    assert np.array_equal(beside[0], results.dataset("starter").image(0))


def test_a_card_is_its_picture_alone(wall: Wanted):
    alone = Wanted(VIEW.but(a=Address.parse("starter-vit@blocks.6.mlp.hidden:5"), b=None), wall.rows[:1], place=1)
    texts, pixels = drawn(alone)
    assert "What a unit responds to" in texts and "unit 5" in texts and "unit 3" not in texts
    assert [int(each[1, 1, 0]) for each in pixels if each.shape == (8, 8, 3)] == [15]


@pytest.mark.parametrize("place", [None, 0])
def test_the_png_opens_the_view_that_it_shows(wall: Wanted, place):
    view = VIEW if place is None else VIEW.but(a=Address.parse("starter-vit@blocks.6.mlp.hidden:3"), b=None)
    wanted = wall if place is None else Wanted(view, wall.rows[:1], place)
    origin = origin_of(figure.files(wanted).png())
    assert query.read(View, parameters(origin)) == (view, []) and origin.page == figure.PAGE
    assert [one["units"] for one in origin.requests] == ([[3, 5], [1]] if place is None else [[3]])


def test_svg_pdf_and_zip_hold_the_same_figure(wall: Wanted):
    files = figure.files(wall)
    assert files.pdf() == to_pdf(files.drawn()) and "What 3 units respond to" in files.svg()
    assert files.numbers()[["model", "unit"]].values.tolist() == [
        ["starter-vit", 3],
        ["starter-vit", 5],
        ["starter-cnn", 1],
    ]
    with zipfile.ZipFile(io.BytesIO(files.zip("https://host/?a=b")())) as archive:
        assert np.array_equal(open_image(archive.read("figure.png")), open_image(files.png()))
        assert "https://host/?a=b" in archive.read("cite.bib").decode()


def test_a_row_that_is_gone_is_left_out(wall: Wanted, monkeypatch: pytest.MonkeyPatch):
    known, gone = results.find, wall.rows[0].key
    monkeypatch.setattr(results, "find", lambda key: None if key == gone else known(key))
    assert drawn(wall)[0][0] == "What a unit responds to"


@pytest.mark.usefixtures("wall")
def test_the_popover_offers_every_kind_of_file():
    def page() -> None:
        import streamlit as st

        from pages.common.units.rows import rows
        from pages.sections.visualize import figure
        from tests.pages.sections.visualize.test_figure import VIEW

        st.session_state["wall-sheet-figure"] = True
        figure.popover(figure.Wanted(VIEW, tuple(rows(VIEW))), "wall")

    app = AppTest.from_function(page).run()
    assert not app.exception and not app.error
    assert [button.proto.label for button in app.get("download_button")] == ["PNG", "SVG", "PDF", "ZIP", "CSV"]
    entries = [code.value for code in app.get("code")]
    assert r"\includegraphics[width=\columnwidth]{vitrine-" in entries[0] and "@software{vitrine" in entries[1]
    assert "recipe fast, seed 4" in entries[0]


def test_a_model_that_is_not_here_has_its_pictures_all_the_same(wall: Wanted):
    lost = Shown("a", Address.parse("gone/model@blocks.6:3,5"), wall.rows[0].key, "", "starter", (8, 8), False)
    texts, pixels = drawn(Wanted(VIEW, (lost,), place=0))
    assert "unit 3" in texts and len(pixels) == 1
