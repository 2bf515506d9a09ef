"""Pictures of every page in every state that a person may meet it in, to be looked at one after the other.

    python -m bench.states OUT [--only claims concepts] [--sizes phone laptop]

Not computed, running, stopped and refused, on a cache folder of its own without the results that come along; at the widths of a
phone, a tablet, a laptop and a wide screen, light and dark. Writes OUT/PAGE-STATE-SIZE-THEME.png. Needs Chromium.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bench.common import say
from tests.browser.driving import FLAGS, HOW_TO_GET_ONE, AppServer, find_chromium, settled

HERE = Path(__file__).parents[1]
SIZES = {"phone": (390, 844), "tablet": (834, 1112), "laptop": (1280, 720), "wide": (1920, 1080)}
THEMES = ("light", "dark")
PAGES = {
    "claims": "claims?a=starter-vit&b=starter-cnn&clip=starter-clip",
    "feature_visualization": "feature_visualization?a=starter-vit%40blocks.6.mlp.hidden%3A0-3&recipe=fast&seed=7",
    "unit": "feature_visualization?a=starter-cnn%40stages.2.blocks.1%3A11&recipe=fast&seed=7",
    "spatial": "spatial?a=starter-vit&b=starter-cnn&image=5",
    "background": "background?models=starter-vit,starter-cnn&limit=64",
    "concepts": "concepts?a=starter-clip&b=starter-vit&text=striped",
    "photo": "photo?a=starter-vit&b=starter-cnn&image=3",
}
"""What nobody has computed yet, by what it is called."""
REFUSED = {"feature_visualization": "feature_visualization?a=starter-vit%40blocks.6.mlp.hidden%3A99999"}
"""Links that cannot be followed; elsewhere a model that is not there."""
RUN = "[data-testid=stBaseButton-primary]"
CANCEL = "button:has-text('Cancel')"
SECONDS = 120


def states(page: Page, url: str, name: str) -> Iterator[str]:
    """Bring a page into one state after the other; gives what each is called."""
    address = PAGES[name]
    page.goto(f"{url}/{address}")
    settled(page, SECONDS)
    yield "not-computed"
    if page.locator(CANCEL).count() == 0 and page.locator(RUN).count():
        page.locator(RUN).first.click()
    try:
        page.locator(CANCEL).first.wait_for(timeout=20_000)
        page.wait_for_timeout(1500)
        yield "running"
        page.locator(CANCEL).first.click()
        page.wait_for_timeout(3000)
        yield "stopped"
    except Exception as error:  # it was done before one could look
        say(f"{name}: {type(error).__name__} while it should run")
    refused = REFUSED.get(name, f"{address.partition('?')[0]}?a=no-such-model&models=no-such-model")
    page.goto(f"{url}/{refused}")
    settled(page, SECONDS)
    yield "refused"


def look(browser: Browser, url: str, name: str, size: str, theme: str, out: Path) -> None:
    """One page in all its states, in one size and theme."""
    width, height = SIZES[size]
    scheme = "dark" if theme == "dark" else "light"
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    try:
        for state in states(page, url, name):
            page.screenshot(path=out / f"{name}-{state}-{size}-{theme}.png")
            say(f"{name}, {state}, {size}, {theme}")
    finally:
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", choices=PAGES, default=[*PAGES])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=[*SIZES])
    parser.add_argument("--themes", nargs="+", choices=THEMES, default=[*THEMES])
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    os.environ |= {"VITRINE_SHIPPED_RESULTS": "false", "VITRINE_PREPARE": "false"}
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(HOW_TO_GET_ONE)
        browser = playwright.chromium.launch(executable_path=path, headless=False, args=["--headless=new", *FLAGS])
        for size in chosen.sizes:
            for theme in chosen.themes:
                with tempfile.TemporaryDirectory() as folder:
                    server = AppServer(HERE, Path(folder, "cache"), Path(folder, "log"))
                    server.start()
                    try:
                        for name in chosen.only:
                            look(browser, server.url, name, size, theme, chosen.out)
                    finally:
                        server.stop()
        browser.close()


if __name__ == "__main__":
    main()
