"""A photo as a phone takes it, in a real browser: from the file to the units that fire on it, upright, and on to a unit."""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from engine.data.registry import open_dataset
from tests.browser.driving import AppServer, settled, visit

MINUTES = 600_000


def phone_photo() -> bytes:
    """The fish in the sea with twelve megapixels, as a phone that was held upright stores it: lying, with the orientation."""
    wide = Image.fromarray(open_dataset("starter").image(400)).resize((3024, 4032), Image.Resampling.BICUBIC)
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(np.asarray(wide))).save(buffer, "JPEG", quality=90, exif=exif)
    return buffer.getvalue()


def test_a_photo_of_twelve_megapixels_shows_upright_with_the_units_that_fire_on_it(
    app_server: AppServer, page: Page
) -> None:
    visit(page, f"{app_server.url}/photo?image=3&a=starter-vit&b=starter-cnn", 120)
    data = phone_photo()
    page.locator("input[type=file]").set_input_files(
        [{"name": "IMG_0001.JPG", "mimeType": "image/jpeg", "buffer": data}]
    )
    shown = page.get_by_role("img", name="The photo: Your photo")
    expect(shown).to_be_visible(timeout=60_000)
    expect(page).to_have_url(re.compile(r"image=up-[0-9a-f]{16}"))
    assert shown.evaluate("it => it.naturalHeight > it.naturalWidth"), "it stands"
    expect(page.get_by_role("img", name=re.compile("^Where unit"))).to_have_count(48, timeout=MINUTES)
    expect(page.get_by_text("Most likely fish", exact=False).first).to_be_visible()
    expect(page.locator("[class*=st-key-panel-]")).to_have_count(0, timeout=MINUTES)
    settled(page)
    wide = page.get_by_test_id("stMain").evaluate("it => it.scrollWidth - it.clientWidth")
    assert wide <= 0, f"{wide} pixels of the page hang over the right edge"
    assert page.locator("[data-testid=stMain] img:not([alt])").count() == 0

    first = page.get_by_role("link", name=re.compile(r"^Unit \d+$")).first
    unit = first.inner_text().removeprefix("Unit ").strip()
    first.click()
    address = rf"/feature_visualization\?a=starter-vit(@|%40)blocks\.0\.mlp\.hidden(:|%3A){unit}\b"
    expect(page).to_have_url(re.compile(address), timeout=60_000)


def test_what_is_no_photo_is_refused_in_the_page_with_what_to_do(app_server: AppServer, page: Page) -> None:
    visit(page, f"{app_server.url}/photo", 120)
    page.locator("input[type=file]").set_input_files(
        [{"name": "drawing.jpg", "mimeType": "image/jpeg", "buffer": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}]
    )
    expect(page.get_by_text("drawing.jpg is an SVG drawing, which has no pixels. Export it as PNG")).to_be_visible(
        timeout=60_000
    )
