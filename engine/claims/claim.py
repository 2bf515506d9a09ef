"""What a claim is, as data, and what a verdict says. Invariant: a verdict follows from results alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from engine.claims.figure import Strip
from engine.claims.subject import Subject
from engine.core.request import Request, Result
from engine.core.statistics import Estimate, smallest_like
from engine.evaluation.telling import between
from engine.figures.chart import Chart

Word = Literal["holds", "holds in part", "does not hold", "cannot be told here"]
WORDS: tuple[Word, ...] = get_args(Word)
HOLDS, PARTLY, FAILS, UNTOLD = WORDS
Side = Literal["a", "b", "c"]
"""Model A, model B, and the CLIP."""
Results = Mapping[str, Result]
"""Results by the name of the part that asked for them."""


@dataclass(frozen=True)
class Part:
    """One request of a claim: whose it is, and what it measures in a few words."""

    side: Side
    what: str
    request: Request

    @property
    def name(self) -> str:
        return f"{self.request.experiment}-{self.side}"


@dataclass(frozen=True)
class Verdict:
    """What comes of a claim: the number here with its interval and what it is of, and a sentence computed from it. Where it
    cannot be told, `sentence` says why, and what is known all the same."""

    word: Word
    sentence: str
    number: Estimate | None = None
    unit: str = ""
    shown: str = ""
    """The number as people read it, with its interval."""


@dataclass(frozen=True)
class Claim:
    """A finding of the paper. `says`: what it claims, in our words; `where`: section, figure, table; `paper`: its number, or
    that it gives none; `measured`: how it is held against models here. `missing`: why it cannot be told of a subject whatever
    is computed (empty where it can); `parts`: what is needed; `tell`, `figure` and `strips` (of
    pictures): what the results come to."""

    name: str
    title: str
    says: str
    where: str
    paper: str
    measured: str
    missing: Callable[[Subject], str]
    parts: Callable[[Subject], Sequence[Part]]
    tell: Callable[[Subject, Results], Verdict]
    figure: Callable[[Subject, Results], Chart | None]
    strips: Callable[[Subject, Results], list[Strip]] = lambda subject, results: []

    def verdict(self, subject: Subject, results: Results) -> Verdict | None:
        """What comes of it; None where results are missing. Raises VitrineError where a model or data set is not there."""
        if any(part.name not in results for part in self.parts(subject)):
            return None
        why, told = self.missing(subject), self.tell(subject, results) if self.parts(subject) else None
        if not why:
            return told
        if told is None:
            return Verdict(UNTOLD, why)
        return replace(told, word=UNTOLD, sentence=f"{why} What is known: {told.sentence}")


def sign(found: Estimate | None) -> bool | None:
    """Whether a difference is above zero: True, False where it is below, None where its interval holds zero or is not known."""
    if found is None or not (found.low > 0 or found.high < 0):
        return None
    return found.low > 0


def judged(parts: Sequence[bool | None]) -> Word:
    """The verdict on a claim of several parts: each is seen to be so (True), seen to be otherwise (False), or not seen."""
    if parts and all(part is True for part in parts):
        return HOLDS
    if any(part is True for part in parts):
        return PARTLY
    return FAILS if any(part is False for part in parts) else UNTOLD


def points(found: Estimate) -> str:
    """A difference of shares in percentage points: +2.4 points (1.4 to 3.3)."""
    low, high = sorted((_rounded(100 * found.low), _rounded(100 * found.high)))
    return _minus(f"{_rounded(100 * found.value):+.1f} points ({low:.1f} to {high:.1f})")


def apart(found: Estimate) -> str:
    """The size of a difference of shares, whichever way it goes: 12.1 points (8.4 to 15.9)."""
    return points(found if found.value >= 0 else Estimate(-found.value, -found.high, -found.low)).removeprefix("+")


def percent(found: Estimate) -> str:
    """A share: 78.6% (76.1 to 80.9)."""
    return f"{100 * found.value:.1f}% ({100 * found.low:.1f} to {100 * found.high:.1f})"


def plain(found: Estimate, digits: int = 2, signed: bool = False) -> str:
    """A number that is no share: 0.47 (0.45 to 0.49)."""
    plus = "+" if signed else ""
    return _minus(f"{found.value:{plus}.{digits}f} ({between(found.low, found.high, digits)})")


def unseen(found: Estimate) -> str:
    """What could have been seen where nothing was."""
    return f"a difference of {100 * smallest_like(found):.1f} points would have been seen in 80% of samples"


def interval(row: Mapping, name: str) -> Estimate:
    """A number of a table's row with its interval, from the columns `name`, `name`_low and `name`_high."""
    return Estimate(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")))


def _rounded(value: float) -> float:
    return round(value, 1) + 0.0  # never minus nothing


def _minus(text: str) -> str:
    return text.replace("-", "−")
