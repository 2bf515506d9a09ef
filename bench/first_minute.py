"""Seconds of the first minute, in a browser, on a machine without a cache folder.

    python -m bench.first_minute [--rounds 3]

From starting the server to its answer and to the first picture on the home page; then, in the same browser, from opening each
page to what it opens on; then from home to a unit's page by a click. Each round has a server and a cache folder of its own.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bench.common import say, table
from tests.browser.driving import FLAGS, HOW_TO_GET_ONE, AppServer, find_chromium

HERE = Path(__file__).parents[1]
LIMIT = 120_000  # milliseconds
PICTURE = "() => [...document.querySelectorAll('img[alt*=\"icture\"]')].some(one => one.naturalWidth > 0)"
VERDICTS = "() => document.querySelectorAll('[class*=st-key-claim-card-] h2').length === 7"
FIGURE = "() => document.querySelector('.js-plotly-plot .main-svg') !== null"
PAGES = {
    "claims, starter pair": ("claims", {"all verdicts": VERDICTS, "first chart of this browser": FIGURE}),
    "claims, real pair": (
        "claims?a=dinov2-s14-saliency&b=efficientnet-lite0&data=photos",
        {"all verdicts": VERDICTS, "first chart": FIGURE},
    ),
    "claims, starter pair again": ("claims", {"all verdicts": VERDICTS, "first chart": FIGURE}),
    "feature visualization": ("feature_visualization", {"picture": PICTURE}),
    "spatial probe": ("spatial", {"first chart": FIGURE}),
    "background and texture": ("background", {"first chart": FIGURE}),
    "concepts": ("concepts", {"picture": PICTURE}),
}
"""What each page opens on: its address, and what says that it stands there, in the order in which it comes."""


def opened(page: Page, url: str, *there: str) -> list[float]:
    """Seconds from opening an address until each of these stands on the page."""
    started, taken = time.perf_counter(), []
    page.goto(url, wait_until="commit")
    for each in there:
        page.wait_for_function(each, timeout=LIMIT, polling=50)
        taken.append(time.perf_counter() - started)
    return taken


def one_round(browser: Browser) -> Iterator[tuple[str, float]]:
    """Each measurement of one round, by what it is."""
    with tempfile.TemporaryDirectory() as folder:
        server = AppServer(HERE, Path(folder, "cache"), Path(folder, "log"))
        started = time.perf_counter()
        server.start()
        yield "server answers", time.perf_counter() - started
        page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
        try:
            (first,) = opened(page, server.url, PICTURE)
            yield "home: first picture after the first request", first
            yield "home: first picture after the start", time.perf_counter() - started
            page.wait_for_timeout(15_000)  # the engine is imported by then
            yield "home again", opened(page, server.url, PICTURE)[0]
            for name, (address, there) in PAGES.items():
                for what, seconds in zip(there, opened(page, f"{server.url}/{address}", *there.values()), strict=True):
                    yield f"{name}: {what}", seconds
            opened(page, server.url, PICTURE)
            clicked = time.perf_counter()
            page.locator("[class*=st-key-whole-] a").first.click()
            page.wait_for_url("**/feature_visualization?**")
            page.wait_for_function(PICTURE, timeout=LIMIT, polling=50)
            yield "home to a unit's page, one click", time.perf_counter() - clicked
        finally:
            page.context.close()
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    taken: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(HOW_TO_GET_ONE)
        browser = playwright.chromium.launch(executable_path=path, headless=False, args=["--headless=new", *FLAGS])
        for _ in range(rounds):
            for name, seconds in one_round(browser):
                taken.setdefault(name, []).append(seconds)
                say(f"{name}: {seconds:.2f} s")
        browser.close()
    rows = [[name, f"{statistics.median(each):.2f}", f"{max(each):.2f}"] for name, each in taken.items()]
    print(table(["from", "seconds (median)", "most"], rows))


if __name__ == "__main__":
    main()
