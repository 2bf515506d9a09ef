"""Masks as people publish them: which of a file's values mean object.

Invariant: one data set is read in one way. Where a single file could mean two things (1 and 2: two classes, or a trimap's
object and background), a sample of the others decides, and what was decided is said.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from engine.core.errors import RefusedFile
from engine.core.images import FORMATS, MAX_BYTES, MAX_PIXELS

SAMPLE = 24
"""Masks of a data set that are looked at to learn how all of them are to be read."""
VOID = 255
CREAM = (224, 224, 192)  # Pascal VOC's colour for what belongs to nothing
Form = Literal["light", "grey", "binary", "numbers", "trimap", "palette", "alpha", "colour"]
SAYS: dict[Form, str] = {
    "grey": "Masks hold shades of grey: what is lighter than middle grey is object.",
    "binary": "Masks hold 0 and 1: what is 1 is object.",
    "numbers": "Masks hold class numbers: everything but 0 (background) and 255 (void) is object, whatever its class.",
    "trimap": "Masks are trimaps (1 object, 2 background, 3 border): the border counts as object.",
    "palette": "Masks are palette images, as Pascal VOC's: everything but entries 0 (background) and 255 (void) is object, "
    "whatever its class.",
    "alpha": "Masks lie in the alpha channel: what is opaque is object.",
    "colour": "Masks are in colour: everything but black (background) and Pascal VOC's cream (void) is object, whatever its "
    "class.",
}
"""What people are told of each form; black and white needs no words."""
OLD = frozenset({"light", "grey"})
"""The forms that were always read as they are now."""


@dataclass(frozen=True)
class Values:
    """A mask's file, decoded: what kind of file it is, and (height, width) numbers; of colours and opacities, the object."""

    file: Literal["grey", "palette", "alpha", "colour"]
    numbers: np.ndarray


class Masks:
    """How the masks of one data set are read: `sample` gives some of them, encoded."""

    def __init__(self, sample: Iterable[bytes]) -> None:
        found: list[Values] = []
        for data in sample:
            try:
                found.append(decoded(data, "A mask"))
            except RefusedFile:
                continue  # said where it is asked for
        self.grey = _form_of([values.numbers for values in found if values.file == "grey"])
        self.forms = {self.grey if values.file == "grey" else values.file for values in found}

    def read(self, data: bytes, label: str) -> np.ndarray:
        """Where the object is, bool (height, width). Raises RefusedFile for what is no image."""
        values = decoded(data, label)
        return values.numbers > 0 if values.file in ("alpha", "colour") else _READ[self._form(values)](values.numbers)

    def says(self) -> list[str]:
        """How they are read, where that is not plain."""
        return [SAYS[form] for form in SAYS if form in self.forms]

    def mark(self) -> list[bytes]:
        """For the fingerprint: what is read otherwise than by its light."""
        return [f"masks: {form}".encode() for form in sorted(self.forms - OLD)]

    def _form(self, values: Values) -> Form:
        return "palette" if values.file == "palette" else self.grey


_READ: dict[Form, Callable[[np.ndarray], np.ndarray]] = {
    "light": lambda numbers: numbers > 127,
    "grey": lambda numbers: numbers > 127,
    "binary": lambda numbers: (numbers != 0) & (numbers != VOID),
    "numbers": lambda numbers: (numbers != 0) & (numbers != VOID),
    "palette": lambda numbers: (numbers != 0) & (numbers != VOID),
    "trimap": lambda numbers: numbers != 2,
}


def decoded(data: bytes, label: str) -> Values:
    """A mask's file as it is stored, not turned by EXIF. Raises RefusedFile for what is no image of the known formats."""
    if len(data) > MAX_BYTES:
        raise RefusedFile(f"{label} has more than {MAX_BYTES >> 20} MB.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise RefusedFile(f"{label} has too many pixels.")
            return _values(image)
    except RefusedFile:
        raise
    except Exception as error:  # whatever a decoder raises on hostile bytes
        raise RefusedFile(f"{label} cannot be decoded ({type(error).__name__}).") from None


def _values(image: Image.Image) -> Values:
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
        if alpha.min() < 255:
            return Values("alpha", alpha > 127)
    if image.mode == "P" and not _is_grey(np.asarray(image.convert("RGB"))):
        return Values("palette", np.asarray(image))
    if image.mode.startswith("I"):
        numbers = np.asarray(image).astype(np.int64)
        return Values(
            "grey", np.where(numbers == 65535, 255, numbers) if set(np.unique(numbers)) <= {0, 65535} else numbers
        )
    colours = np.asarray(image.convert("RGB"))
    if _is_grey(colours):
        return Values("grey", colours[..., 0])
    return Values("colour", colours.any(2) & (colours != CREAM).any(2))


def _is_grey(colours: np.ndarray) -> bool:
    """Whether red, green and blue agree, up to what JPEG makes of it."""
    wide = colours.astype(np.int16)
    return bool((wide.max(2) - wide.min(2)).max(initial=0) <= 8)


def _form_of(masks: list[np.ndarray]) -> Form:
    """What grey masks mean, all of a data set together."""
    counts: dict[int, int] = {}
    for mask in masks:
        for value, count in zip(*np.unique(mask, return_counts=True), strict=True):
            counts[int(value)] = counts.get(int(value), 0) + int(count)
    between = {value: count for value, count in counts.items() if value not in (0, VOID)}
    if not between:
        return "light"
    if 0 not in counts and set(counts) <= {1, 2, 3} and 2 in counts:
        return "trimap"
    # Shades at an object's edge go up to white, which is most of it; numbers stay small, and 255 is a thin border.
    if max(between) > VOID or (max(between) <= 127 and counts.get(VOID, 0) <= sum(between.values())):
        return "binary" if set(between) == {1} and VOID not in counts else "numbers"
    return "grey"
