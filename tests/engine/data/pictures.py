"""Images of which every pixel is known, and five scenes made of them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

KINDS = ("cat", "fire", "guitar")


def encoded(array: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def png16(values: np.ndarray, significant: int = 0) -> bytes:
    """A PNG with 16 bits a channel, (height, width, 1, 3 or 4), as scanners and microscopes write it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    tall, wide, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", wide, tall, 16, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    said = chunk(b"sBIT", bytes([significant] * channels)) if significant else b""
    body = [chunk(b"IHDR", header), said, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def plain(value: int, size: tuple[int, int] = (96, 96)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


def scene(number: int) -> dict:
    """Scene `number`: a grey of ten times its number with a white square in rows 10-20, columns 30-50."""
    image, mask = plain(number * 10), np.zeros((96, 96), bool)
    alone = number == 3
    if not alone:
        image[10:20, 30:50] = 255
        mask[10:20, 30:50] = True
    left, top, right, bottom = (None,) * 4 if alone else (30, 10, 50, 20)
    return {
        "image": encoded(image, "WEBP", lossless=True),
        "mask": None if alone else encoded(mask),
        "box_left": left,
        "box_top": top,
        "box_right": right,
        "box_bottom": bottom,
        "kind": KINDS[number % 3],
        "kind_index": number % 3,
        "group": "animals",
        "place": "sea",
        "home_place": "grass",
        "variant": "place" if alone else "home",
        "set": number // 2,
        "tags": ["soft", "pet"],
        "caption": f"a {KINDS[number % 3]} on the sea",
    }
