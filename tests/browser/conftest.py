"""Fixtures for driving the app in a real browser. A page they hand out fails its test on an error in the console."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from tests.browser.driving import FLAGS, HOW_TO_GET_ONE, AppServer, find_chromium
from tests.browser.serving import server_in

HERE = Path(__file__).parent
# On sub-pages Streamlit asks below the page's own path first, is told 404, and then asks at the root.
HARMLESS = re.compile(r"/[^/:]+/_stcore/(health|host-config)$")
# What a page says while the server is down. A server that should not be down shows in `settled`.
OUTAGE = re.compile(
    r"ERR_CONNECTION_REFUSED|WebSocket connection to \S+ failed|Is Streamlit still running"
    r"|Client Error in reaching server endpoint - No response"
)
# A picture that grows is replaced by the next one; a slow browser may ask for the former when it is gone, and Streamlit's own
# script says so once more in its words. One that stays broken is found at the end, also while others still take its place.
REPLACED = re.compile(r"/media/[0-9a-f]+\.png$|Image source error - \S+/media/[0-9a-f]+\.png ")
BROKEN = "() => [...document.images].filter(one => one.complete && !one.naturalWidth).map(one => one.src)"
REPLACED_SECONDS = 10.0
NO_BROWSER = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """A skipped browser is not a detail: say it in its own section, with what to do."""
    if config.stash.get(NO_BROWSER, False):
        terminalreporter.section("BROWSER TESTS WERE SKIPPED", sep="!", red=True, bold=True)
        terminalreporter.line(HOW_TO_GET_ONE)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright, pytestconfig: pytest.Config) -> Iterator[Browser]:
    """One Chromium for the whole run; the tests that need it skip where there is none."""
    path = find_chromium(playwright)
    if path is None:
        pytestconfig.stash[NO_BROWSER] = True
        pytest.skip(HOW_TO_GET_ONE)
    running = playwright.chromium.launch(executable_path=path, headless=False, args=["--headless=new", *FLAGS])
    yield running
    running.close()


@pytest.fixture(scope="session")
def app_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app, running: `.url`, `.restart()`, `.kill()`, `.start()`, `.printed()`, `.cache` (its cache folder)."""
    server = server_in(tmp_path_factory.mktemp("app"))
    server.start()
    yield server
    server.stop()


def broken(page: Page) -> list[str]:
    """Addresses of the pictures that are broken and stay so."""
    until = time.monotonic() + REPLACED_SECONDS
    found = set(page.evaluate(BROKEN))
    while found and time.monotonic() < until:
        page.wait_for_timeout(500)
        found &= set(page.evaluate(BROKEN))
    return sorted(found)


@pytest.fixture
def new_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Make a page in a fresh browser profile, which is another user: `new_page(color_scheme="dark")` and so on."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []
    replaced: set[Page] = set()

    def make(**options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(f"uncaught: {error}"))
        page.on("console", lambda message: errors.extend(complaint(message)))
        page.on("console", lambda message: replaced.add(page) if REPLACED.search(told(message)) else None)
        return page

    yield make
    for page in replaced:
        if not page.is_closed():
            errors += [f"a picture that is not there: {source}" for source in broken(page)]
    for number, context in enumerate(contexts):
        for page in context.pages:
            if errors or failed(request):
                page.screenshot(path=picture_of_failure(request, number))
        context.close()
    assert not errors, "The browser's console shows errors:\n" + "\n".join(errors)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """An empty page, 1280 x 900."""
    return new_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
    return report


FAILED = pytest.StashKey[bool]()


def failed(request: pytest.FixtureRequest) -> bool:
    return request.node.stash.get(FAILED, False)


def picture_of_failure(request: pytest.FixtureRequest, number: int) -> Path:
    """Where a screenshot of a failed test goes: `.pytest_cache/d/browser/`."""
    name = re.sub(r"[^\w-]+", "-", request.node.name)
    return folder_for_pictures(request) / f"{name}-{number}.png"


def folder_for_pictures(request: pytest.FixtureRequest) -> Path:
    cache = request.config.cache
    return cache.mkdir("browser") if cache else Path(tempfile.gettempdir())


def complaint(message: ConsoleMessage) -> list[str]:
    """What a console message says when it is an error that matters."""
    address, said = message.location.get("url", ""), told(message)
    if message.type != "error" or HARMLESS.search(address) or REPLACED.search(said) or OUTAGE.search(message.text):
        return []
    return [said]


def told(message: ConsoleMessage) -> str:
    """A console message with the address that it is about, which stands last."""
    return f"{message.text} {message.location.get('url', '')}"
