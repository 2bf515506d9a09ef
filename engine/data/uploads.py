"""Vectors, images and lists of words that a person brought, kept in the cache folder under the digest of what is in them.

Invariants: what is kept was read and checked whole (no pickle, nothing larger than allowed) and written anew, so nothing
else of a file survives; the digest names the content, so a request that names it is the same request on every machine
that has the file; what others keep makes no room for it.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from engine.core.choices import UPLOADS
from engine.core.config import settings
from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.images import open_image, thumbnail, to_png
from engine.data import belongings
from engine.data.photo_files import open_photo
from engine.data.wordlists import WordList, read_words, write_words
from engine.people.person import LOCAL, Person

Kind = Literal["vectors", "images", "words"]

MAX_VECTOR_BYTES = 16 << 20
MAX_LENGTH = 1 << 16
SHORTEST, LONGEST = 1e-12, 1e12
"""Norms between which float32 has room for the squares of a vector's numbers."""
MOST_BYTES = 2 << 30
"""Of each kind that is kept, of all people together."""
LONGEST_SIDE = 1024
"""Pixels of a kept image's longer side: more than any model looks at."""
UPLOADED = UPLOADS["images"]
"""How a reference to a kept image begins; a number is an image of the data set."""


def keep_vector(data: bytes, name: str, tensor: str = "", person: Person = LOCAL) -> str:
    """Keep the vector of a .npy or .safetensors file (`tensor`: which of several); gives its digest, 16 hex digits.

    Raises RefusedFile for what is neither, or no vector of at most 65,536 finite numbers that are not all zero; and as
    `belongings.check_room` for a person who has no room for it.
    """
    belongings.check_room(person, 0)
    if len(data) > MAX_VECTOR_BYTES:
        raise RefusedFile(
            f"{name} has more than {MAX_VECTOR_BYTES >> 20} MB; a file with a vector may have at most that."
        )
    array = _npy(data, name) if data.startswith(b"\x93NUMPY") else _safetensors(data, name, tensor)
    if array.dtype.kind not in "iuf":
        raise RefusedFile(f"{name} holds {array.dtype} values; a direction is a vector of real numbers.")
    vector = np.squeeze(array).astype(np.float64)
    if vector.ndim != 1 or not 1 < vector.size <= MAX_LENGTH:
        raise RefusedFile(f"{name} holds an array of shape {array.shape}; a direction is one number for each unit.")
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm) or not norm:
        raise RefusedFile(f"{name} holds no direction: its numbers are not all finite, or all of them are zero.")
    if not SHORTEST < norm < LONGEST:  # only where it points counts
        vector /= norm
    vector = vector.astype(np.float32)
    buffer = io.BytesIO()
    np.save(buffer, vector, allow_pickle=False)
    return _keep("vectors", vector.tobytes(), buffer.getvalue(), ".npy", person, name)


def vector(digest: str) -> np.ndarray:
    """The kept vector (length,) float32. Raises Unavailable where this machine does not have it."""
    return np.load(_find("vectors", digest, ".npy", "direction"), allow_pickle=False)


def keep_image(data: bytes, name: str, person: Person = LOCAL) -> str:
    """Keep an image as PNG, upright; gives the digest of its pixels. Raises RefusedFile as `open_photo` does, and as
    `belongings.check_room`."""
    belongings.check_room(person, 0)
    pixels = open_photo(data, name, LONGEST_SIDE)
    if max(pixels.shape[:2]) > LONGEST_SIDE:
        pixels = thumbnail(pixels, LONGEST_SIDE)
    content = repr(pixels.shape).encode() + pixels.tobytes()
    return _keep("images", content, to_png(pixels), ".png", person, name)


def image(digest: str) -> np.ndarray:
    """The kept image, uint8 (height, width, 3). Raises Unavailable where this machine does not have it."""
    return open_image(_find("images", digest, ".png", "image"), "The image")


def keep_words(data: bytes, name: str, person: Person = LOCAL) -> str:
    """Keep a list of words (see `engine.data.wordlists`); gives the digest of the words. Raises RefusedFile as `read_words`, and
    as `belongings.check_room`."""
    belongings.check_room(person, 0)
    content = write_words(read_words(data, name)).encode()
    return _keep("words", content, content, ".csv", person, name)


def words(digest: str) -> WordList:
    """The kept list. Raises Unavailable where this machine does not have it."""
    return read_words(_find("words", digest, ".csv", "list of words").read_bytes(), "The list of words")


def image_of(reference: str, data: str) -> np.ndarray:
    """The image that a reference names: `17` of the data set, or `up-<digest>`. Raises VitrineError for no image."""
    if is_upload(reference):
        return image(reference.removeprefix(UPLOADED))
    from engine.data.registry import open_dataset

    return open_dataset(data).image(int(reference))


def is_upload(reference: str) -> bool:
    """Whether this names an uploaded image rather than one of a data set."""
    return reference.startswith(UPLOADED)


def fingerprint(reference: str) -> str:
    """The digest of an uploaded image's pixels. Raises Unavailable where this machine does not have it."""
    digest = reference.removeprefix(UPLOADED)
    _find("images", digest, ".png", "image")
    return digest


def has_vector(digest: str) -> bool:
    """Whether this machine has a kept vector, which counts as used from now on."""
    try:
        _find("vectors", digest, ".npy", "direction")
    except Unavailable:
        return False
    return True


def _npy(data: bytes, name: str) -> np.ndarray:
    try:
        return np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # whatever NumPy raises on hostile bytes
        raise RefusedFile(f"{name} cannot be read as a .npy file of numbers ({type(error).__name__}).") from None


def _safetensors(data: bytes, name: str, tensor: str) -> np.ndarray:
    try:
        found = load(data)
    except (SafetensorError, KeyError, ValueError, TypeError, OverflowError):
        raise RefusedFile(f"{name} is neither a .npy nor a .safetensors file of numbers.") from None
    if tensor in found:
        return found[tensor]
    if tensor or len(found) != 1:
        known = ", ".join(sorted(found)[:8]) or "none"
        raise BadRequest(f"{name} needs the name of one of its tensors, after a colon. It has {known}.")
    return next(iter(found.values()))


def _folder(kind: Kind) -> Path:
    return belongings.folder() / kind


def _keep(kind: Kind, content: bytes, file: bytes, suffix: str, person: Person, name: str) -> str:
    digest, folder = hashlib.blake2b(content, digest_size=8).hexdigest(), _folder(kind)
    path = folder / f"{digest}{suffix}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        belongings.keep(path, person, name, len(file), partial(_write, path, file))
    except OSError as error:
        raise Unavailable(f"The file cannot be kept in {folder}: {error.strerror or error}.") from error
    return digest


def _write(path: Path, file: bytes) -> None:
    """The whole file at once or nothing of it. Raises OSError, and Unavailable where the server has no room for it."""
    _check_room(path, len(file))
    descriptor, begun = tempfile.mkstemp(dir=path.parent)
    try:
        with open(descriptor, "wb") as whole:
            whole.write(file)
        os.replace(begun, path)
    except BaseException:
        Path(begun).unlink(missing_ok=True)
        raise


def _find(kind: Kind, digest: str, suffix: str, what: str) -> Path:
    """The kept file, which counts as used from now on. Raises Unavailable where this machine does not have it."""
    path = _folder(kind) / f"{digest}{suffix}"
    if not re.fullmatch(r"[0-9a-f]{16}", digest) or not path.is_file():
        raise Unavailable(f"The {what} {digest[:16]} is not on this machine. Give its file again.")
    os.utime(path)
    return path


def _check_room(path: Path, size: int) -> None:
    """Raises Unavailable where so many bytes more of this kind are too much for the server. Nobody's go to make room."""
    total = sum(file.stat().st_size for file in path.parent.glob(f"*{path.suffix}"))
    if total + size > MOST_BYTES:
        days = settings().limits.upload_days
        later = f" Those unused for {days} days are deleted by themselves." if days else ""
        raise Unavailable(
            f"The server's room for uploads is full ({MOST_BYTES >> 30} GiB of {path.parent.name}). Delete some of yours on the "
            f"page “Privacy and your data”, or ask whoever runs this server to.{later}"
        )
