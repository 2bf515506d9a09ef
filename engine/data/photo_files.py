"""Photos as people have them: opened by what is in the file, or refused in a sentence that says what to do instead.

Invariant: a file's name decides nothing, and nothing is decoded before its header has said that it is a still image of a size
that is allowed.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from engine.core.errors import RefusedFile
from engine.core.images import FORMATS, MAX_BYTES, MAX_PIXELS, is_heic, open_image, reads_heic

INSTALL_HEIC = "pip install --no-deps -r requirements-heic.txt"
AS_JPEG = (
    f"Save it as JPEG or PNG with at most {MAX_BYTES >> 20} MB and {MAX_PIXELS // 10**6} megapixels, and try again."
)
_FRAMES = ("PNG", "WEBP")
"""Formats whose further images are a film. Those of a phone's JPEG are depth and the like, and the first is the photo."""
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "is a GIF. Save one frame of it as PNG or JPEG, and try again."),
    (b"%PDF", "is a PDF. Save the page or the picture in it as PNG or JPEG, and try again."),
    (b"II*\x00", "is a TIFF or a camera's raw file. Save it as JPEG, and try again."),
    (b"MM\x00*", "is a TIFF or a camera's raw file. Save it as JPEG, and try again."),
    (b"BM", "is a BMP. Save it as PNG or JPEG, and try again."),
    (b"PK\x03\x04", "is an archive. Unpack it, and choose one image from it."),
)


def open_photo(data: bytes, name: str, side: int) -> np.ndarray:
    """A photo as uint8 (height, width, 3), upright. PNG, JPEG and WebP, and HEIC where pillow-heif is installed. Of a larger
    one at least `side` pixels of its longer side are kept. Raises RefusedFile for anything else, animations included."""
    if not data:
        raise RefusedFile(f"{name} is empty. Choose the file again.")
    if len(data) <= MAX_BYTES and (reason := _refusal(data)):
        raise RefusedFile(f"{name} {reason}")
    try:
        return open_image(data, name, side)
    except RefusedFile as error:
        raise RefusedFile(f"{error} {AS_JPEG}") from None


def _refusal(data: bytes) -> str:
    """Why a file is none of the photos that are read, with what to do; empty where it may be one."""
    if is_heic(data) and not reads_heic():
        return f"is a HEIC photo, which this server cannot read. Save it as JPEG, or install the reader: {INSTALL_HEIC}"
    if data[4:8] == b"ftyp" and not is_heic(data):
        return "is an AVIF image or a film. Save one image of it as JPEG or PNG, and try again."
    for beginning, reason in _BEGINNINGS:
        if data.startswith(beginning):
            return reason
    if b"<svg" in data[:4096].lower():
        return "is an SVG drawing, which has no pixels. Export it as PNG, and try again."
    return "is animated. Save one frame of it as PNG or JPEG, and try again." if _moves(data) else ""


def _moves(data: bytes) -> bool:
    """Whether a file has several frames, of which only its header is read."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return image.format in _FRAMES and getattr(image, "n_frames", 1) > 1
    except Exception:  # whatever a decoder raises on hostile bytes; whoever opens it says so
        return False
