"""Seconds in a browser from nothing: a wall of 8 units of both starter models.

    python -m bench.wall [--checkout FOLDER] [--rounds 1]

It has a server and an empty cache folder of its own, and is timed from the click that asks for it until the last picture stands
on the page. `--checkout` names another version of Vitrine to measure by the same command: `git worktree add /tmp/before COMMIT`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bench.common import table
from tests.browser.driving import FLAGS, HOW_TO_GET_ONE, AppServer, find_chromium, settled, visit

HERE = Path(__file__).parents[1]
WALL = (
    "feature_visualization?a=starter-vit@blocks.6.mlp.hidden:0-7&b=starter-cnn@stages.2.blocks.1:0-7&recipe=fast&seed=0"
)
LIMIT = 900.0  # seconds


def until(page: Page, script: str, count: int) -> None:
    """Wait until the page has `count` of what the script counts."""
    page.wait_for_function(f"() => {script} >= {count}", timeout=1000 * LIMIT, polling=100)


def wall(page: Page, url: str) -> float:
    visit(page, f"{url}/{WALL}", 120)
    start = time.perf_counter()
    page.locator(".st-key-fv_run button").click()
    for side in ("a", "b"):
        made = "card => card && !card.querySelector('[class*=st-key-growing-]')"
        cards = f"[...Array(8).keys()].map(u => document.querySelector('.st-key-card-{side}-' + u))"
        until(page, f"{cards}.filter({made}).length", 8)
    settled(page, 60)
    return time.perf_counter() - start


def from_nothing(checkout: Path, browser: Browser) -> float:
    with tempfile.TemporaryDirectory() as folder:
        (cache := Path(folder) / "cache").mkdir()
        server = AppServer(checkout, cache, Path(folder) / "log")
        server.start()
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        try:
            return wall(context.new_page(), server.url)
        finally:
            context.close()
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, default=HERE)
    parser.add_argument("--rounds", type=int, default=1, help="the median counts")
    args = parser.parse_args()
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(HOW_TO_GET_ONE)
        browser = playwright.chromium.launch(executable_path=path, headless=False, args=["--headless=new", *FLAGS])
        times = [from_nothing(args.checkout.resolve(), browser) for _ in range(args.rounds)]
        browser.close()
    row = [f"{statistics.median(times):.1f}", ", ".join(f"{each:.1f}" for each in times)]
    print(f"{args.checkout}\n\n{table(['wall from nothing, s', 'each round'], [row])}")


if __name__ == "__main__":
    main()
