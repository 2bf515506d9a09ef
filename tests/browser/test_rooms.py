"""The other rooms in a real browser: each opens, fits on the screen, and answers a small question from its link."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from cache.store import ResultStore
from engine.core.request import Result
from engine.jobs.runner import Runner
from engine.spatial.maps import MapsRequest
from tests.browser.driving import AppServer, settled, visit

ROOMS = {
    "": "Vitrine",
    "feature_visualization": "Feature visualization",
    "spatial": "Spatial probe",
    "background": "Background and texture",
    "concepts": "Concepts",
    "models": "Models",
}
MINUTES = 600_000


def answered(app_server: AppServer, page: Page, link: str, figure: str) -> None:
    """Follow a link, compute what it asks for, and wait for one of its figures and for the end of the work."""
    visit(page, f"{app_server.url}/{link}", 120)
    page.get_by_role("button", name="Run", exact=True).first.click()
    expect(page.locator(figure).first).to_be_visible(timeout=MINUTES)
    expect(page.locator("[class*=st-key-panel-]")).to_have_count(0, timeout=MINUTES)
    settled(page)
    assert page.get_by_test_id("stException").count() == 0 and "Traceback" not in page.content()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_opens_and_fits_on_the_screen(app_server: AppServer, page: Page, room: str) -> None:
    visit(page, f"{app_server.url}/{room}", 120)
    expect(page.get_by_role("heading", name=ROOMS[room], exact=True).first).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
    wide = page.get_by_test_id("stMain").evaluate("it => it.scrollWidth - it.clientWidth")
    assert wide <= 0, f"{wide} pixels of the page hang over the right edge"


def test_on_a_phone_the_menu_does_not_cover_the_page(app_server: AppServer, new_page: Callable[..., Page]) -> None:
    page = visit(new_page(viewport={"width": 390, "height": 844}), app_server.url, 120)
    page.get_by_role("heading", name="Vitrine", exact=True).click(trial=True, position={"x": 5, "y": 5}, timeout=10_000)


def test_background_and_object_are_measured_from_a_link(app_server: AppServer, page: Page) -> None:
    link = "background?models=starter-vit,starter-cnn&measures=background&limit=60"
    answered(app_server, page, link, "[data-testid=stPlotlyChart]")
    told = page.get_by_test_id("stMain").inner_text()
    assert all(
        words in told for words in ("starter-vit", "starter-cnn", "object alone, black", "background alone, black")
    )


def test_texts_are_compared_with_an_image_from_a_link(app_server: AppServer, page: Page) -> None:
    link = "concepts?a=starter-clip&show=zero-shot&image=5&labels=a photo of an animal|a photo of food"
    answered(app_server, page, link, "[data-testid=stPlotlyChart]")
    expect(page.get_by_text("According to starter-clip, “a photo of", exact=False)).to_be_visible()
    assert page.locator("[data-testid=stMain] img:not([alt])").count() == 0


def test_a_click_on_a_position_follows_it(app_server: AppServer, page: Page) -> None:
    """Row 2, column 9 of 12 by 12 positions of an image whose maps are stored."""
    arrays: dict[str, np.ndarray] = {"pixels": np.full((96, 96, 3), 200, np.uint8)}
    arrays |= {"map_0": np.eye(12, dtype=np.float32), "tokens_0": np.eye(144, dtype=np.float16)}
    row = {"layer": 0, "site": "s", "maps": "m", "units": 768, "height": 12, "width": 12, "low": 0.0, "high": 1.0}
    table = pd.DataFrame([{**row, "auroc": 0.7}])
    store = ResultStore(app_server.cache / "results")
    stored = Result({}, arrays, {"layers": table}, {"caption": "a cat", "missing": []})
    Runner(store).keep(MapsRequest(model="starter-vit", unit=3), stored)
    store.close()
    visit(page, f"{app_server.url}/spatial?a=starter-vit&unit=3", 120)
    plot = page.locator("[class*=st-key-sp_click_a] .nsewdrag").first
    box = plot.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 9.5 / 12, box["y"] + box["height"] * 2.5 / 12)
    expect(page).to_have_url(re.compile(r"down=0\.208\d*"), timeout=30_000)
    across = parse_qs(urlsplit(page.url).query)["across"]
    assert [float(each) for each in across] == [pytest.approx(9.5 / 12)]


def test_back_and_forward_show_what_each_address_says(app_server: AppServer, page: Page) -> None:
    """Within a page, and from one page to another."""
    visit(page, f"{app_server.url}/claims?a=starter-cnn&data=photos", 120)
    first = page.get_by_role("combobox", name="Model A")
    expect(first).to_have_value("starter-cnn")
    page.get_by_text("Starter pair", exact=True).click()
    expect(page).to_have_url(re.compile("a=starter-vit"))
    expect(first).to_have_value("starter-vit")
    settled(page)
    page.go_back()
    expect(page).to_have_url(re.compile("a=starter-cnn&data=photos"))
    expect(first).to_have_value("starter-cnn")
    settled(page)
    page.go_forward()
    expect(first).to_have_value("starter-vit")
    visit(page, f"{app_server.url}/models", 120)
    page.go_back()
    expect(page.get_by_role("heading", name="The paper, claim by claim")).to_be_visible()
    expect(first).to_have_value("starter-vit")
