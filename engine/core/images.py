"""Images in, safely, and images out: the only place that decodes, scales or lays out pictures.

Invariant: inside the house an image is uint8 (height, width, 3), and one function decides how images of
any size become a model's input, so that the index, the pages and the command line see the same pixels.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import threading
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from engine.core.errors import RefusedFile
from engine.core.paths import readable

FORMATS = ("PNG", "JPEG", "WEBP")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""What a HEIC file says that it is."""
MAX_BYTES = 20 << 20
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000
MAX_DEEP_PIXELS = 12_000_000
"""Pixels of an image with 16 bits a channel, which takes several times the memory."""
LARGE_PIXELS, STRIP_PIXELS = 4_000_000, 1_000_000
_ONE = threading.Lock()
_PNG = b"\x89PNG\r\n\x1a\n"

# What Pillow's own font lacks, in letters it has.
SPELLED = str.maketrans({"×": "x", "→": ">", "≥": ">=", "≤": "<=", "−": "-"})
# Pillow only warns below twice its own limit. Set once for the process, because warning filters are not per thread.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def open_image(source: bytes | Path, name: str = "", side: int = 0) -> np.ndarray:
    """An image as uint8 (height, width, 3), upright; what is transparent becomes white.

    `side`: that many pixels of the longer side are enough, so a larger JPEG is decoded at a half, a quarter or an eighth of
    its size where that still has as many, in a fraction of the time and memory, and any other is made smaller by a whole
    number, strip by strip. Large ones are decoded one at a time.

    Takes PNG, JPEG and WebP of at most 20 MB, 40 million pixels and 20,000 pixels a side (with 16 bits a channel 12 million
    pixels); the content decides, not the file's name. Of 16 bits a channel those
    count that `used_bits` finds in use. Raises RefusedFile, in one sentence, for anything else, before decoding
    it where its header tells.
    """
    label = name or (readable(source.name) if isinstance(source, Path) else "The image")
    data = _read(source, label)
    if len(data) > MAX_BYTES:
        raise RefusedFile(f"{label} has more than {MAX_BYTES >> 20} MB; images may have at most that.")
    try:
        with Image.open(io.BytesIO(data), formats=_formats(data)) as image:
            _check_size(label, image, data)
            if side and (longer := max(image.size)) > side:
                image.draft(None, (-(-image.width * side // longer), -(-image.height * side // longer)))
            with _ONE if image.width * image.height > LARGE_PIXELS else nullcontext():
                smaller = _reduced(_in_eight_bits(image, data), max(image.size) // side if side else 1)
                return np.array(_on_white(ImageOps.exif_transpose(smaller)))
    except RefusedFile:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RefusedFile(_too_large(label)) from None
    except UnidentifiedImageError:
        raise RefusedFile(f"{label} is not a PNG, JPEG or WebP image.") from None
    except Exception as error:  # whatever a decoder raises on hostile bytes: they differ by format and by version
        raise RefusedFile(f"{label} is damaged or cut off and cannot be decoded ({_reason(error)}).") from None


def _check_size(label: str, image: Image.Image, data: bytes) -> None:
    """Raises RefusedFile for an image that is too large to decode, of which only the header was read."""
    if image.width * image.height > MAX_PIXELS:
        raise RefusedFile(_too_large(label, image.size))
    if max(image.size) > MAX_SIDE:
        raise RefusedFile(
            f"{label} is {image.width} x {image.height} pixels; a side of an image may have at most {MAX_SIDE:,}."
        )
    if _has_sixteen_bits(data) and image.width * image.height > MAX_DEEP_PIXELS:
        raise RefusedFile(
            f"{label} has 16 bits a channel and more than {MAX_DEEP_PIXELS // 10**6} million pixels. Save it with 8 bits."
        )


def _reduced(image: Image.Image, times: int) -> Image.Image:
    """The image on white, so many times smaller, made in strips: of a large one nothing else is in memory than what its decoder
    gives. The image itself where it is not to become smaller."""
    if times < 2:
        return image
    made = Image.new("RGB", (-(-image.width // times), -(-image.height // times)))
    rows = max(1, STRIP_PIXELS // image.width // times) * times
    for top in range(0, image.height, rows):
        strip = _on_white(image.crop((0, top, image.width, min(top + rows, image.height))))
        made.paste(strip.reduce(times), (0, top // times))
    made.info["exif"] = image.info.get("exif", b"")
    return made


def is_heic(data: bytes) -> bool:
    """Whether a file is in the format of today's phones (HEIC, or HEIF by another name)."""
    return data[4:8] == b"ftyp" and data[8:12] in HEIC


def reads_heic() -> bool:
    """Whether the optional package pillow-heif is installed, so that HEIC can be read too."""
    return importlib.util.find_spec("pillow_heif") is not None


def _formats(data: bytes) -> tuple[str, ...]:
    """What a file may be; HEIC where it is one and can be read."""
    if not is_heic(data) or not reads_heic():
        return FORMATS
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    return (*FORMATS, "HEIF")


def _read(source: bytes | Path, label: str) -> bytes:
    """The file's bytes, and one more than is allowed where it has more: enough to refuse it."""
    if isinstance(source, bytes):
        return source
    try:
        with source.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RefusedFile(f"{label} cannot be read: {error.strerror or error}.") from None


def _too_large(label: str, size: tuple[int, int] | None = None) -> str:
    measured = f" ({size[0]} x {size[1]})" if size else ""
    return f"{label} has too many pixels{measured}; images may have at most {MAX_PIXELS // 10**6} million."


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def used_bits(data: bytes) -> int:
    """How many bits the values of a PNG with 16 bits a channel use; 0 for any other image.

    Cameras and scanners write 10, 12 or 14 bits as they are into 16. What the file's own sBIT says decides, however dark the
    image is: so many bits, or 16 where the values were scaled up to all 16, as the standard asks (they do not fit, or the bits
    below are all empty). Without sBIT so many bits count as hold the largest value, of 8, 10, 12, 14 and 16. Raises as
    `open_image`.
    """
    if not _has_sixteen_bits(data):
        return 0
    values, said = _sixteen_bits(data), significant_bits(data)
    largest = int(values.max(initial=0))
    if said:
        is_scaled = largest >> said or (largest and not (values & ((1 << 16 - said) - 1)).any())
        return 16 if is_scaled else max(8, said)
    return next(bits for bits in (8, 10, 12, 14, 16) if largest < 1 << bits)


def _has_sixteen_bits(data: bytes) -> bool:
    return data[:8] == _PNG and data[24:25] == b"\x10"


def orientation(source: bytes | Path) -> tuple[int, tuple[int, int]]:
    """(EXIF's orientation, from 1 = as it is stored to 8; (width, height) as it is stored), of which only the header is
    read. (1, (0, 0)) for what is no image: whoever opens it says so."""
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            return int(image.getexif().get(ExifTags.Base.Orientation, 1)), image.size
    except Exception:  # whatever a decoder raises on hostile bytes
        return 1, (0, 0)


def _in_eight_bits(image: Image.Image, data: bytes) -> Image.Image:
    """The image with 8 bits a channel, of a PNG that uses fewer than its 16; any other as it is."""
    bits = used_bits(data)
    if bits in (0, 16):
        return image
    values = (_sixteen_bits(data) >> (bits - 8)).astype(np.uint8)
    made = Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)
    if image.has_transparency_data:
        made.putalpha(image.convert("RGBA").getchannel("A"))  # opaque in 16 bits is opaque in 8
    made.info["exif"] = image.info.get("exif", b"")
    return made


def _sixteen_bits(data: bytes) -> np.ndarray:
    """The colours of a PNG with 16 bits a channel, uint16 (height, width, 1 or 3)."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.mode.startswith("I;16"):
            return np.asarray(image).astype(np.uint16)[..., None]
    import torch
    from torchvision.io import decode_png  # Pillow has no colours of 16 bits

    values = decode_png(torch.frombuffer(bytearray(data), dtype=torch.uint8)).permute(1, 2, 0).numpy()
    return values[..., : 1 if values.shape[2] < 3 else 3]


def significant_bits(data: bytes) -> int:
    """What sBIT says of a PNG with 16 bits a channel, the most of its colours, transparency apart; 0 for any other image."""
    if not _has_sixteen_bits(data):
        return 0
    at, has_alpha = len(_PNG), data[25] in (4, 6)
    while at + 8 <= len(data) and (kind := data[at + 4 : at + 8]) not in (b"IDAT", b"IEND"):
        length = int.from_bytes(data[at : at + 4])
        if kind == b"sBIT" and (said := data[at + 8 : at + 8 + length - has_alpha]):
            return min(16, max(said))
        at += length + 12
    return 0


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # PNG with 16 bits a channel, which Pillow would clip rather than scale
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def to_png(array: np.ndarray) -> bytes:
    """PNG bytes of an image: uint8 (height, width) or (height, width, 3 or 4); the same array gives the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def to_input(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image as a model sees it: scaled until it covers (height, width), then the middle cut out. uint8.

    Bicubic with antialiasing. Square scenes on a square input are simply scaled; photos lose what sticks out.
    The house's one way from any image to a model's input.
    """
    height, width = size
    tall, wide = array.shape[:2]
    if (tall, wide) == (height, width):
        return array
    scale = max(height / tall, width / wide)
    top, left = max(0.0, (tall - height / scale) / 2), max(0.0, (wide - width / scale) / 2)
    box = (left, top, wide - left, tall - top)
    return np.array(Image.fromarray(array).resize((width, height), Image.Resampling.BICUBIC, box=box))


def inline(png: bytes) -> str:
    """The address of a picture that holds the picture itself, for what asks for no file."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def thumbnail(array: np.ndarray, side: int) -> np.ndarray:
    """The image scaled so that its longer side has `side` pixels; small ones grow with crisp pixels."""
    tall, wide = array.shape[:2]
    scale = side / max(tall, wide)
    way = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.BICUBIC
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    return np.array(Image.fromarray(array).resize(size, way))


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray]],
    captions: Sequence[Sequence[str]] | None = None,
    labels: Sequence[str] | None = None,
    *,
    title: str = "",
    tile: int = 128,
    dark: bool = False,
    clear: bool = False,
) -> Image.Image:
    """Rows of images on one sheet: a label before each row, a caption under each image, a title on top. A clear sheet has
    no margin and lets the page that it lies on shine through.

    Images are scaled to fit `tile` x `tile` pixels. Text that is too wide for its place ends in an ellipsis.
    """
    paper, ink, faint = ("#16181d", "#f2f3f5", "#9aa0aa") if dark else ("#ffffff", "#1b1d22", "#6a707b")
    gap, margin, small = 8, 0 if clear else 18, max(12, tile // 10)
    text, heading = ImageFont.load_default(size=small), ImageFont.load_default(size=round(small * 1.5))
    under = small + 6 if captions else 0
    left = margin + (round(max(text.getlength(label) for label in labels)) + 2 * gap if labels else 0)
    top = margin + (round(small * 2.4) if title else 0)
    columns = max((len(row) for row in rows), default=0)
    width = left + columns * (tile + gap) - gap + margin
    size = (width, top + len(rows) * (tile + under + gap) - gap + margin)
    sheet = Image.new("RGBA", size, (0, 0, 0, 0)) if clear else Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(sheet)
    draw.text((margin, margin), _fit(title, heading, width - 2 * margin), ink, heading)
    for number, row in enumerate(rows):
        y = top + number * (tile + under + gap)
        if labels:
            draw.text((margin, y + tile / 2), labels[number], ink, text, anchor="lm")
        for column, array in enumerate(row):
            x = left + column * (tile + gap)
            picture = Image.fromarray(thumbnail(array, tile))
            sheet.paste(picture, (x + (tile - picture.width) // 2, y + (tile - picture.height) // 2))
            if captions:
                caption = _fit(captions[number][column], text, tile)
                draw.text((x + tile / 2, y + tile + 3), caption, faint, text, anchor="ma")
    return sheet


def _fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """The text, shortened with an ellipsis until it is no wider than `width` pixels."""
    text = text.translate(SPELLED)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"
