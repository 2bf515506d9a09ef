"""Strips through the depth: pictures that came along, else those that were made here, else the way to make them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.claims.order import STARTER
from engine.core import config
from engine.core.request import Result
from engine.jobs.runner import Runner
from pages.common.units.rows import rows
from pages.sections.claims import strips
from tests.pages.opening import figure_of

Drawn = Callable[[], tuple[list[str], list[str]]]
PLACES = {"starter-vit@blocks.1.mlp.hidden:4": "came.float32", "starter-vit@blocks.7.mlp.hidden:9": "too.float32"}


@pytest.fixture(autouse=True)
def nothing_remembered(own_store: Path) -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def strip() -> None:
    from engine.claims.order import STARTER
    from pages.common.charts.files import Source
    from pages.sections.claims import strips
    from tests.pages.sections.claims.test_strips import PLACES

    strips.draw(STARTER, PLACES, Source("claims", {"a": "starter-vit"}))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """Draws the strips, and gives what stands below each picture, and the links."""

    def draw() -> tuple[list[str], list[str]]:
        links: list[str] = []
        monkeypatch.setattr(st, "page_link", lambda script, label, **rest: links.append(label.replace("\\", "")))
        app = AppTest.from_function(strip, default_timeout=60).run()
        assert not app.exception and not app.error
        return [image.caption for each in app.get("image") for image in each.proto.imgs], links

    return draw


def pictures(count: int) -> np.ndarray:
    return np.zeros((count, 8, 8, 3), np.uint8)


def came(key: str) -> None:
    """Store pictures under this key, as those that came along are."""
    about = {"experiment": "visualize", "version": 6, "model": "starter-vit", "site": "blocks.1.mlp.hidden"}
    config.store().put(key, Result(about, {"images": pictures(1)}, {"units": pd.DataFrame({"unit": [4]})}).to_blob())


def made(model: str, layers: int) -> None:
    """Store pictures of the first layers of a model, as if somebody had made them on the page of pictures."""
    for row in rows(strips.whole_depth(model, STARTER.data))[:layers]:
        units = {"units": pd.DataFrame({"unit": row.address.units})}
        result = Result(json.loads(row.request.canonical()), {"images": pictures(len(row.address.units))}, units)
        Runner(config.store()).keep(row.request, result)


def test_without_pictures_there_is_the_way_to_make_them_for_each_model(drawn: Drawn) -> None:
    told, links = drawn()
    assert told == []
    assert links == [f"Make pictures of units of {model}, layer by layer" for model in STARTER.sides.values()]


def test_what_came_along_is_shown_from_the_image_to_the_answer(drawn: Drawn) -> None:
    for key in PLACES.values():
        came(key)
    told, links = drawn()
    assert [each.rpartition(", ")[2].rstrip("]") for each in told] == ["unit 4", "unit 9"]
    assert links[0].startswith("More units of starter-vit") and links[1].startswith("Make pictures")


def test_what_was_made_here_is_shown_where_nothing_came_along_and_no_more_than_fits(drawn: Drawn) -> None:
    made("starter-cnn", 2)
    told, links = drawn()
    assert len(told) == 4 and [each.rpartition(" ")[2].rstrip("]") for each in told] == ["0", "1", "0", "1"]
    assert links[0].startswith("Make pictures") and links[1].startswith("More units of starter-cnn")
    made("starter-cnn", 8)
    assert len(strips.made(strips.whole_depth("starter-cnn", STARTER.data))) == strips.MOST


def test_that_the_units_were_chosen_is_said_of_those_that_came_along_alone(drawn: Drawn) -> None:
    came("came.float32")
    made("starter-cnn", 2)
    drawn()  # links are looked at elsewhere
    app = AppTest.from_function(strip, default_timeout=60).run()
    vit, cnn = (each.value for each in app.markdown if "from the first layers" in each.value)
    assert "chosen by hand" in vit and "chosen" not in cnn


def test_the_strips_are_taken_along_as_one_figure(drawn: Drawn) -> None:
    drawn()  # links are looked at elsewhere
    came("came.float32")
    made("starter-cnn", 2)
    texts, pixels, numbers = figure_of(AppTest.from_function(strip, default_timeout=60), "claim-strips")
    assert (
        len(pixels) == len(numbers) == 1 + 4 and "starter-vit" in texts and "starter-cnn" in texts and "unit 4" in texts
    )


def test_what_came_along_goes_before_what_was_made(drawn: Drawn) -> None:
    came("came.float32")
    made("starter-vit", 2)
    told, _ = drawn()
    assert len(told) == 1 and "unit 4" in told[0]
