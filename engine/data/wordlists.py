"""Lists of words from text that a person gave: one word or phrase on each line, or a CSV file whose first column has them.

Invariant: `read_words(write_words(found).encode()) == found`, and every word stands in a list once.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass

from engine.core.errors import RefusedFile

MOST_WORDS = 50_000
LONGEST_WORD = 100
MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class WordList:
    """Words in the order of the file; `scores` is its second column where that is a finite number in every line."""

    words: tuple[str, ...]
    scores: tuple[float, ...] | None = None


def read_words(data: bytes, name: str) -> WordList:
    """The words of a UTF-8 text or CSV file, repeats and empty lines dropped, white space made single.

    A first line whose second column alone is no number is a heading. Raises RefusedFile, in one sentence, for what is no
    text, has no word in it, or has more or longer words than allowed.
    """
    if len(data) > MOST_BYTES:
        raise RefusedFile(f"{name} has more than {MOST_BYTES >> 20} MB; a list of words may have at most that.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedFile(f"{name} is not UTF-8 text. Use a text file with one word per line.") from None
    if any(letter < " " and letter not in "\t\r\n\v\f" for letter in text):
        raise RefusedFile(f"{name} is not text. Use a text file with one word per line.")
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row and row[0].strip()]
    except csv.Error as error:
        raise RefusedFile(f"{name} cannot be read as lines of text or as CSV: {error}.") from None
    scores = [_number(row) for row in rows]
    if len(rows) > 1 and scores[0] is None and None not in scores[1:]:
        rows, scores = rows[1:], scores[1:]
    found: dict[str, float | None] = {}
    for row, score in zip(rows, scores, strict=True):
        found.setdefault(" ".join(row[0].split()), score)
    return _checked(found, name)


def write_words(found: WordList) -> str:
    """The list as CSV."""
    buffer = io.StringIO()
    scores = [()] * len(found.words) if found.scores is None else [(repr(score),) for score in found.scores]
    csv.writer(buffer, lineterminator="\n").writerows(
        (word, *score) for word, score in zip(found.words, scores, strict=True)
    )
    return buffer.getvalue()


def _checked(found: dict[str, float | None], name: str) -> WordList:
    if not found:
        raise RefusedFile(f"{name} holds no words. Use a text file with one word per line.")
    if len(found) > MOST_WORDS:
        raise RefusedFile(f"{name} holds {len(found):,} words; a vocabulary may have {MOST_WORDS:,}.")
    longest = max(found, key=len)
    if len(longest) > LONGEST_WORD:
        raise RefusedFile(
            f"{name} holds a word of {len(longest):,} characters, “{longest[:30]}…”; one may have {LONGEST_WORD}."
        )
    # A word scored “nan” or “inf” is a word all the same, and its line no heading.
    scores = tuple(score for score in found.values() if score is not None and math.isfinite(score))
    return WordList(tuple(found), scores if len(scores) == len(found) else None)


def _number(row: list[str]) -> float | None:
    try:
        return float(row[1])
    except (IndexError, ValueError):
        return None
