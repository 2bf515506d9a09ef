"""What a person sees in a real browser: first pictures, links that last, cancelling, reloading, the dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import AppServer, settled
from tests.conftest import ROOT

VISUALIZATION = "feature_visualization"
BOTH = "a=starter-vit@blocks.6.mlp.hidden:3&b=starter-cnn@stages.2.blocks.1:3&recipe=fast&seed=0"
SLOW = "a=starter-vit@blocks.5.mlp.hidden:0-63&recipe=paper&seed=7"
MINUTES = 600_000


def visit(page: Page, url: str) -> Page:
    """Open an address; the first one after a start waits for the engine."""
    page.goto(url)
    return settled(page, 120)


def link(app_server: AppServer, query: str = "") -> str:
    return f"{app_server.url}/{VISUALIZATION}" + (f"?{query}" if query else "")


def pictures(page: Page, side: str, count: int = 5) -> None:
    """Wait until the cards of one side show so many images that have loaded."""
    page.wait_for_function(
        "([side, count]) => [...document.querySelectorAll(`[class*=st-key-card-${side}-] img`)]"
        ".filter(one => one.complete && one.naturalWidth > 0).length >= count",
        arg=[side, count],
        timeout=20_000,
    )


def compute(page: Page) -> None:
    page.locator(".st-key-fv_run button").click()


def made(page: Page, side: str, unit: int) -> None:
    """Wait for a picture: its card stands there before."""
    card = page.locator(f".st-key-card-{side}-{unit}")
    expect(card.get_by_text("Not made yet")).to_have_count(0, timeout=MINUTES)
    expect(card.locator("[class*=st-key-growing-]")).to_have_count(0, timeout=MINUTES)
    expect(card).to_be_visible()


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel").first.click()


def test_the_first_page_opens_and_leads_on(app_server: AppServer, page: Page) -> None:
    visit(page, app_server.url)
    expect(page.get_by_role("heading", name="Vitrine")).to_be_visible()
    expect(page.get_by_role("heading", name="Four instruments")).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", name="Add your own")).to_be_visible(timeout=30_000)


def test_one_unit_of_each_network_becomes_visible(app_server: AppServer, page: Page) -> None:
    visit(page, link(app_server))
    for side in ("a", "b"):
        box = page.locator(f".st-key-fv_{side}_units input")
        box.fill("3")
        box.press("Enter")
        settled(page)
    page.locator(".st-key-fv_run button").click()
    expect(page.locator(".st-key-card-a-3")).to_be_visible(timeout=20_000)  # at once, before its picture
    for side in ("a", "b"):
        made(page, side, 3)
    settled(page)
    # Its picture and four images, all with a description.
    pictures(page, "a")
    pictures(page, "b")
    assert page.locator("[class*=st-key-card-] img:not([alt])").count() == 0
    assert "a=starter-vit" in page.url and "b=starter-cnn" in page.url


def test_a_link_shows_the_same_at_once_after_a_restart(
    app_server: AppServer, new_page: Callable[..., Page], stored_link: str
) -> None:
    app_server.restart()
    page = visit(new_page(), link(app_server, stored_link))
    expect(page.locator("[class*=st-key-card-a-]").first).to_be_visible(timeout=10_000)
    assert page.get_by_text("Not made yet").count() == 0
    assert page.locator(".st-key-fv_status [data-testid=stProgress]").count() == 0
    pictures(page, "a")


@pytest.fixture
def stored_link(app_server: AppServer, new_page: Callable[..., Page]) -> str:
    """The query of a link whose result is stored."""
    page = visit(new_page(), link(app_server, BOTH))
    if page.get_by_text("Not made yet").count():
        compute(page)
    for side in ("a", "b"):
        made(page, side, 3)
    page.close()  # still loading pictures, it would complain when the server restarts
    return BOTH


def test_a_saved_figure_opens_what_it_shows(
    app_server: AppServer, page: Page, stored_link: str, tmp_path: Path
) -> None:
    visit(page, link(app_server, stored_link))
    page.get_by_test_id("stMain").get_by_role("button", name="Figure", exact=True).first.click()
    with page.expect_download(timeout=60_000) as saved:
        page.locator(".st-key-wall-sheet-png button").click()
    file = tmp_path / "figure.png"
    saved.value.save_as(file)
    assert file.read_bytes().startswith(b"\x89PNG")
    visit(page, app_server.url)
    page.get_by_text("Open a saved figure", exact=True).first.click()
    page.locator(".st-key-home_figure input[type=file]").set_input_files(file)
    expect(page.locator(".st-key-card-a-3")).to_be_visible(timeout=30_000)
    assert "a=starter-vit@blocks.6.mlp.hidden:3" in unquote(page.url) and "b=starter-cnn" in page.url


def test_a_reloaded_page_finds_its_job_and_can_cancel_it(app_server: AppServer, page: Page) -> None:
    visit(page, link(app_server, SLOW))
    compute(page)
    progress = page.locator(".st-key-fv_status").get_by_test_id("stProgress")
    expect(progress).to_be_visible(timeout=20_000)
    page.reload()
    expect(progress).to_be_visible(timeout=30_000)
    cancel(page)
    expect(page.get_by_text("Cancelled before it was finished.")).to_be_visible(timeout=30_000)
    expect(progress).to_have_count(0)


def test_a_broken_link_is_explained_without_a_traceback(app_server: AppServer, page: Page) -> None:
    visit(page, link(app_server, "a=%3Cscript%3E&seed=soon&view=sideways"))
    expect(page.get_by_text("Parts of this link could not be used")).to_be_visible()
    assert "Traceback" not in page.content()
    expect(page.locator(".st-key-fv_run button")).to_be_enabled()


def test_a_click_on_a_box_of_the_model_picks_that_layer(app_server: AppServer, page: Page) -> None:
    visit(page, link(app_server))
    chosen = page.locator(".st-key-fv_a_layer input")
    before = chosen.input_value()
    # Plotly lays a sheet over its bars that takes the clicks, so click where a bar is instead of on it.
    bar = page.locator(".st-key-fv_a_picture .bars .point path").nth(5).bounding_box()
    assert bar is not None
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    expect(chosen).not_to_have_value(before, timeout=20_000)


def test_a_click_on_a_cards_title_opens_the_page_of_its_unit_and_its_neighbour(
    app_server: AppServer, page: Page, stored_link: str
) -> None:
    visit(page, link(app_server, stored_link))
    page.locator(".st-key-card-a-3").get_by_test_id("stPageLink").get_by_text("Unit 3").click()
    expect(page.get_by_role("heading", name=re.compile("^Unit 3 "))).to_be_visible(timeout=30_000)
    picture = page.locator(".st-key-card-a-3 img").first
    expect(picture).to_be_visible(timeout=30_000)
    box = settled(page).locator(".st-key-card-a-3 img").first.bounding_box()
    assert box is not None and box["width"] >= 320 and box["y"] + box["height"] < 720, "all of it on the first screen"
    page.get_by_test_id("stPageLink").get_by_text("Unit 4").click()
    expect(page.get_by_role("heading", name=re.compile("^Unit 4 "))).to_be_visible(timeout=30_000)
    expect(page).to_have_url(re.compile(r"blocks\.6\.mlp\.hidden(:|%3A)4&"), timeout=20_000)


@pytest.mark.parametrize("width", [834, 1280])
def test_run_is_on_the_first_screen(app_server: AppServer, new_page: Callable[..., Page], width: int) -> None:
    page = visit(new_page(viewport={"width": width, "height": 720}), link(app_server))
    box = page.locator(".st-key-fv_run button").bounding_box()
    assert box is not None and box["y"] + box["height"] < 720


def test_a_row_of_thumbnails_is_no_stop_of_the_tabulator(app_server: AppServer, page: Page, stored_link: str) -> None:
    visit(page, link(app_server, stored_link))
    row = page.locator("[class*=st-key-thumbs-]").first
    expect(row.locator("img")).to_have_count(4)
    assert row.locator("button, a, [tabindex='0']").filter(visible=True).count() == 0


def test_the_dark_is_dark_and_the_light_is_light(app_server: AppServer, new_page: Callable[..., Page]) -> None:
    def paper(scheme: str) -> int:
        page = visit(new_page(color_scheme=scheme), app_server.url)
        colour = page.locator("[data-testid=stApp]").evaluate("it => getComputedStyle(it).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3])

    assert paper("light") > 700 and paper("dark") < 120


@pytest.fixture
def with_results(tmp_path: Path) -> Iterator[AppServer]:
    """A server with the results that come along."""
    server = AppServer(ROOT, tmp_path / "cache", tmp_path / "log")
    server.environment = {"VITRINE_SHIPPED_RESULTS": "true"}
    server.start()
    yield server
    server.stop()


def test_pictures_stand_on_home_before_the_app_has_begun_and_give_way_to_its_own(
    with_results: AppServer, new_page: Callable[..., Page]
) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(with_results.url)
    pictures = page.locator("#first-light img")
    expect(pictures).to_have_count(16)
    expect(pictures.first).to_be_visible()
    page = visit(new_page(), with_results.url)
    expect(page.locator("#first-light")).to_be_hidden()
    expect(page.locator("[class*=st-key-whole-] img").first).to_be_visible()
    page.get_by_role("link", name="Models").first.click()
    page.wait_for_url("**/models")
    expect(page.locator("#first-light")).to_be_hidden()
    assert visit(new_page(), f"{with_results.url}/history").locator("#first-light").count() == 0
