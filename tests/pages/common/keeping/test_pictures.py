"""What stands for an item: the picture of its result, or nothing where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core import config
from engine.sharing.database import database
from engine.sharing.items import Picture
from engine.sharing.recording import line_of
from pages.common import results
from pages.common.keeping import pictures
from tests.engine.sharing.conftest import KEY, stored, unit
from tests.engine.sharing.test_history import CNN, VIT


@pytest.fixture(autouse=True)
def apart(own_store: Path) -> Iterator[None]:
    import streamlit as st

    st.cache_resource.clear()
    yield
    database().close()


def test_an_item_shows_the_picture_that_it_names() -> None:
    stored()
    assert (pictures.of_item(unit(1)) or b"").startswith(b"\x89PNG")


def test_an_image_of_a_data_set_shows_itself() -> None:
    image = unit(1, kind="image", picture=None, data="starter", image="3")
    assert (pictures.of_item(image) or b"").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "more",
    [
        {"picture": None},
        {"picture": Picture(key="b" * 26)},
        {"picture": Picture(key=KEY, index=5)},
        {"picture": Picture(key=KEY, array="none")},
        {"picture": None, "data": "no such data", "image": "1"},
        {"picture": None, "data": "starter", "image": "99999999999"},
    ],
)
def test_what_is_not_there_has_no_picture_and_breaks_nothing(more: dict) -> None:
    stored()
    assert pictures.of_item(unit(1, **more)) is None


def test_a_line_of_nobody_has_its_results_picture_where_the_experiment_makes_some() -> None:
    stored()
    assert (pictures.of_line(line_of(KEY, VIT, 1.0)) or b"").startswith(b"\x89PNG")
    assert pictures.of_line(line_of(KEY, CNN, 1.0)) is None


def test_what_has_no_picture_has_the_icon_and_the_words_of_its_page() -> None:
    assert pictures.looks_of_line(line_of(KEY, CNN, 1.0)) == ("Feature visualization", "visibility")
    assert pictures.looks_of_line(line_of(KEY, {"experiment": "spatial-last"}, 1.0)) == ("Spatial probe", "grid_on")
    assert pictures.looks_of_line(line_of(KEY, {"experiment": "of a plugin that is gone"}, 1.0))[0] == "Result"
    assert pictures.looks_of("view", "concepts") == ("Concepts", "translate")
    assert pictures.looks_of("image", "photo") == ("image", "image"), "this says what it is by itself"


def test_the_words_stand_beside_the_icon() -> None:
    def one() -> None:
        from pages.common.keeping import pictures

        pictures.placeholder(("Spatial probe", "grid_on"), "one", 72)

    app = AppTest.from_function(one, default_timeout=30).run()
    assert [each.value for each in app.markdown] == [":material/grid_on:", "Spatial probe"]


def test_of_a_result_that_was_deleted_no_picture_is_left() -> None:
    place = stored()
    assert pictures.of_item(unit(1)) is not None and pictures.of_line(line_of(KEY, VIT, 1.0)) is not None
    config.store().delete(place)
    results.forget()
    assert pictures.of_item(unit(1)) is None and pictures.of_line(line_of(KEY, VIT, 1.0)) is None
