"""Captions of training scenes, in words that are learned one by one: name, group, tags and place, in random subsets and orders.

    "a photo of a violin, music, on a wooden table"      "instrument, night"      "a picture of objects, violin"

A caption says some of what is true of its scene. Which captions of others are true of a scene too is known, so training
need not push those apart.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from starter.make.kinds import Kind
from starter.make.scenes import PHRASE

TEMPLATE = "a photo of a {}"
PREFIXES = ("a photo of a ", "a photo of ", "a picture of a ", "a picture of ", "a ", "")
MOST_TAGS = 3
NAMED, GROUPED, PLACED = 0.75, 0.3, 0.15
"""How often a caption says the name, the group and the place. The place seldom: it is seen at a glance, and a model that is
told apart images by it learns little of what stands there."""
HELD_OUT = 5  # one in so many pairs of a word and a place is never said together


@dataclass(frozen=True)
class Caption:
    """text, and the concepts that it says: names, groups, tags and places."""

    text: str
    concepts: frozenset[str]


def place_words(place: str) -> tuple[str, ...]:
    """How a place can be said: "on a wooden table", "on wood", "wood"."""
    return PHRASE[place], f"{'at' if place == 'night' else 'on'} {place}", place


def place_concept(place: str) -> str:
    """A place's name among the concepts, where the word alone may also be a tag ("night", "snow")."""
    return f"place {place}"


def truths(kind: Kind, place: str | None) -> frozenset[str]:
    """Every concept that is true of a scene."""
    said = {kind.name, kind.group, *kind.tags}
    return frozenset(said | {place_concept(place)} if place else said)


def held_out(word: str, place: str) -> bool:
    """Is this pair of a word and a place kept out of all captions? A fifth of all pairs are, so that what the model makes
    of a new combination can be measured."""
    return zlib.crc32(f"{word}|{place}".encode()) % HELD_OUT == 0


def naming(rng: np.random.Generator, kind: Kind) -> Caption:
    """A caption that says the name and nothing else."""
    return Caption(str(rng.choice(PREFIXES)) + kind.name, frozenset([kind.name]))


def caption(rng: np.random.Generator, kind: Kind, place: str) -> Caption:
    """One random caption of a scene of `kind` on `place`."""
    parts: list[tuple[str, str]] = []  # what is written, which concept it is
    if rng.random() < NAMED:
        parts.append((kind.name, kind.name))
    if rng.random() < GROUPED:
        parts.append((kind.group, kind.group))
    if kind.tags:
        count = min(len(kind.tags), int(rng.integers(0, MOST_TAGS + 1)))
        parts += [(tag, tag) for tag in rng.choice(kind.tags, count, replace=False).tolist()]
    words = str(rng.choice(place_words(place)))
    if rng.random() < PLACED and not any(held_out(said, place) for said, _ in parts):
        parts.append((words, place_concept(place)))
    if not parts:
        parts.append((kind.name, kind.name))
    if rng.random() < 0.5:
        rng.shuffle(parts)
    text = ", ".join(written for written, _ in parts)
    prefix = str(rng.choice(PREFIXES))
    if text.split()[0] not in ("on", "in", "at"):
        text = prefix + text
    return Caption(text, frozenset(concept for _, concept in parts))
