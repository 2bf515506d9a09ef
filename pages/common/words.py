"""Numbers and names as people read them."""

from __future__ import annotations

import math
import re
import time
from datetime import datetime
from itertools import pairwise
from textwrap import shorten
from typing import Any

from engine.core.choices import STARTER
from engine.core.shares import percent as percent
from engine.core.shares import share as share
from engine.core.shares import shares as shares

SHORTEST = 15
"""Letters that fit under a small picture in two lines; the picture's description has the whole name."""
SOFT_HYPHEN = "\u00ad"
"""Where a browser may break a word; it shows a hyphen there when it does, and nothing when it does not."""
_LONG_WORD = re.compile(r"[^\W\d_]{10,}")
_LEAST = 4  # letters on either side of a break
_VOWELS = frozenset("aeiouy")
_ONSET = re.compile("[bcfgp][lr]|[dtw]r|[cgpstw]h|s[cklmnptw]|tw")
"""Two consonants that begin a syllable together."""


def duration(seconds: float) -> str:
    """Time in words: 4 s, 2 min, 1 h 10 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(count: float) -> str:
    """Bytes in words: 340 MB, 23.5 GB."""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if amount >= 100 or unit == "B" else f"{amount:.1f} {unit}"


def number(value: float) -> str:
    """A measured value with three digits; a minus sign that is one."""
    if not math.isfinite(value):
        return "not a number"
    return f"{value:.3g}".replace("-", "−")


def target(name: int | str) -> str:
    """What a picture was optimized for, as a title: Unit 7, Unit 7 at row 3, column 5, Head 2, Caricature of image 17,
    Text “a red boat”."""
    from engine.core.targets import parse_target

    if isinstance(name, int):
        return f"Unit {name}"
    target = parse_target(name)
    if target.text:
        return f"Text “{target.text}”"
    if target.whole:
        image = "an upload" if target.image.startswith("up-") else f"image {target.image}"
        return f"{'Feature inversion' if target.whole == 'match' else 'Caricature'} of {image}"
    part = target.alone
    if part is None:
        return f"Sum {name[1:-1]}".replace("*", "·").replace("-", "−")
    base = {"unit": f"Unit {part.number}", "head": f"Head {part.number}", "direction": f"Direction {part.digest[:6]}…"}
    where = "" if part.position is None else f" at row {part.position[0]}, column {part.position[1]}"
    return base[part.kind] + where


def shows(data: str) -> str:
    """What the images of a data set are called."""
    return "scene" if data == STARTER else "image"


def among(percentile: float, count: str) -> str:
    """A percentile of so many images in words: 99.9% of 1,698 scenes, or all of them. 99.96% are not all."""
    return f"all {count}" if percentile == 100 else f"{math.floor(round(10 * percentile, 6)) / 10:.1f}% of {count}"


def scene(facts: dict[str, Any]) -> str:
    """A scene in a few words: its caption, or its kind and place, or its file's name."""
    if facts.get("caption"):
        return str(facts["caption"])
    kind, place = facts.get("kind"), facts.get("place")
    if kind:
        return f"{kind} on {place}" if isinstance(place, str) else str(kind)
    return str(facts.get("name", facts["id"]))


def short(facts: dict[str, Any]) -> str:
    """A scene in one or two words, for under a small picture: what is on it, or the place where nothing is. Long words
    may be broken (see `breakable`)."""
    if facts.get("variant") == "place" and facts.get("place"):
        return breakable(str(facts["place"]))
    return breakable(shorten(str(facts.get("kind") or facts.get("name") or facts["id"]), SHORTEST, placeholder="…"))


def depth(site: str) -> str:
    """A site's place as people say it: block 5; stage 2, block 1. Its own name where that has no number."""
    parts = site.split(".")
    numbered = [f"{kind.removesuffix('s')} {number}" for kind, number in pairwise(parts) if number.isdigit()]
    return ", ".join(numbered) or site


def breakable(text: str) -> str:
    """Text with a soft hyphen in words of ten letters and more, where a syllable begins nearest to the middle."""
    return _LONG_WORD.sub(lambda word: _broken(word[0]), text)


def _broken(word: str) -> str:
    places = [place for place in range(_LEAST, len(word) - _LEAST + 1) if _begins_syllable(word.lower(), place)]
    if not places:
        return word
    place = min(places, key=lambda place: abs(2 * place - len(word)))
    return word[:place] + SOFT_HYPHEN + word[place:]


def _begins_syllable(word: str, place: int) -> bool:
    """Whether a vowel follows one consonant here, or two that go together, and the letter before does not belong to them."""
    vowel = place + (2 if _ONSET.match(word, place) else 1)
    torn = _ONSET.match(word, place - 1) or word.startswith("ck", place - 1)
    return word[place] not in _VOWELS and word[vowel] in _VOWELS and not torn


def ago(then: float, now: float | None = None) -> str:
    """A time in seconds since 1970 as people say it: just now, 5 min ago, 3 h ago, yesterday, 12 days ago, 2026-01-31."""
    since = (time.time() if now is None else now) - then
    if since < 60:
        return "just now"
    if since < 5400:
        return f"{round(since / 60)} min ago"
    if since < 86400:
        return f"{round(since / 3600)} h ago"
    days = int(since // 86400)
    return "yesterday" if days == 1 else f"{days} days ago" if days < 30 else f"{datetime.fromtimestamp(then):%Y-%m-%d}"
