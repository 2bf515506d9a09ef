"""Pictures that people give: checked, kept under the digest of their pixels, and found again by it.

Invariants: what is kept was decoded by the house's own door and encoded anew, so nothing else of a file survives; the same
picture is kept once; the least recently used go when there are too many.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import numpy as np

from engine.config import settings
from engine.errors import BadRequest, Unavailable
from engine.images import open_image, thumbnail, to_png

PREFIX = "upload/"
LONGEST_SIDE = 1024
"""Pixels of a kept picture's longer side: more than any model looks at."""
MOST_BYTES = 200 << 20
_NAME = re.compile(r"upload/[0-9a-f]{32}")


def keep(data: bytes, name: str) -> str:
    """Keep a picture and give its name, `upload/DIGEST`. Raises RefusedFile, in one sentence, for what is none."""
    image = open_image(data, name)
    if max(image.shape[:2]) > LONGEST_SIDE:
        image = thumbnail(image, LONGEST_SIDE)
    digest = hashlib.blake2b(repr(image.shape).encode() + image.tobytes(), digest_size=16).hexdigest()
    path = _folder() / f"{digest}.png"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.part")
        half.write_bytes(to_png(image))
        half.replace(path)
    except OSError as error:
        raise Unavailable(f"The picture cannot be kept: {error.strerror or error}. Free some disk space.") from None
    _trim(path)
    return PREFIX + digest


def is_upload(name: str) -> bool:
    """Whether this names an upload rather than an image of a data set."""
    return name.startswith(PREFIX)


def read(name: str) -> np.ndarray:
    """The picture, uint8 (height, width, 3). Raises BadRequest for a malformed name, Unavailable when it is gone."""
    path = _path(name)
    os.utime(path)
    return open_image(path, "The uploaded picture")


def fingerprint(name: str) -> str:
    """The digest of its pixels. Raises as `read` does."""
    _path(name)
    return name.removeprefix(PREFIX)


def _folder() -> Path:
    return settings().cache_folder / "uploads"


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise BadRequest(f"“{name[:40]}” names no uploaded picture.")
    path = _folder() / f"{name.removeprefix(PREFIX)}.png"
    if not path.is_file():
        raise Unavailable("This uploaded picture is no longer kept here. Upload it again.")
    return path


def _trim(newest: Path) -> None:
    """Remove the pictures unused for longest until they fit, but never the newest."""
    files = sorted((file for file in newest.parent.glob("*.png")), key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in files)
    for file in files:
        if total <= MOST_BYTES:
            return
        if file != newest:
            total -= file.stat().st_size
            file.unlink(missing_ok=True)
