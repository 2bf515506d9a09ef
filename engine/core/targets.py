"""Targets: what a picture is optimized for, written in one short notation. One unit is the simplest of them.

    120                    unit 120, mean over all positions
    120@3x5                unit 120 at one position: row 3, column 5, counted from 0 at the top left
    head2                  attention head 2 of a query, key or value: mean over its channels
    dir-0f3a9c51e2b47d68   a direction in the site, by the digest of its vector (see `engine.data.uploads`)
    (120-0.5*head2+7@0x0)  a weighted sum of those; inside the brackets a dash is a minus, not a range
    invert:17              feature inversion: the site's activations of image 17 of the data set, or of an upload
                           (`invert:up-...`)
    caricature:17          the same image, exaggerated: the dot product with its activations
    text(a red boat)       text similarity: how close a CLIP embeds the picture to a text; , ( ) @ : % * inside are
                           percent-encoded as in URLs (a comma is %2C), which `text_target` takes care of

In keys, results and links, feature inversion is written `match:17` and text similarity `says(a red boat)`, as they always
were: `str(target)` gives that canonical text, `target.written` the one above, and both are read.

Invariant: `parse_target(str(target)) == target`, and equal targets have equal text. Knows no torch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from engine.core.choices import MAX_TEXT
from engine.core.errors import BadRequest

MAX_TERMS = 16
_DIGEST = r"[0-9a-f]{16}"
_PART = (
    rf"(?:(?P<unit>[0-9]{{1,9}})|head(?P<head>[0-9]{{1,4}})|dir-(?P<direction>{_DIGEST}))"
    r"(?:@(?P<row>[0-9]{1,4})x(?P<column>[0-9]{1,4}))?"
)
_WHOLE = re.compile(rf"(?P<kind>invert|match|caricature):(?P<image>[0-9]{{1,9}}|up-{_DIGEST})")
_TERM = re.compile(rf"(?P<sign>[+-]?)(?:(?P<weight>[0-9]{{1,6}}(?:\.[0-9]{{1,6}})?)\*)?{_PART}")
_TEXT = re.compile(r"(?:text|says)\((?P<text>.*)\)", re.DOTALL)
# What addresses and selections are cut at, and what is no printing character.
_RESERVED = re.compile(r"[%,()@:*\x00-\x1f\x7f]")
IMAGE = re.compile(rf"[0-9]{{1,9}}|up-{_DIGEST}")

HOW = "Write 120@3x5, head2, dir-<digest>, (120-0.5*7), invert:17, caricature:17 or text(a red boat)"


@dataclass(frozen=True)
class Part:
    """One unit, head or direction; with `position` (row, column) at that place, else as the mean over all."""

    kind: Literal["unit", "head", "direction"]
    number: int = 0
    digest: str = ""
    position: tuple[int, int] | None = None

    def __str__(self) -> str:
        base = {"unit": str(self.number), "head": f"head{self.number}", "direction": f"dir-{self.digest}"}[self.kind]
        return base if self.position is None else f"{base}@{self.position[0]}x{self.position[1]}"


@dataclass(frozen=True)
class Term:
    """A part and what it is multiplied by."""

    weight: float
    part: Part

    def __str__(self) -> str:
        sign, size = "-" if self.weight < 0 else "+", abs(self.weight)
        return f"{sign}{self.part}" if size == 1 else f"{sign}{_decimal(size)}*{self.part}"


@dataclass(frozen=True)
class Target:
    """A weighted sum of parts, or (`whole`) an image whose activations count in all positions and units, or a text."""

    terms: tuple[Term, ...] = ()
    whole: Literal["", "match", "caricature"] = ""
    image: str = ""
    text: str = ""

    def __str__(self) -> str:
        if self.text:
            return f"says({_RESERVED.sub(lambda found: f'%{ord(found[0]):02X}', self.text)})"
        if self.whole:
            return f"{self.whole}:{self.image}"
        if len(self.terms) == 1 and self.terms[0].weight == 1:
            return str(self.terms[0].part)
        return f"({''.join(map(str, self.terms)).removeprefix('+')})"

    @property
    def written(self) -> str:
        """The target as people write and see it: `invert:` and `text(...)` in place of the canonical `match:` and `says(...)`."""
        if self.text:
            return f"text{str(self).removeprefix('says')}"
        return f"invert:{self.image}" if self.whole == "match" else str(self)

    @property
    def unit(self) -> int | None:
        """The unit where the target is nothing but one unit over all positions."""
        part = self.alone
        return part.number if part and part.kind == "unit" and part.position is None else None

    @property
    def alone(self) -> Part | None:
        """The part where the target is nothing but one part."""
        return self.terms[0].part if len(self.terms) == 1 and self.terms[0].weight == 1 else None

    @property
    def placed(self) -> bool:
        """Whether it matters where in the picture something is."""
        return bool(self.whole) or any(term.part.position is not None for term in self.terms)


def checked_image(image: str) -> str:
    """An image as requests name it: its number, or `up-` and the digest of an upload. Raises ValueError for anything else."""
    if not IMAGE.fullmatch(image):
        raise ValueError("The image is a number of the data set, or up-<digest> of an upload.")
    return str(int(image)) if image.isdecimal() else image


def is_target(text: str) -> bool:
    """Whether a text is meant as a target rather than as units and ranges of units."""
    return bool(re.search(r"[(@*]", text)) or text.startswith(("head", "dir-", "invert:", "match:", "caricature:"))


def text_target(text: str) -> Target:
    """The target of a text as a person writes it. Raises BadRequest for no text, and for more than 300 characters."""
    text = " ".join(text.split())
    if not text:
        raise BadRequest("There is no text in text(...). Write a word or a sentence, like text(a red boat).")
    if len(text) > MAX_TEXT:
        raise BadRequest(f"The text in text(...) has {len(text):,} characters; write at most {MAX_TEXT}.")
    return Target(text=text)


def parse_target(text: str) -> Target:
    """A target from its text. Raises BadRequest where the text is none, or has a weight of zero, too many terms, or a text
    that `text_target` refuses."""
    text = text.strip()
    if found := _TEXT.fullmatch(text):
        return text_target(unquote(found["text"]))
    if found := _WHOLE.fullmatch(text):
        number = found["image"]
        image = number if number.startswith("up-") else str(int(number))
        return Target(whole="caricature" if found["kind"] == "caricature" else "match", image=image)
    if text.startswith("(") and text.endswith(")"):
        parts = re.split(r"([-+*])", text[1:-1].strip())
        return Target(_terms("".join(part.strip(" ") for part in parts), text))
    found = re.fullmatch(_PART, text)
    if not found:
        raise _refused(text)
    return Target((Term(1.0, _part(found)),))


def _terms(inside: str, text: str) -> tuple[Term, ...]:
    terms: list[Term] = []
    place = 0
    while place < len(inside):
        found = _TERM.match(inside, place)
        if not found or (terms and not found["sign"]):
            raise _refused(text)
        weight = float(found["weight"] or 1) * (-1 if found["sign"] == "-" else 1)
        if not weight:
            raise BadRequest(f"“{text[:60]}” multiplies a term by 0. Remove that term.")
        terms.append(Term(weight, _part(found)))
        place = found.end()
    if not terms:
        raise _refused(text)
    if len(terms) > MAX_TERMS:
        raise BadRequest(f"“{text[:60]}…” has {len(terms)} terms; a target may have at most {MAX_TERMS}.")
    return tuple(terms)


def _part(found: re.Match[str]) -> Part:
    position = None if found["row"] is None else (int(found["row"]), int(found["column"]))
    if found["direction"]:
        return Part("direction", 0, found["direction"], position)
    kind: Literal["unit", "head"] = "unit" if found["unit"] else "head"
    return Part(kind, int(found["unit"] or found["head"]), "", position)


def _refused(text: str) -> BadRequest:
    return BadRequest(f"“{text[:60]}” is not a target. {HOW}.")


def _decimal(size: float) -> str:
    return f"{size:.6f}".rstrip("0").rstrip(".")
