"""Abstract words among the names of units, by a list that says of each word how concrete it is.

Invariant: a word that the list does not have is not judged, and counts neither way.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.core import paths
from engine.core.errors import BadRequest, Unavailable
from engine.core.request import Result
from engine.core.statistics import share

STARTER = paths.STARTER / "scenes" / "concreteness.csv"


@dataclass(frozen=True)
class Split:
    """How concrete words are, a larger number for more concrete; those below `middle` are abstract."""

    name: str
    concreteness: Mapping[str, float]
    middle: float

    def abstract(self, word: str) -> bool | None:
        """Whether a word is abstract, case aside; None where the list does not say."""
        score = self.concreteness.get(word.casefold())
        return None if score is None else score < self.middle


def starter_split() -> Split:
    """The starter's own: 0 for abstract and 1 for concrete, for every tag, kind and place of its scenes; see
    starter/README.md for the rule. Raises Unavailable where the file is missing."""
    try:
        text = STARTER.read_text(encoding="utf-8")
    except OSError:
        raise Unavailable(f"The starter's concreteness list is missing: {STARTER}.") from None
    _, *rows = csv.reader(io.StringIO(text))
    return split_of("starter", [word for word, _ in rows], [float(score) for _, score in rows])


def split_of(name: str, words: Sequence[str], scores: Sequence[float] | None) -> Split:
    """A split from a list of words with a score of concreteness each; abstract is what lies below the middle of the scores'
    range (3 for ratings from 1 to 5). Raises BadRequest for a list without scores, with one that is not finite, or with one
    score for all."""
    if scores is None or not len(scores):
        raise BadRequest(f"“{name}” has no scores. Use a CSV file with a word and its concreteness per line.")
    if len(words) != len(scores):
        raise ValueError(f"{len(words)} words and {len(scores)} scores")
    if not all(map(math.isfinite, scores)):
        raise BadRequest(f"A score in “{name}” is not a finite number. Give every word a number, like 3.5.")
    low, high = min(scores), max(scores)
    if not low < high:
        raise BadRequest(f"All words of “{name}” have the same score, so none is more abstract than another.")
    return Split(name, {word.casefold(): score for word, score in zip(words, scores, strict=True)}, (low + high) / 2)


def abstract_shares(namings: Sequence[Result], split: Split) -> pd.DataFrame:
    """How many units are named with an abstract word: a row for each result of NameUnitsRequest, in the order given.

    Columns: model, site; units, named (not abstained), judged (of those, whose first word the split knows), abstract
    (of those, whose word is), share = abstract / judged with its exact 95% interval low, high (share is NaN where none
    is judged); vocabulary: the share of abstract words among the judged ones of the vocabulary, what names drawn at
    random would give.
    """
    return pd.DataFrame([_row(naming, split) for naming in namings])


def _row(naming: Result, split: Split) -> dict[str, object]:
    words = [split.abstract(str(word)) for word in naming.facts["words"]]
    known = [word for word in words if word is not None]
    named = ~np.asarray(naming.arrays["abstained"], bool)
    firsts = [words[int(number)] for number in naming.arrays["words"][named, 0]]
    judged = [first for first in firsts if first is not None]
    abstract, n = sum(judged), len(judged)
    low, high = share(abstract, n)
    return {
        "model": naming.request["model"],
        "site": naming.request["site"],
        "units": len(named),
        "named": int(named.sum()),
        "judged": n,
        "abstract": abstract,
        "share": abstract / n if n else float("nan"),
        "low": low,
        "high": high,
        "vocabulary": sum(known) / len(known) if known else float("nan"),
    }
