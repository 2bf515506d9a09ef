"""Who is told when a job has ended.

Invariant: whoever listens is called while the jobs are locked, so it only takes note and does its work elsewhere; what it raises
is logged and goes no further.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from engine.core.request import Request
from engine.jobs.progress import Status
from engine.people.person import Person

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """A job that ended, and for whom. `started` is None where its result was there already; times are seconds since 1970;
    `short` says that it was in the short lane to its end."""

    key: str
    request: Request
    people: tuple[Person, ...]
    status: Status
    ended: float
    started: float | None = None
    error: str | None = None
    short: bool = False


_LISTENERS: list[Callable[[Ending], None]] = []


def listen(listener: Callable[[Ending], None]) -> None:
    """Tell this listener (once) of every job that ends from now on."""
    if listener not in _LISTENERS:
        _LISTENERS.append(listener)


def tell(ending: Ending) -> None:
    """A job ended."""
    for listener in _LISTENERS:
        try:
            listener(ending)
        except Exception:
            log.exception("The end of %s could not be noted", ending.key)
