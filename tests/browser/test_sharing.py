"""People who share, each in a browser of their own: who sees a collection, who adds to it, and who does not know of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driving import AppServer, settled, visit
from tests.browser.serving import app_with_login, sign_in, sign_in_service

PEOPLE = {
    name: {"email": f"{name}@lab.edu", "email_verified": True, "name": name.title(), "groups": [group]}
    for name, group in {"anna": "vision", "ben": "vision", "cara": "audio"}.items()
}
ACCESS = '[access]\nlogin = "oidc"\nmembers = ["@lab.edu"]\n'
UNITS = "feature_visualization?a=starter-vit@blocks.6.mlp.hidden:264,179,670,272&recipe=fast&seed=0"


@pytest.fixture(scope="module")
def shared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app with a login, for people of two groups, and with the results that come with it."""
    folder = tmp_path_factory.mktemp("shared")
    with (
        sign_in_service(PEOPLE) as service,
        app_with_login(folder, service, ACCESS, VITRINE_SHIPPED_RESULTS="true") as server,
    ):
        yield server


def keep_unit(page: Page, server: AppServer, place: int) -> None:
    """Press Keep on the card of a unit."""
    visit(page, f"{server.url}/{UNITS}", 120)
    button = page.locator("[class*=st-key-unit-a-][class*=-keep] button:visible").nth(place)
    button.wait_for(timeout=90_000)
    button.click()
    expect(page.get_by_text("Kept in").first).to_be_visible()


def open_collection(page: Page, server: AppServer, title: str) -> Page:
    visit(page, f"{server.url}/collections", 60)
    page.get_by_role("link", name=title).first.click()
    page.wait_for_url(re.compile(r"\?c="))
    return settled(page, 60)


def holds(page: Page, *units: int) -> None:
    """The open collection comes to show these units, in this order, without anybody doing anything."""
    titles = [f"Unit {unit} · starter-vit · blocks.6.mlp.hidden" for unit in units]
    expect(page.locator("[class*=st-key-wraps-kept-] a")).to_have_text(titles, timeout=30_000)


def test_one_shares_another_adds_the_first_sees_it_and_a_third_does_not(
    shared: AppServer, new_page: Callable[..., Page]
) -> None:
    anna = sign_in(new_page(), shared, "anna")
    keep_unit(anna, shared, 0)
    open_collection(anna, shared, "My findings")
    holds(anna, 264)
    anna.get_by_role("button", name="Share").click()
    anna.get_by_text("Your group", exact=True).click()
    settled(anna)
    anna.get_by_text("They may add to it").click()
    settled(anna)
    anna.keyboard.press("Escape")
    address = anna.url

    ben = sign_in(new_page(), shared, "ben")
    visit(ben, address, 60)
    expect(ben.get_by_text("By Anna", exact=False)).to_be_visible()
    holds(ben, 264)
    assert ben.get_by_role("button", name="Share").count() == ben.get_by_role("button", name="Edit").count() == 0
    ben.get_by_role("button", name="Keep here").click()
    settled(ben)
    keep_unit(ben, shared, 1)

    holds(anna, 264, 179)
    expect(anna.get_by_text("unit · Ben", exact=False)).to_be_visible()

    cara = sign_in(new_page(), shared, "cara")
    visit(cara, address, 60)
    expect(cara.get_by_text("no such collection", exact=False)).to_be_visible()
    holds(cara)
    assert "My findings" not in cara.locator("[data-testid=stMain]").inner_text()
    visit(cara, f"{shared.url}/collections", 60)
    expect(cara.get_by_text("Nothing is kept yet", exact=False)).to_be_visible()


def test_one_click_copies_a_link_that_opens_the_same_view_for_another(
    shared: AppServer, new_page: Callable[..., Page]
) -> None:
    anna = new_page()
    anna.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=shared.url)
    sign_in(anna, shared, "anna")
    visit(anna, f"{shared.url}/{UNITS}", 120)
    anna.get_by_role("button", name="Copy link").click()
    expect(anna.get_by_text("Copied")).to_be_visible()
    link = anna.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(re.escape(shared.url) + r"/\?v=[a-z2-7]{16}", link)
    settled(anna)
    ben = sign_in(new_page(), shared, "ben")
    visit(ben, link, 120)
    ben.wait_for_url(re.compile("feature_visualization"))
    expect(ben.get_by_text("Unit 264").first).to_be_visible(timeout=60_000)
    assert "recipe=fast" in ben.url and "v=" not in ben.url.partition("?")[2].split("&")[0]


def test_cancelling_mine_leaves_yours(shared: AppServer, new_page: Callable[..., Page]) -> None:
    address = f"{shared.url}/feature_visualization?a=starter-vit@blocks.2.mlp.hidden:31&recipe=fast&seed=5"
    anna, ben = (sign_in(new_page(), shared, name) for name in ("anna", "ben"))
    for page in (anna, ben):
        visit(page, address, 120)
        page.locator(".st-key-fv_run button").first.click()
        page.get_by_role("button", name=re.compile("^Cancel")).first.wait_for(timeout=60_000)
    anna.get_by_role("button", name=re.compile("^Cancel")).first.click()
    expect(anna.get_by_text("It goes on: another person wants it too", exact=False).first).to_be_visible()
    ben.wait_for_timeout(3000)
    ben.get_by_role("button", name=re.compile("^Cancel")).first.click()
    expect(ben.get_by_text("Cancelled", exact=False).first).to_be_visible(timeout=60_000)


def test_whoever_left_is_told_when_it_is_done(shared: AppServer, new_page: Callable[..., Page]) -> None:
    ben = sign_in(new_page(), shared, "ben")
    visit(ben, f"{shared.url}/feature_visualization?a=starter-vit@blocks.2.mlp.hidden:33&recipe=fast&seed=6", 120)
    ben.locator(".st-key-fv_run button").first.click()
    ben.get_by_role("button", name=re.compile("^Cancel")).first.wait_for(timeout=60_000)
    visit(ben, f"{shared.url}/models", 120)
    link = ben.get_by_role(
        "link", name=re.compile("^Done: Feature visualization: starter-vit@.?blocks.2.mlp.hidden:33")
    )
    link.click(timeout=300_000)
    ben.wait_for_url(re.compile(r"result\?r="))
    settled(ben, 60)
    expect(ben.get_by_text("Made by you", exact=False)).to_be_visible()
    assert link.count() == 0
