"""Vocabularies by name: the starter's own words, the lists of the settings, and lists that a person gave.

Invariant: the digest names the words and their order, so a result that was computed for other words is never found.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass

from engine.core import paths
from engine.core.choices import STARTER, UPLOADS
from engine.core.config import settings
from engine.core.errors import BadRequest, Unavailable
from engine.data import uploads
from engine.data.wordlists import WordList, read_words, write_words

KINDS = paths.STARTER / "scenes" / "kinds.json"
GIVEN = UPLOADS["words"]
"""How the name of a list that a person gave begins; its digest follows."""


@dataclass(frozen=True)
class Vocabulary:
    """Words that units may be named with, each once; `scores` is a number for each where the list has one."""

    name: str
    words: tuple[str, ...]
    digest: str
    scores: tuple[float, ...] | None = None


def vocabulary_names() -> list[str]:
    """The names that `open_vocabulary` knows without an upload."""
    return [STARTER, *(name for name in settings().vocabularies if name != STARTER)]


def open_vocabulary(name: str) -> Vocabulary:
    """The vocabulary of that name: `starter`, one of the settings, or `voc-<digest>`.

    Raises BadRequest for an unknown name, Unavailable when its file is not here, RefusedFile when that is no list of words.
    """
    if name == STARTER:
        return _starter()
    if name in settings().vocabularies:
        path = settings().vocabularies[name]
        try:
            return _vocabulary(name, read_words(path.read_bytes(), str(path)))
        except OSError as error:
            raise Unavailable(f"The vocabulary “{name}” cannot be read from {path}: {error.strerror}.") from None
    if name.startswith(GIVEN):
        return _vocabulary(name, uploads.words(name.removeprefix(GIVEN)))
    known = ", ".join(vocabulary_names())
    raise BadRequest(f"There is no vocabulary “{name[:80]}”. Choose one of {known}, or add a file to vitrine.toml.")


@functools.cache
def _starter() -> Vocabulary:
    """What the starter's scenes can be said to show: names, groups, tags and home places of all kinds."""
    try:
        kinds = json.loads(KINDS.read_text(encoding="utf-8"))
    except OSError:
        raise Unavailable(f"The starter's vocabulary is missing: {KINDS}.") from None
    parts = [[kind["name"], kind["group"], *kind["tags"], kind["home_place"]] for kind in kinds]
    return _vocabulary(STARTER, WordList(tuple(dict.fromkeys(word for said in parts for word in said))))


def _vocabulary(name: str, listed: WordList) -> Vocabulary:
    digest = hashlib.blake2b(write_words(listed).encode(), digest_size=8).hexdigest()
    return Vocabulary(name, listed.words, digest, listed.scores)
