"""The pictures that come with home's first answer are those of the page, and look like them."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image

from engine.core.errors import BadRequest
from pages.sections.home import exhibition, first_light
from tests.pages.sections.home.conftest import UNITS


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    first_light._made.cache_clear()


def test_the_stored_pictures_of_the_real_networks_are_in_it_each_with_its_words(hung: None) -> None:
    made = first_light.markup().decode()
    described = re.findall(r'<img alt="([^"]*)"', made)
    assert described == [exhibition.described("dinov2-s14-saliency", unit) for unit in UNITS]
    for data in re.findall(r'src="data:image/webp;base64,([^"]*)"', made):
        picture = Image.open(io.BytesIO(base64.b64decode(data)))
        assert picture.size == (first_light.SIDE, first_light.SIDE)
    assert "starter-vit" not in made and "GROUND" not in made and "DARK" not in made


def test_it_is_looked_for_again_until_the_pictures_are_there(hung: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> list:
        raise BadRequest("The store cannot be read.")

    with monkeypatch.context() as absent:
        absent.setattr(exhibition, "stored", broken)
        assert first_light.markup() == b""
        absent.setattr(exhibition, "stored", lambda _: [])
        assert first_light.markup() == b""
    assert first_light.markup().count(b"<img") == len(UNITS)


def test_braces_of_its_rules_are_in_pairs(hung: None) -> None:
    style = first_light.markup().decode().partition("<style>")[2].partition("</style>")[0]
    depth = 0
    for sign in re.findall("[{}]", style):
        depth += 1 if sign == "{" else -1
        assert 0 <= depth <= 2
    assert depth == 0
