"""The page "Concepts" in a real browser: what is found, pointed at or clicked opens its unit, its layer or the way back."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from cache.store import ResultStore
from engine.core.request import Request, Result
from engine.jobs.runner import Runner
from pages.common import query
from pages.sections.concepts import requests
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView
from tests.browser.driving import AppServer, settled, visit
from tests.engine.concepts.made import IMAGES, MODEL, found, naming

VIEW = ConceptsView(a=MODEL, text="music", layer="blocks.6.mlp.hidden")


def keep(app_server: AppServer, *stored: tuple[Request, Result]) -> None:
    store = ResultStore(app_server.cache / "results")
    for request, result in stored:
        said = json.loads(request.canonical())  # as results always say what they answer
        Runner(store).keep(request, replace(result, request=said))
    store.close()


def at(app_server: AppServer, page: Page, view: ConceptsView) -> Page:
    return visit(page, f"{app_server.url}/concepts{query.text(query.write(view))}", 120)


@pytest.fixture
def searched(app_server: AppServer) -> ConceptsView:
    keep(app_server, (requests.parts(VIEW)[0].request, found()))
    return VIEW


def test_a_found_unit_opens_where_its_picture_is_made(
    app_server: AppServer, page: Page, searched: ConceptsView
) -> None:
    at(app_server, page, searched)
    expect(
        page.get_by_role(
            "heading", name="1 unit of starter-vit correlates higher with “music” than with any other word"
        )
    ).to_be_visible()
    page.get_by_role("link", name="Unit 8").click()
    expect(page).to_have_url(re.compile(r"feature_visualization\?.*blocks\.6\.mlp\.hidden(:|%3A)8"), timeout=30_000)


def test_every_view_is_a_click_away_and_so_is_the_way_back(
    app_server: AppServer, page: Page, searched: ConceptsView
) -> None:
    at(app_server, page, searched)
    page.get_by_role("link", name="Map of a layer").click()
    expect(page.get_by_role("heading", name="Map of a layer")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Back to the search").click()
    expect(page.get_by_role("heading", name=re.compile("correlates higher with “music”"))).to_be_visible(timeout=30_000)
    expect(page.get_by_label("Find units by text")).to_have_value("music")


def test_a_click_on_a_point_of_the_map_shows_its_unit(app_server: AppServer, page: Page) -> None:
    view = VIEW.model_copy(update={"show": "map"})
    units = pd.DataFrame({"unit": [5, 100], "across": [-1.0, 1.0], "down": [-1.0, 1.0], "selectivity": 1.0})
    placed = Result({}, {}, {"units": units}, {"images": IMAGES, "still": 0, "explained": [0.3, 0.2]})
    keep(app_server, *zip([part.request for part in requests.parts(view)], (placed, naming()), strict=True))
    at(app_server, page, view)
    _click(page, "[class*=st-key-cn_map_a]", 1)
    expect(page.get_by_role("link", name="Unit 100")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("link", name="Unit 5")).to_have_count(0)


def test_a_click_on_a_layer_of_a_curve_opens_the_units_of_that_layer(app_server: AppServer, page: Page) -> None:
    view = VIEW.model_copy(update={"show": "abstract"})
    sites = views.layers(view, "a")
    keep(app_server, *((views.naming(view, MODEL, site), naming(site)) for site in sites))
    at(app_server, page, view)
    _click(page, "[class*=st-key-cn-abstract]", 2)
    expect(page).to_have_url(
        re.compile(rf"show=browse.*layer={re.escape(sites[2])}|layer={re.escape(sites[2])}.*show=browse"),
        timeout=30_000,
    )
    expect(page.get_by_role("heading", name="All units of a layer")).to_be_visible(timeout=30_000)


def _click(page: Page, chart: str, number: int) -> None:
    """A click in the middle of this point of a chart."""
    settled(page)
    point = page.locator(f"{chart} .scatterlayer .point").nth(number)
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(f"{chart} .hoverlayer .hovertext").first).to_be_visible()
    page.mouse.down()
    page.mouse.up()
