"""Photos as people have them: upright whatever the format, and hostile or other files refused in a sentence with what to do."""

from __future__ import annotations

import importlib.util
import io

import numpy as np
import pytest
from PIL import Image

from engine.core import images
from engine.core.errors import RefusedFile
from engine.data import uploads
from engine.data.photo_files import open_photo
from tests.engine.core.test_images import encoded, gradient, png_header

SIDE = 64
HEIC = importlib.util.find_spec("pillow_heif") is not None


def turned(kind: str, orientation: int, turns: int, **options) -> bytes:
    """A picture of four quarters, stored turned, with the orientation that turns it back."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(np.rot90(quarters(), turns), kind, exif=exif, **options)


def quarters() -> np.ndarray:
    """A wide picture: red beside green above blue beside white."""
    picture = np.full((128, 192, 3), 255, np.uint8)
    for row, column, colour in ((0, 0, (255, 0, 0)), (0, 1, (0, 255, 0)), (1, 0, (0, 0, 255))):
        picture[64 * row : 64 * row + 64, 96 * column : 96 * column + 96] = colour
    return picture


def film(kind: str) -> bytes:
    buffer = io.BytesIO()
    frames = [Image.fromarray(np.full((8, 8, 3), grey, np.uint8)) for grey in (0, 255)]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO"])
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 1), (8, 3)])
def test_a_photo_is_upright_however_the_phone_was_held(kind: str, orientation: int, turns: int) -> None:
    options = {"save_all": True, "append_images": [Image.new("RGB", (8, 8))]} if kind == "MPO" else {}
    opened = open_photo(turned(kind, orientation, turns, **options), "photo", SIDE).astype(int)
    tall, wide = opened.shape[:2]
    assert wide > tall and max(wide, tall) >= SIDE
    corners = [opened[tall // 4, wide // 4], opened[tall // 4, 3 * wide // 4], opened[3 * tall // 4, wide // 4]]
    assert np.abs(np.array(corners) - 255 * np.eye(3, dtype=int)).max() < 60


def test_a_large_jpeg_is_decoded_smaller_and_looks_the_same() -> None:
    picture = gradient(1200, 1600)
    data = encoded(picture, "JPEG", quality=95)
    small = open_photo(data, "photo", 300)
    assert small.shape == (300, 400, 3), "a quarter of it has 300 pixels and more"
    whole = images.thumbnail(images.open_image(data), 400)
    assert np.abs(small.astype(int) - whole).mean() < 3
    assert open_photo(data, "photo", 2000).shape == picture.shape, "nothing is enlarged"


@pytest.mark.usefixtures("own_store")
def test_an_upload_of_twelve_megapixels_is_kept_with_as_many_pixels_as_are_used() -> None:
    data = encoded(gradient(3024, 4032), "JPEG")
    assert uploads.image(uploads.keep_image(data, "photo")).shape == (768, 1024, 3)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty. Choose the file again"),
        (b"hello, this is text", "is not a PNG, JPEG or WebP image. Save it as JPEG or PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing, which has no pixels. Export it as PNG"),
        (b"<?xml version='1.0'?><!DOCTYPE svg><SVG/>", "is an SVG drawing"),
        (b"%PDF-1.7 ...", "is a PDF. Save the page"),
        (b"II*\x00....", "a camera's raw file. Save it as JPEG"),
        (b"BM......", "is a BMP. Save it"),
        (b"PK\x03\x04....", "is an archive. Unpack it"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "is an AVIF image or a film. Save one image"),
        (b"\0\0\0\x1cftypmp42\0\0\0\0", "is an AVIF image or a film. Save one image"),
        (film("GIF"), "is a GIF. Save one frame of it"),
        (film("PNG"), "is animated. Save one frame of it"),
        (film("WEBP"), "is animated. Save one frame of it"),
        (encoded(gradient(64, 64), "JPEG")[:700], "is damaged or cut off"),
        (encoded(gradient(64, 64))[:120], "is damaged or cut off"),
        (
            png_header(40_001, 1_000),
            r"has too many pixels \(40001 x 1000\); .* Save it as JPEG or PNG with at most 20 MB",
        ),
        (png_header(2**31 - 1, 2**31 - 1), "Save it as JPEG or PNG with at most 20 MB and 40 megapixels"),
        (b"\xff\xd8\xff\xe0" + b"\0" * images.MAX_BYTES, "has more than 20 MB"),
    ],
)
def test_what_is_no_photo_is_refused_with_what_to_do(data: bytes, told: str) -> None:
    for name in ("photo.jpg", "photo.png", "photo.heic"):  # the name decides nothing
        with pytest.raises(RefusedFile, match=rf"^{name} .*{told}"):
            open_photo(data, name, SIDE)


def test_without_its_reader_heic_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.photo_files.reads_heic", lambda: False)
    with pytest.raises(
        RefusedFile, match=r"^IMG_1\.HEIC is a HEIC photo, which .* Save it as JPEG, or .*requirements-heic"
    ):
        open_photo(b"\0\0\0\x1cftypheic\0\0\0\0", "IMG_1.HEIC", SIDE)


@pytest.mark.skipif(not HEIC, reason="pillow-heif is not installed (requirements-heic.txt)")
def test_with_its_reader_heic_is_a_photo_upright_and_a_damaged_one_is_refused() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.rot90(quarters()))
    stored.info["exif"] = exif.tobytes()  # from here the encoder takes how the phone was held
    stored.save(buffer, "HEIF", quality=90)
    opened = open_photo(buffer.getvalue(), "IMG_1.HEIC", SIDE).astype(int)
    assert opened.shape == quarters().shape and np.abs(opened - quarters()).mean() < 8
    for end in (60, 200, len(buffer.getvalue()) // 2):
        with pytest.raises(RefusedFile, match=r"^IMG_1\.HEIC is .* Save it as JPEG"):
            open_photo(buffer.getvalue()[:end], "IMG_1.HEIC", SIDE)
