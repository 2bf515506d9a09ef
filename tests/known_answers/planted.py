"""Effects that are planted with a known size, and how often an experiment's own statistics find them.

A case is a network or a data set made by hand, whose right answer is known before anything is measured. One draw makes it
anew from a seed and lets the experiment's own code measure it: an estimate with its 95% interval, and whether the
experiment would *say* that something is there. Over many draws the interval must hold the truth in 95% of them, and where
nothing was planted, nothing may be seen in 95%. How often the planted effect is seen is the power, which is reported.

Cases of one family stand in `tests/known_answers/<family>.py` as the list CASES. The tests make 100 draws of each case,
`python -m bench.known_answers` makes 1,000; the seeds are 0, 1, 2, ... in both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What one draw gave: the estimate, its 95% interval, and whether the experiment says that there is an effect."""

    estimate: float
    low: float
    high: float
    seen: bool


@dataclass(frozen=True)
class Planted:
    """One effect of known size. `draw(seed)` measures it, `null(seed)` the same where nothing was planted (the value is
    then `nothing`); None where the experiment has no such null. `about` says in one line what was planted. `truth` is None
    where the experiment gives no interval, and only says whether there is something."""

    experiment: str
    about: str
    truth: float | None
    draw: Callable[[int], Measured]
    null: Callable[[int], Measured] | None = None
    nothing: float = 0.0


@dataclass(frozen=True)
class Counts:
    """Of `draws`: in how many the interval held the truth (None where there is no interval), in how many the effect was seen
    (the power), and in how many draws of the null nothing was seen (None where there is no null)."""

    draws: int
    recovered: int | None
    seen: int
    unseen: int | None


def count(case: Planted, draws: int, first: int = 0) -> Counts:
    """Make `draws` draws of a case, with the seeds from `first` on."""
    seeds = range(first, first + draws)
    made = [case.draw(seed) for seed in seeds]
    nulls = [case.null(seed) for seed in seeds] if case.null else None
    return Counts(
        draws,
        None if (truth := case.truth) is None else sum(each.low <= truth <= each.high for each in made),
        sum(measured.seen for measured in made),
        None if nulls is None else sum(not measured.seen for measured in nulls),
    )


def says(case: Planted, counts: Counts) -> str:
    """The counts in a line, for the message of a test that fails."""
    null = "" if counts.unseen is None else f"; nothing was planted and not seen in {counts.unseen}"
    held = "" if case.truth is None else f"the interval held {case.truth:g} in {counts.recovered}, "
    return f"{case.experiment}, {case.about}: of {counts.draws} draws {held}seen in {counts.seen}{null}"
