"""Images: what is safe comes in upright and unchanged, what is not is refused in one sentence."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.core.errors import RefusedFile
from engine.core.images import (
    MAX_BYTES,
    contact_sheet,
    open_image,
    significant_bits,
    thumbnail,
    to_input,
    to_png,
    used_bits,
)
from tests.engine.data.pictures import png16

HOUSE = Path(__file__).parents[3]


def encoded(array: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(height: int, width: int) -> np.ndarray:
    """Red grows downwards, green grows to the right, blue stays."""
    rows, columns = np.mgrid[0:height, 0:width]
    channels = (rows * 255 // max(1, height - 1), columns * 255 // max(1, width - 1), np.full_like(rows, 40))
    return np.stack(channels, axis=-1).astype(np.uint8)


def png_header(width: int, height: int) -> bytes:
    """A PNG that only claims to be that large: its pixels are missing."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_lossless_images_come_in_as_they_are(kind):
    picture = gradient(20, 30)
    assert np.array_equal(open_image(encoded(picture, kind, lossless=True)), picture)


def test_a_jpeg_comes_in_nearly_as_it_is():
    picture = gradient(32, 48)
    opened = open_image(encoded(picture, "JPEG", quality=95))
    assert opened.shape == picture.shape
    assert np.abs(opened.astype(int) - picture).mean() < 3


def test_a_photo_taken_sideways_comes_in_upright(tmp_path):
    picture = gradient(20, 30)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to see it upright
    path = tmp_path / "sideways.png"
    path.write_bytes(encoded(np.rot90(picture), "PNG", exif=exif))
    assert np.array_equal(open_image(path), picture)


def test_what_is_transparent_becomes_white():
    layer = np.zeros((4, 4, 4), np.uint8)
    layer[:2, :, 3] = 255
    opened = open_image(encoded(layer))
    assert (opened[:2] == 0).all()
    assert (opened[2:] == 255).all()


def test_grey_palette_and_sixteen_bit_images_become_three_channels():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(open_image(encoded(grey)), np.repeat(grey[..., None], 3, axis=2))
    assert np.array_equal(open_image(encoded(grey.astype(np.uint16) * 256)), np.repeat(grey[..., None], 3, axis=2))
    buffer = io.BytesIO()
    Image.fromarray(gradient(8, 8)).convert("P").save(buffer, "PNG")
    assert open_image(buffer.getvalue()).shape == (8, 8, 3)


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize(
    "data",
    [SVG, b"just text", b"", encoded(gradient(8, 8), "GIF"), encoded(gradient(8, 8), "BMP")],
    ids=["svg", "text renamed", "empty", "gif", "bmp"],
)
def test_what_is_not_one_of_three_formats_is_refused_whatever_it_is_called(tmp_path, data):
    path = tmp_path / "innocent.png"
    path.write_bytes(data)
    with pytest.raises(RefusedFile, match=r"^innocent\.png is not a PNG, JPEG or WebP image\.$"):
        open_image(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_refused(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    whole = encoded(noise, kind)
    with pytest.raises(RefusedFile):
        open_image(whole[: int(len(whole) * share)])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [7_000, 10_000, 60_000], ids=["under Pillow's limit", "Pillow warns", "Pillow stops"])
def test_a_decompression_bomb_is_refused_before_it_unfolds(side):
    with pytest.raises(RefusedFile, match=r"too many pixels.*at most 40 million"):
        open_image(png_header(side, side), "bomb.png")


def test_pillows_bomb_warning_is_an_error_in_this_process():
    check = "import engine.core.images, warnings, PIL.Image; warnings.warn('bomb', PIL.Image.DecompressionBombWarning)"
    done = subprocess.run([sys.executable, "-c", check], cwd=HOUSE, capture_output=True, text=True)
    assert done.returncode == 1
    assert "DecompressionBombWarning: bomb" in done.stderr


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES * 10)
    with pytest.raises(RefusedFile, match=r"huge\.png has more than 20 MB"):
        open_image(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(RefusedFile, match=r"gone\.png cannot be read: No such file"):
        open_image(tmp_path / "gone.png")


def test_png_bytes_read_back_as_the_same_pixels_and_are_the_same_every_time():
    picture = gradient(9, 7)
    assert np.array_equal(open_image(to_png(picture)), picture)
    assert to_png(picture) == to_png(picture.copy(order="F"))


def test_a_square_scene_on_a_square_input_is_only_scaled():
    scene = gradient(96, 96)
    expected = np.array(Image.fromarray(scene).resize((32, 32), Image.Resampling.BICUBIC))
    assert np.array_equal(to_input(scene, (32, 32)), expected)
    assert to_input(scene, (96, 96)) is scene


@pytest.mark.parametrize(("shape", "corners"), [((60, 90), "columns"), ((90, 60), "rows")])
def test_a_photo_is_cut_to_its_middle_without_being_squashed(shape, corners):
    photo = np.zeros((*shape, 3), np.uint8)
    photo[15:-15, 15:-15] = 200  # 15 pixels of frame on every side
    seen = to_input(photo, (60, 60))[..., 0]
    assert seen.shape == (60, 60)
    cut = seen if corners == "columns" else seen.T
    assert (cut[20:40, 0] == 200).all(), "the frame on the long sides is cut away"
    assert (cut[:14] == 0).all()
    assert (cut[-14:] == 0).all()


def test_scaling_down_blurs_fine_stripes_instead_of_turning_them_into_others():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(to_input(stripes, (16, 16)).astype(int) - 127).max() <= 12


def test_any_size_fits_any_input():
    for shape in ((1, 1), (3, 500), (257, 255), (97, 31)):
        for size in ((96, 96), (37, 64)):
            assert to_input(gradient(*shape), size).shape == (*size, 3)


def test_a_thumbnail_keeps_proportions_and_small_images_keep_crisp_pixels():
    assert thumbnail(gradient(50, 100), 40).shape == (20, 40, 3)
    grown = thumbnail(gradient(2, 2), 8)
    assert len(np.unique(grown.reshape(-1, 3), axis=0)) == 4


def test_a_contact_sheet_has_every_picture_at_its_place():
    colours = [[(255, 0, 0), (0, 255, 0)], [(0, 0, 255)]]
    rows = [[np.full((16, 16, 3), colour, np.uint8) for colour in row] for row in colours]
    sheet = np.array(contact_sheet(rows, [["a", "b"], ["c"]], ["first", "second"], title="Units", tile=48))
    places = {}
    for colour in (colour for row in colours for colour in row):
        where = np.argwhere((sheet == colour).all(axis=2))
        assert len(where) == 48 * 48
        places[colour] = where.min(axis=0)
    red, green, blue = (places[colour] for row in colours for colour in row)
    assert (red[0] == green[0]) and (red[1] + 48 < green[1])
    assert (red[1] == blue[1]) and (red[0] + 48 < blue[0])
    assert (sheet[0, 0] == 255).all()
    dark = np.array(contact_sheet(rows, tile=48, dark=True))
    assert dark[0, 0].max() < 64


def test_each_row_of_a_sheet_has_its_label_before_it_at_its_height():
    blank = np.full((48, 48, 3), 255, np.uint8)
    labels = ["first", "a much longer second", ""]
    sheet = np.array(contact_sheet([[blank], [blank], [blank]], labels=labels, tile=48)).min(axis=2)
    assert sheet.shape[1] > np.array(contact_sheet([[blank]] * 3, tile=48)).shape[1] + 100, "there is room for labels"
    bands = [sheet[18 + row * (48 + 8) :][:48, : -48 - 18] for row in range(3)]
    widths = [np.ptp(np.argwhere(band < 200)[:, 1]) if (band < 200).any() else 0 for band in bands]
    assert 0 < widths[0] < widths[1] and widths[2] == 0
    heights = np.argwhere(bands[0] < 200)[:, 0]
    assert heights.min() > 12 and heights.max() < 36, "in the middle of its row"


def test_captions_stand_under_their_own_pictures_and_a_title_above_all():
    blank = np.full((48, 48, 3), 255, np.uint8)
    sheet = np.array(contact_sheet([[blank, blank]], [["", "here"]], title="Units", tile=48)).min(axis=2)
    inked = np.argwhere(sheet < 200)
    above, below = inked[inked[:, 0] < 18 + 28], inked[inked[:, 0] > 18 + 28 + 48]
    assert len(above) and len(below) and len(above) + len(below) == len(inked)
    assert below[:, 1].min() > 18 + 48 + 8, "under the second picture"


def test_a_clear_sheet_begins_with_its_first_picture_and_is_empty_between_pictures():
    red = np.full((48, 48, 3), (255, 0, 0), np.uint8)
    sheet = np.array(contact_sheet([[red, red], [red]], tile=48, clear=True))
    assert sheet[0, 0].tolist() == [255, 0, 0, 255]
    opaque = sheet[..., 3] == 255
    assert opaque.sum() == 3 * 48 * 48 and not sheet[~opaque].any()


def test_captions_that_are_too_long_are_shortened_rather_than_running_into_the_next_picture():
    blank = np.full((8, 8, 3), 255, np.uint8)
    sheet = np.array(contact_sheet([[blank, blank]], [["a very long caption " * 9, ""]], tile=64)).min(axis=2)
    below = sheet[18 + 64 :]
    assert (below[:, 18 : 18 + 64] < 255).any()
    assert (below[:, 18 + 64 + 3 :] == 255).all()


RAMP = np.arange(24).reshape(4, 6) * 178  # up to 4,094: 12 bits


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_12_bits_in_a_png_of_16_are_read_over_their_own_range(channels):
    values = np.repeat(RAMP[..., None], channels, axis=2)
    if channels == 4:
        values[..., 3] = 65535
    opened = open_image(png16(values))
    assert used_bits(png16(values)) == 12
    assert np.array_equal(opened, np.repeat((RAMP >> 4).astype(np.uint8)[..., None], 3, axis=2))


@pytest.mark.parametrize(("largest", "bits"), [(200, 8), (1000, 10), (16000, 14), (16384, 16), (65535, 16)])
def test_so_many_bits_count_as_hold_the_largest_value(largest, bits):
    values = np.array([[[0], [largest]]])
    assert used_bits(png16(values)) == bits
    assert open_image(png16(values))[0, :, 0].tolist() == [0, largest >> (bits - 8)]


def test_what_a_file_says_of_its_bits_decides_however_dark_it_is():
    dark = np.full((2, 2, 1), 900)
    assert used_bits(png16(dark)) == 10 and used_bits(png16(dark, significant=12)) == 12
    assert open_image(png16(dark, significant=12))[0, 0, 0] == 900 >> 4
    assert used_bits(png16(np.full((2, 2, 1), 1500), significant=11)) == 11
    assert used_bits(png16(np.zeros((2, 2, 1), int), significant=12)) == 12
    assert used_bits(encoded(gradient(4, 4))) == used_bits(b"nothing") == 0


@pytest.mark.parametrize("largest", [4000, 700, 70])
def test_values_that_were_scaled_up_to_all_16_bits_as_the_standard_asks_are_read_over_16(largest):
    scaled = np.full((2, 2, 1), largest << 4)
    assert used_bits(png16(scaled, significant=12)) == 16
    assert open_image(png16(scaled, significant=12))[0, 0, 0] == largest >> 4
    assert used_bits(png16(scaled, significant=16)) == 16


def test_what_a_file_says_of_its_transparency_does_not_count():
    values = np.repeat(RAMP[..., None], 4, axis=2)
    values[..., 3] = 65535
    four, one = (png16(values, significant=bits) for bits in (12, 16))
    mixed = four.replace(bytes([12] * 4), bytes([12] * 3 + [16]))
    assert significant_bits(mixed) == significant_bits(four) == 12 and significant_bits(one) == 16
    assert significant_bits(png16(values)) == significant_bits(encoded(gradient(4, 4))) == 0
