"""Seconds from dropping a phone's photo on the page to the units that fire on it, beside a job that keeps the worker busy.

    python -m bench.photo [--rounds 2]

Twelve megapixels, as JPEG with its orientation and, where pillow-heif is installed, as HEIC; both starter networks; in Chromium,
on a server with a cache folder of its own. The job makes 64 pictures and runs all the time.
"""

from __future__ import annotations

import argparse
import io
import re
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.common import say, table
from engine.core.images import reads_heic
from engine.data.registry import open_dataset
from tests.browser.driving import FLAGS, HOW_TO_GET_ONE, AppServer, find_chromium, visit

HERE = Path(__file__).parents[1]
LIMIT = 300_000  # milliseconds
FISH, SIZE = 400, (3024, 4032)
JOB = "feature_visualization?a=starter-vit%40blocks.3.mlp.hidden%3A0-63&recipe=paper&seed=9"
WHERE = re.compile("^Where unit")
ALL = 48
"""Units that the page shows of two networks at first: four a layer, six layers each."""


def photo(kind: str, turn: int) -> bytes:
    """A scene as large as a phone takes it, turned a little each time, so that no answer is there already."""
    image = Image.fromarray(open_dataset("starter").image(FISH)).resize(SIZE, Image.Resampling.BICUBIC).rotate(turn)
    buffer, exif = io.BytesIO(), Image.Exif()
    if kind == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
        image.save(buffer, "HEIF", quality=80)
        return buffer.getvalue()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=90, exif=exif)
    return buffer.getvalue()


def drop(page: Page, data: bytes, kind: str) -> tuple[float, float]:
    """Seconds to the first unit and to all of them."""
    began = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(
        [{"name": f"IMG_1.{kind.upper()}", "mimeType": f"image/{kind}", "buffer": data}]
    )
    page.wait_for_url(re.compile(r"image=up-"), timeout=LIMIT)
    units = page.get_by_role("img", name=WHERE)
    expect(units).not_to_have_count(0, timeout=LIMIT)
    first = time.perf_counter() - began
    expect(units).to_have_count(ALL, timeout=LIMIT)
    return first, time.perf_counter() - began


def measured(browser: Browser, kinds: list[str], rounds: int) -> dict[str, list[tuple[float, float]]]:
    with tempfile.TemporaryDirectory() as folder:
        server = AppServer(HERE, Path(folder, "cache"), Path(folder, "log"))
        server.start()
        try:
            job = visit(browser.new_context().new_page(), f"{server.url}/{JOB}", 120)
            job.get_by_role("button", name="Run").first.click()
            job.get_by_role("button", name="Cancel").first.wait_for(timeout=60_000)
            job.close()  # it goes on
            found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
            for number in range(rounds):
                for kind in kinds:
                    # An image of the data set first: nobody's first photo is the first look at the page.
                    page = visit(
                        browser.new_context().new_page(),
                        f"{server.url}/photo?image={number}&a=starter-vit&b=starter-cnn",
                        120,
                    )
                    expect(page.get_by_role("img", name=WHERE)).to_have_count(ALL, timeout=LIMIT)
                    found[kind].append(drop(page, photo(kind, 3 * number + 1), kind))
                    say(f"{kind}: {found[kind][-1][0]:.1f} s, {found[kind][-1][1]:.1f} s")
                    page.context.close()
            return found
        finally:
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    kinds = ["jpeg", *(["heic"] if reads_heic() else [])]
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(HOW_TO_GET_ONE)
        browser = playwright.chromium.launch(executable_path=path, headless=False, args=["--headless=new", *FLAGS])
        found = measured(browser, kinds, rounds)
        browser.close()
    rows = [
        [kind, *(f"{statistics.median(each):.1f}" for each in zip(*taken, strict=True))]
        for kind, taken in found.items()
    ]
    print(table(["photo", "first units, s (median)", f"all {ALL}, s"], rows))


if __name__ == "__main__":
    main()
