"""Every page for everybody: what axe-core finds in both themes, narrow screens, and the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from pages.sections.reliance.view import example, request
from tests.browser.driving import AppServer, settled, visit

PAGES = ("", "claims", "feature_visualization", "spatial", "background", "concepts", "photo", "models")
FURTHER = (
    "feature_visualization?a=starter-vit%40blocks.6.mlp.hidden%3A264&recipe=fast&seed=0",
    "concepts?a=starter-clip&b=starter-vit&show=purity",
    "background?experiment=unit-cues",
    *("collections", "history", "activity", "privacy", "tokens"),
    f"result?r={request(example(), 'background', 'starter-vit').key()}",
)
"""A unit's own page, what is not computed yet, a form of one experiment, the pages about people, and a result on its own."""
WITH_RUN = ("claims", "feature_visualization", "spatial", "background", "concepts", "photo")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
HARMFUL = ("moderate", "serious", "critical")
STREAMLITS_OWN: dict[str, str] = {
    "region": "data-floating-ui-portal",  # where it puts what opens over a page
    "list": "stSidebarNavItems",  # the list of pages, which on a phone is in the sidebar
    "listitem": 'li class="st-emotion-cache',
}
"""Rules that Streamlit's own frontend breaks where no page can mend it: the rule, and the element that it is about."""
PHONE, TABLET, LAPTOP = {"width": 390, "height": 844}, {"width": 834, "height": 720}, {"width": 1280, "height": 720}

CUT_OFF = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  const scrolls = element => {
    for (let above = element.parentElement; above && above !== main; above = above.parentElement)
      if (getComputedStyle(above).overflowX !== "visible") return true;
    return false;
  };
  return [...main.querySelectorAll("*")].filter(element => {
    const {left, right, width, height} = element.getBoundingClientRect();
    const seen = element.checkVisibility({opacityProperty: true, visibilityProperty: true});  // tools hide until one points
    return seen && width && height && (right > innerWidth + 1 || left < -1) && !scrolls(element);
  }).map(element => element.outerHTML.slice(0, 160));
}"""
"""What stands beyond the left or right edge of the screen and cannot be scrolled to within its own frame."""
SIDEWAYS = """() => [document.scrollingElement, document.querySelector("[data-testid=stMain]")]
  .map(element => element.scrollWidth - element.clientWidth)"""


@pytest.fixture(scope="module")
def furnished(app_server: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app as it comes, with the results that come with it: pages show more than their controls."""
    folder = tmp_path_factory.mktemp("furnished")
    (folder / "cache").mkdir()
    (folder / "cache" / "wheels").symlink_to(app_server.cache / "wheels")
    server = AppServer(app_server.root, folder / "cache", folder / "server.log")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VITRINE_SHIPPED_RESULTS", "true")
        server.start()
    yield server
    server.stop()


STILL = """() => Promise.race([
  Promise.all(document.getAnimations().filter(each => each.effect.getComputedTiming().iterations !== Infinity)
    .map(each => each.finished.catch(() => null))),
  new Promise(done => setTimeout(done, 5000)),
]).then(() => null)"""
"""What opens fades in and is pale until it has; what turns for ever is not waited for."""


def found(page: Page) -> list[str]:
    """What stands in somebody's way once the page stands still, one line for each element. What a page that is drawn anew has
    not replaced yet is pale for a moment, on a slow machine also for one of axe's looks: what counts is there at the second."""
    first = barriers_of(page)
    if first:
        settled(page, 60)
        page.wait_for_timeout(2000)
    return first and barriers_of(page)


def barriers_of(page: Page) -> list[str]:
    """What axe says of the page as it is, without what moves."""
    page.evaluate(STILL)
    answer: Any = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]}).response
    return [
        f"{problem['id']} ({problem['impact']}): {node['html'][:160]}"
        for problem in answer["violations"]
        if problem["impact"] in HARMFUL
        for node in problem["nodes"]
        if STREAMLITS_OWN.get(problem["id"], "nothing") not in node["html"]
    ]


def on_every_page(page: Page, server: AppServer, look: Callable[[Page], Any], names: tuple[str, ...] = PAGES) -> dict:
    """What `look` gives on each page, by the page's address, without those that it gives nothing for."""
    seen = {name: look(visit(page, f"{server.url}/{name}", 120)) for name in names}
    return {name: what for name, what in seen.items() if what}


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", LAPTOP), ("dark", LAPTOP), ("light", PHONE)], ids=["light", "dark", "phone"]
)
def test_no_page_has_a_barrier(
    furnished: AppServer, new_page: Callable[..., Page], scheme: str, size: dict[str, int]
) -> None:
    page = new_page(color_scheme=scheme, viewport=size)
    assert on_every_page(page, furnished, found, PAGES + FURTHER) == {}


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_a_page_whose_pictures_are_being_made_has_no_barrier(
    furnished: AppServer, new_page: Callable[..., Page], size: dict[str, int]
) -> None:
    units = "starter-vit%40blocks.5.mlp.hidden%3A0-23"
    page = visit(new_page(viewport=size), f"{furnished.url}/feature_visualization?a={units}&recipe=paper&seed=77", 120)
    page.locator(".st-key-fv_run button").click()
    page.locator(".st-key-fv_status").get_by_test_id("stProgress").wait_for(timeout=60_000)
    seen = found(page)
    page.locator(".st-key-fv_cancel button").click()
    assert seen == []


OPENED = (
    ("", "Open a saved figure"),
    ("claims", "How it is measured"),
    ("feature_visualization", "Figure"),
    ("spatial", "Image 0"),
    ("background", "Figure"),
)
"""Pages, and what is opened over each."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_over_a_page_has_no_barrier(
    furnished: AppServer, new_page: Callable[..., Page], scheme: str
) -> None:
    page, seen = new_page(color_scheme=scheme), {}
    for name, label in OPENED:
        visit(page, f"{furnished.url}/{name}", 120)
        page.get_by_role("button", name=label).first.click()
        page.locator("[data-testid=stPopoverBody]").first.wait_for(timeout=30_000)
        settled(page, 60)
        if barriers := found(page):
            seen[name, label] = barriers
    assert seen == {}


@pytest.mark.parametrize("size", [PHONE, TABLET], ids=["phone", "tablet"])
def test_nothing_is_cut_off_or_scrolled_sideways(
    furnished: AppServer, new_page: Callable[..., Page], size: dict[str, int]
) -> None:
    page = new_page(viewport=size)
    assert on_every_page(page, furnished, lambda page: page.evaluate(CUT_OFF)) == {}
    assert on_every_page(page, furnished, lambda page: any(page.evaluate(SIDEWAYS))) == {}


@pytest.mark.parametrize("size", [LAPTOP, TABLET, PHONE], ids=["laptop", "tablet", "phone"])
def test_run_is_on_the_first_screen(app_server: AppServer, new_page: Callable[..., Page], size: dict[str, int]) -> None:
    def too_low(page: Page) -> bool:
        run = page.get_by_role("button", name="Run").first
        run.wait_for(timeout=30_000)
        place = run.bounding_box()
        return place is None or place["y"] + place["height"] > size["height"]

    assert on_every_page(new_page(viewport=size), app_server, too_low, WITH_RUN) == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_sees_where_the_keyboard_is(app_server: AppServer, new_page: Callable[..., Page], scheme: str) -> None:
    page = visit(new_page(color_scheme=scheme), app_server.url, 120)
    page.get_by_role("link", name="Feature visualization").first.focus()
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    expect(focused).to_contain_text("Spatial probe")
    expect(focused).to_have_css("outline-style", "solid")
    expect(focused).to_have_css("outline-width", "3px")
    colour = focused.evaluate("element => getComputedStyle(element).outlineColor")
    ground = page.locator("[data-testid=stApp]").evaluate("element => getComputedStyle(element).backgroundColor")
    assert contrast(colour, ground) >= 3


def test_a_unit_is_reached_by_the_keyboard_alone(furnished: AppServer, page: Page) -> None:
    visit(page, furnished.url, 120)
    go_to(page, "Feature visualization")
    page.get_by_role("heading", level=1, name="Feature visualization").wait_for()
    visit(page, page.url, 120)
    page.locator("a:has-text('Unit ')").first.wait_for(timeout=60_000)
    go_to(page, "Unit ")
    page.get_by_role("heading", level=1, name="Unit ").wait_for(timeout=60_000)


def test_small_pictures_are_not_stops_of_the_keyboard(app_server: AppServer, page: Page) -> None:
    visit(page, f"{app_server.url}/feature_visualization", 120)
    page.locator("[class*=st-key-thumbs-] img").first.wait_for()
    tools = page.locator("[class*=st-key-thumbs-] [data-testid=stElementToolbar] button")
    assert not any(each.is_visible() for each in tools.all())


def test_a_small_picture_grows_under_a_pointer_and_a_click_fills_the_screen_with_it(
    app_server: AppServer, page: Page
) -> None:
    visit(page, f"{app_server.url}/feature_visualization", 120)
    picture = page.locator("[class*=st-key-thumbs-] img").first
    picture.wait_for()
    settled(page)
    picture.scroll_into_view_if_needed()
    small = picture.bounding_box()
    assert small is not None
    page.mouse.move(small["x"] + small["width"] / 2, small["y"] + small["height"] / 2)
    page.wait_for_timeout(1000)
    grown = picture.bounding_box()
    assert grown is not None and grown["width"] > 1.5 * small["width"] and grown["x"] >= 0
    page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(1000)
    whole, room = picture.bounding_box(), page.viewport_size
    assert whole is not None and room is not None and whole["width"] > 0.8 * room["width"]
    page.keyboard.press("Escape")
    page.mouse.move(1, 1)
    page.wait_for_timeout(1000)
    assert picture.bounding_box() == small


def go_to(page: Page, name: str, most: int = 150) -> None:
    """Press Tab until what has the keyboard begins so (an icon's name may stand before it), and Enter."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if name in page.evaluate("() => document.activeElement.matches('a') ? document.activeElement.innerText : ''"):
            return page.keyboard.press("Enter")
    raise AssertionError(f"{most} times Tab do not lead to {name}")


def contrast(one: str, other: str) -> float:
    """Of two colours as a browser writes them, `rgb(1, 2, 3)`, by WCAG."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(", ")]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
