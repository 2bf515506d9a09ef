"""Getting one result: from the store, from another process that is at it, or by computing it here.

Invariant: a result that was computed is not lost. It is stored; where the store cannot be written it stays in memory,
with a warning, and is stored as soon as that works again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cache.store import ResultStore, StoreFull, StoreUnavailable
from engine.core.request import Progress, Request, Result
from engine.jobs import keys

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
LEASE_SECONDS = 30.0
UNSTORED_RESULTS = 64
"""How many results that could not be stored are kept in memory at most; the oldest goes first, with a log line."""

Reporter = Callable[[Progress | None], None]
"""Takes in progress (None: none to tell) and raises Cancelled when the work must stop."""


@dataclass(frozen=True)
class _Context:
    """What a running experiment holds (see `engine.core.request.Context`): nested requests share report and cancel."""

    runner: Runner
    reporter: Reporter

    def report(self, progress: Progress) -> None:
        self.reporter(progress)

    def compute(self, request: Request) -> Result:
        return self.runner.fetch(request, self.reporter, strict=True)

    def find(self, request: Request) -> Result | None:
        return self.runner.find(request.key(), strict=True)

    def keep(self, request: Request, result: Result, spare: bool = False) -> None:
        self.runner.keep(request.key(), result, spare)


class Runner:
    """Gets results for one process; used by all of its workers."""

    def __init__(self, store: ResultStore) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._unstored: OrderedDict[str, tuple[Result, str]] = OrderedDict()  # with the warning that it deserves

    def find(self, key: str, *, strict: bool = False) -> Result | None:
        """The result under a request's key, if it is there already: in this machine's precision, else (unless strict) in
        another. What a running experiment builds on is sought strictly, so that no result is a mixture."""
        for place in keys.places(key, strict=strict):
            result = self._at(place)
            if result is not None and keys.counts(result, strict=strict):
                return result
        return None

    def _at(self, place: str) -> Result | None:
        with self._lock:
            kept = self._unstored.get(place)
        if kept is not None:
            return kept[0]
        blob = self.store.get(place)
        if blob is None:
            return None
        try:
            result = Result.from_blob(blob)
        except (KeyError, TypeError):
            self.store.report(f"The stored result {place} is not one of an experiment; it counts as missing.")
            return None
        result.key = place
        return result

    def has(self, key: str) -> bool:
        """Whether the result of the request with this key is stored, in whichever precision, without reading it."""
        return any(self.store.has(place) for place in keys.places(key))

    def warning(self, key: str) -> str | None:
        """What a person should know about a result that is there: that it could not be stored, and why."""
        with self._lock:
            kept = self._unstored.get(keys.place(key))
        return kept[1] if kept else None

    def fetch(self, request: Request, report: Reporter, *, strict: bool = False) -> Result:
        """The result of a request: found, awaited or computed.

        `strict` as in `find`. Raises Cancelled when `report` says so, and whatever the experiment raises.
        """
        key = request.key()
        while True:
            report(None)
            if (there := self.find(key, strict=strict)) is not None:
                return there
            with self.store.lease(keys.place(key), LEASE_SECONDS) as ours:
                if ours:
                    # Whoever had the lease before us has stored what it made.
                    there = self.find(key, strict=strict)
                    return self._compute(key, request, report) if there is None else there
            report(Progress(0, 0, "Another Vitrine process is computing this; waiting for its result"))
            time.sleep(POLL_SECONDS)

    def _compute(self, key: str, request: Request, report: Reporter) -> Result:
        result = request.run(_Context(self, report))
        if not isinstance(result, Result):
            raise TypeError(f"{request.experiment} returned {type(result).__name__}, not a Result")
        if self.keep(key, result):
            self._put_kept()
        return result

    def keep(self, key: str, result: Result, spare: bool = False) -> bool:
        """Store a result of the request with this key, or keep it in memory where that fails, unless it is a spare one; True
        when it is stored. Here, and nowhere else, it is noted which precision it was computed in."""
        result.facts["precision"] = keys.here()
        result.key = key = keys.place(key)
        try:
            self.store.put(key, result.to_blob())
        except Exception as error:
            if isinstance(error, StoreUnavailable):
                self.store.report(str(error))  # once, however many results it concerns
            else:
                log.exception("The result %s could not be stored", key)
            if spare:
                return False
            with self._lock:
                self._unstored[key] = (result, _warning(error))
                if len(self._unstored) > UNSTORED_RESULTS:
                    given_up, _ = self._unstored.popitem(last=False)
                    log.error("The result %s was given up: too many could not be stored", given_up)
            return False
        with self._lock:
            self._unstored.pop(key, None)
        return True

    def _put_kept(self) -> None:
        """The store takes results (again): hand it those that it refused before."""
        with self._lock:
            kept = [(key, result) for key, (result, _) in self._unstored.items()]
        for key, result in kept:
            self.keep(key, result)


def _warning(error: Exception) -> str:
    if isinstance(error, StoreFull):
        reason = "the disk is full"
    elif isinstance(error, StoreUnavailable):
        reason = "the result store cannot be written"
    else:
        reason = "it holds something that cannot be stored"
    return f"The result is kept in memory only, because {reason}: it is gone when Vitrine stops. Download it now."
