"""Seconds in a browser from nothing: the home page's gallery, and a wall of 8 units of both starter models.

    python -m bench.gallery [--checkout FOLDER] [--rounds 1] [--only gallery,wall]

Each has a server and an empty cache folder of its own, and is timed from opening the address, or from the click that asks for the
wall, until the last picture stands on the page. `--checkout` names another version of Vitrine to measure by the same
command: `git worktree add /tmp/before COMMIT`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bench.common import say, table
from tests.browser.driving import FLAGS, HOW_TO_GET_ONE, AppServer, find_chromium, settled, visit

HERE = Path(__file__).parents[1]
IN_THE_GALLERY = 32  # four units of four layers of two models
WALL = (
    "feature_visualization?a=starter-vit@blocks.6.mlp.hidden:0-7&b=starter-cnn@stages.2.blocks.1:0-7&recipe=fast&seed=0"
)
LIMIT = 900.0  # seconds


def until(page: Page, script: str, count: int) -> None:
    """Wait until the page has `count` of what the script counts."""
    page.wait_for_function(f"() => {script} >= {count}", timeout=1000 * LIMIT, polling=100)


def gallery(page: Page, url: str) -> float:
    start = time.perf_counter()
    page.goto(url)
    loaded = (
        "[...document.querySelectorAll('img[alt^=\"Picture of unit\"]')].filter(one => one.naturalWidth > 0).length"
    )
    until(page, loaded, IN_THE_GALLERY)
    return time.perf_counter() - start


def wall(page: Page, url: str) -> float:
    visit(page, f"{url}/{WALL}", 120)
    start = time.perf_counter()
    page.locator(".st-key-fv_compute button").click()
    for side in ("a", "b"):
        until(page, f"[...Array(8).keys()].filter(u => document.querySelector('.st-key-card-{side}-' + u)).length", 8)
    settled(page, 60)
    return time.perf_counter() - start


WAYS = {"gallery": gallery, "wall": wall}


def from_nothing(name: str, checkout: Path, browser: Browser) -> float:
    with tempfile.TemporaryDirectory() as folder:
        (cache := Path(folder) / "cache").mkdir()
        server = AppServer(checkout, cache, Path(folder) / "log")
        server.start()
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        try:
            return WAYS[name](context.new_page(), server.url)
        finally:
            context.close()
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, default=HERE)
    parser.add_argument("--rounds", type=int, default=1, help="the median counts")
    parser.add_argument("--only", default=",".join(WAYS))
    args = parser.parse_args()
    rows = []
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(HOW_TO_GET_ONE)
        browser = playwright.chromium.launch(executable_path=path, headless=False, args=["--headless=new", *FLAGS])
        for name in args.only.split(","):
            times = [from_nothing(name, args.checkout.resolve(), browser) for _ in range(args.rounds)]
            rows.append([name, f"{statistics.median(times):.1f}", ", ".join(f"{each:.1f}" for each in times)])
            say(str(rows[-1]))
        browser.close()
    print(f"{args.checkout}\n\n{table(['from nothing', 's', 'each round'], rows)}")


if __name__ == "__main__":
    main()
