"""The home page's pictures: there without torch and without the networks, each a link to its unit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core import config
from pages.common import query
from pages.common.units.rows import request
from pages.common.units.view import View
from pages.sections.home import exhibition, gallery
from starter.make import results
from tests.conftest import ROOT
from tests.pages.opening import PAGES, figure_of, opened
from tests.pages.sections.home.conftest import UNITS


def test_a_picture_hangs_above_a_link_with_its_unit_and_its_ratio_where_that_is_clear(hung: None) -> None:
    app = opened(PAGES[0])
    links = [each.proto for each in app.get("page_link") if "recipe=" in each.proto.query_string]
    assert [each.label for each in links] == [
        f":small[{UNITS[0].units[0]} · 1.8×]",
        f":small[{UNITS[1].units[0]}]",
    ]
    assert all(each.page == "feature_visualization" for each in links) and len(app.get("image")) == 2
    (claim,) = [each.proto for each in app.get("page_link") if "claim=" in each.proto.query_string]
    assert not app.exception and claim.label == "Position lasts: **holds in part**" and claim.page == "claims"
    assert [each.value for each in app.caption].count(gallery.CHOSEN) == 1, "that they were chosen is said once"
    assert "claim=position" in claim.query_string and "a=starter-vit" in claim.query_string


def test_all_that_hangs_is_taken_along_as_one_figure(hung: None) -> None:
    app = opened(PAGES[0])
    assert not app.get("download_button"), "nothing of it is made before somebody asks"
    texts, pixels, numbers = figure_of(app, "exhibition")
    assert len(pixels) == len(numbers) == 2 and f"unit {UNITS[0].units[0]} · 1.8×" in texts
    assert any(text.startswith("dinov2-s14-saliency: ") for text in texts) and numbers["unit"].tolist() == [
        address.units[0] for address in UNITS
    ]


def test_the_link_of_a_picture_asks_for_the_result_that_hangs() -> None:
    wanted = results.pictures()
    for exhibit in gallery.EXHIBITS:
        for address in (unit for units in exhibit.addresses for unit in units):
            asked = exhibition.asked(exhibit, address)
            view, problems = query.read(View, asked)
            assert problems == [] and view is not None and query.write(view) == asked, "as the page itself writes it"
            assert request(view, view.a) == wanted[str(address)]


def test_home_says_what_to_do_where_no_pictures_come_with_it(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "LIST", own_store / "none.json")
    gallery.shipped.cache_clear()
    app = opened(PAGES[0])
    assert not app.exception and any("make some" in each.value for each in app.markdown)
    gallery.shipped.cache_clear()


def test_a_list_that_names_no_units_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "LIST", tmp_path / "home.json")
    gallery.LIST.write_text(json.dumps({"pictures": {"nonsense": "k"}, "verdicts": []}))
    gallery.shipped.cache_clear()
    assert exhibition.of_model("starter-vit", 3) == [] and gallery.shipped() == gallery.Shipped({}, ())
    gallery.shipped.cache_clear()


def test_the_pictures_are_found_and_encoded_without_torch(hung: None) -> None:
    code = (
        "import sys, pages.sections.home.exhibition as e, pages.sections.home.gallery as g\n"
        f"from pathlib import Path; g.LIST = Path({str(gallery.LIST)!r})\n"
        "links, png = e.hung(), e.png('k0.bfloat16')\n"
        "print(len(links), png[:4] == b'\\x89PNG', 'torch' in sys.modules)"
    )
    config.store().close()
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.split() == ["2", "True", "False"]
