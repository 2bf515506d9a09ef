"""Units, images, charts and views as items: called so that a person knows them again, and opened where they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from engine.core.address import Address
from engine.core.request import build
from engine.evaluation.index import IndexRequest
from engine.sharing.database import database
from engine.sharing.items import Picture
from pages.common.keeping import kinds
from pages.common.units.view import View
from tests.engine.sharing.conftest import KEY, stored


@pytest.fixture(autouse=True)
def apart(own_store: Path) -> Iterator[None]:
    st.cache_resource.clear()
    yield
    database().close()


def test_a_unit_opens_alone_and_has_its_picture_where_it_was_made() -> None:
    alone = View(a=Address("starter-vit", "blocks.6.mlp.hidden", (264,)))
    made = kinds.unit(alone, KEY, 2)
    assert (made.kind, made.title, made.page) == (
        "unit",
        "Unit 264 · starter-vit · blocks.6.mlp.hidden",
        "feature_visualization",
    )
    assert made.params["a"] == "starter-vit@blocks.6.mlp.hidden:264" and made.picture is None
    stored()
    assert kinds.unit(alone, KEY, 0).picture == Picture(key=KEY, index=0)


def test_a_view_is_shown_by_the_first_picture_of_its_first_result() -> None:
    assert kinds.view("A view", {"a": "b"}, [KEY]).picture is None
    stored()
    assert kinds.view("A view", {"a": "b"}, [KEY]).picture == Picture(key=KEY)
    assert kinds.view("Empty", {}, []).results == ()


def test_an_image_is_named_by_its_data_set_and_an_upload_is_not() -> None:
    assert kinds.image("starter", "17", {"image": "17"}, []).title == "Image 17 of starter"
    assert kinds.image("", "up-" + "0" * 32, {}, []).title == "A photo of one's own"


def test_a_view_of_several_requests_is_called_by_its_first() -> None:
    one, other = (build(IndexRequest, model="starter-vit", site=f"blocks.{n}.mlp.hidden") for n in (0, 1))
    assert kinds.title_of([one]).endswith("starter-vit@blocks.0.mlp.hidden")
    assert kinds.title_of([one, other]).endswith("starter-vit@blocks.0.mlp.hidden and 1 more")
