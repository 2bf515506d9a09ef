"""The pictures of README and docs, made anew from the pages as they are.

    python -m bench.screenshots [--only home claims] [--cache FOLDER]

Starts a server on a cache folder of its own, opens each page at 1280 pixels in the light theme, and writes it to `docs/images`
with at most so many colours as keep the file small. What a page needs beside the results that come along is computed first: the
units' indexes, by the server itself. Needs Chromium.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bench.common import say
from tests.browser.driving import FLAGS, HOW_TO_GET_ONE, AppServer, find_chromium, settled

HERE = Path(__file__).parents[1]
FOLDER = HERE / "docs" / "images"
WIDE = 1280
COLOURS = 256
"""Of a file: the pages are few colours and small pictures."""
ENGINE_SECONDS = 600
"""How long the engine may take to be there, and what is computed."""


@dataclass(frozen=True)
class Shot:
    """A picture: the page's address, how high it is, what is pressed before, and what is scrolled to its top."""

    address: str
    high: int = 900
    press: tuple[str, ...] = ()
    top: str = ""


UNDER_THE_MENU = "each => { each.style.scrollMarginTop = '90px'; each.scrollIntoView({block: 'start'}) }"
LAST_LAYER = "[data-testid=stMain] >> text=/^What the last layer does$/"
SHOTS = {
    "home": Shot("", 860),
    "claims": Shot("claims?a=starter-vit&b=starter-cnn&clip=starter-clip&claim=depth", 1150),
    "feature-visualization": Shot("feature_visualization", 1050),
    "unit": Shot("feature_visualization?a=starter-vit%40blocks.6.mlp.hidden%3A264&recipe=fast&seed=0", 900),
    "background": Shot("background", 1150),
    "frequency": Shot(
        "background?models=starter-vit,starter-cnn&measures=frequency", 640, top="text=Without high frequencies"
    ),
    "texture": Shot("background?models=starter-vit,starter-cnn&measures=texture", 1100),
    "spatial-last-layer": Shot("spatial", 1200, (LAST_LAYER,), LAST_LAYER),
    "concepts": Shot("concepts", 1050),
    "concept-search": Shot("concepts?a=starter-clip&b=starter-vit&text=music", 1050),
    "concept-units": Shot("concepts?a=starter-clip&b=starter-vit&show=purity", 1050),
}


def taken(browser: Browser, server: AppServer, shot: Shot) -> bytes:
    """The PNG file of one page."""
    context = browser.new_context(viewport={"width": WIDE, "height": shot.high}, color_scheme="light")
    page = context.new_page()
    try:
        page.goto(f"{server.url}/{shot.address}")
        _still(page)
        for what in shot.press:
            page.locator(what).first.click()
            _still(page)
        if shot.top:
            page.mouse.move(0, 0)  # what it points at has a toolbar above it
            page.locator(shot.top).first.evaluate(UNDER_THE_MENU)
            page.wait_for_timeout(500)
        return page.screenshot()
    finally:
        context.close()


def _still(page: Page) -> None:
    """Wait until the page has settled and its pictures are there; what it offers to compute is computed before."""
    _drawn(page)
    run = page.locator("[class*=st-key-][class*=_compute] button")
    if run.count():
        run.first.click()
        _drawn(page)
    page.wait_for_timeout(1500)  # charts move into their place


def _drawn(page: Page) -> None:
    """Wait until nothing runs on the page, and nothing of it is still to come."""
    settled(page, ENGINE_SECONDS)
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stProgress], [data-testid=stSkeleton]') "
        "&& [...document.images].every(one => one.complete)",
        timeout=1000 * ENGINE_SECONDS,
    )
    settled(page, ENGINE_SECONDS)


def small(png: bytes) -> bytes:
    """The same picture in a file a third as large."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=4)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SHOTS, default=[*SHOTS])
    parser.add_argument("--cache", type=Path, help="a cache folder that is there (default: a new one)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(HOW_TO_GET_ONE)
        server = AppServer(HERE, chosen.cache or Path(folder, "cache"), Path(folder, "log"))
        server.start()
        browser = playwright.chromium.launch(executable_path=path, headless=False, args=["--headless=new", *FLAGS])
        try:
            for name in chosen.only:
                data = small(taken(browser, server, SHOTS[name]))
                (FOLDER / f"{name}.png").write_bytes(data)
                say(f"{name}.png: {len(data) / 1000:.0f} kB")
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
