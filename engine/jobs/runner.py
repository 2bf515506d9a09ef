"""Getting one result: from the store, from another process that is at it, or by computing it here.

Invariant: a result that was computed is not lost. It is stored; where the store cannot be written it stays in memory,
with a warning, and is stored as soon as that works again, whether or not anything else is computed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from cache import within
from cache.blob import Blob
from cache.store import StoreFull, StoreUnavailable
from engine.core.inside import Inside
from engine.core.request import Progress, Request, Result, one_request
from engine.jobs import keys

log = logging.getLogger(__name__)
within.learn(Inside())

POLL_SECONDS = 0.25
LEASE_SECONDS = 30.0
UNSTORED_RESULTS = 64
"""How many results that could not be stored are kept in memory at most; the oldest goes first, with a log line."""
AGAIN_SECONDS = 60.0
"""How long until the store is asked again to take what it refused, where nothing shows before that it takes results again."""

Reporter = Callable[[Progress | None], None]
"""Takes in progress (None: none to tell) and raises Cancelled when the work must stop."""
Begins = Callable[[Request, bool], None]
"""Told before a request is computed (False) or, since it is being computed elsewhere, waited for (True), with the request that
it may be a part of. Raises PutBack when that has to wait."""


class Keeps(Protocol):
    """Where a runner's results are kept (see `cache.store.ResultStore`)."""

    def get(self, key: str) -> Blob | None: ...
    def put(self, key: str, blob: Blob) -> None: ...
    def known(self, keys: Sequence[str]) -> Collection[str]: ...
    def put_bytes(self, key: str, data: bytes, request: Any = None) -> None: ...
    def lease(self, key: str, seconds: float = ...) -> AbstractContextManager[bool]: ...
    def report(self, text: str) -> None: ...


def _goes_ahead(request: Request, waits: bool) -> None:
    """Nothing has to wait."""


@dataclass(frozen=True)
class _Context:
    """What a running experiment holds (see `engine.core.request.Context`): nested requests share report and cancel."""

    runner: Runner
    reporter: Reporter
    begins: Begins

    def report(self, progress: Progress) -> None:
        self.reporter(progress)

    def compute(self, request: Request) -> Result:
        return self.runner.fetch(request, self.reporter, self.begins, nested=True)

    def find(self, request: Request) -> Result | None:
        return self.runner.find(request.key(), only=keys.computes_in(request))

    def keep(self, request: Request, result: Result, spare: bool = False) -> bool:
        return self.runner.keep(request, result, spare)


@dataclass(frozen=True)
class _Unstored:
    """A result that could not be stored, and the warning that it deserves; `again`: the store may take it another time."""

    result: Result
    warning: str
    again: bool


class Runner:
    """Gets results for one process; used by all of its workers."""

    def __init__(self, store: Keeps) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._unstored: OrderedDict[str, _Unstored] = OrderedDict()
        self._asks_again = False  # whether a thread waits to do so

    def find(self, key: str, *, only: str | None = None) -> Result | None:
        """The result under a request's key, if it is there already: in this machine's precision, else in another, or in one
        `only`, as for what a running experiment builds on, so that no result is a mixture. A result that was stored under
        the request's key alone counts for the precision that it says it was computed in."""
        if "." in key:
            return self._at(key)
        # Most that is asked about is not there yet, and each look at the store waits for one of its threads.
        known = self.store.known(keys.places(key))
        before = None
        for number, precision in enumerate((only,) if only else keys.precisions()):
            if (result := self._at(keys.stored_key(key, precision), known)) is not None:
                return result
            before = self._at(key, known) if number == 0 else before
            if before is not None and before.precision == precision:
                return before
        return None

    def _at(self, place: str, known: Collection[str] | None = None) -> Result | None:
        """The result in this place; `known`: the places in which the store may have one, where that was asked before."""
        with self._lock:
            kept = self._unstored.get(place)
        if kept is not None:
            return kept.result
        if known is not None and place not in known:
            return None
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

    def warning(self, key: str) -> str | None:
        """What a person should know about a result that is there: that it could not be stored, and why."""
        with self._lock:
            kept = next((self._unstored[place] for place in keys.places(key) if place in self._unstored), None)
        return kept.warning if kept else None

    def fetch(
        self, request: Request, report: Reporter, begins: Begins = _goes_ahead, *, nested: bool = False
    ) -> Result:
        """The result of a request: found, awaited or computed; in the precision of this machine where it is `nested` in
        another. Files that it reads are looked at once, for its key and for its work. Raises Cancelled when `report` or
        `begins` says so, and whatever the experiment raises.
        """
        with one_request():
            return self._fetch(request, report, begins, nested)

    def _fetch(self, request: Request, report: Reporter, begins: Begins, nested: bool) -> Result:
        key = request.key()
        ours = keys.computes_in(request)
        only = ours if nested else None
        while True:
            report(None)
            if (there := self.find(key, only=only)) is not None:
                return there
            begins(request, False)
            with self.store.lease(keys.stored_key(key, ours), LEASE_SECONDS) as mine:
                if mine:
                    # Whoever had the lease before us has stored what it made.
                    there = self.find(key, only=only)
                    return self._compute(request, report, begins) if there is None else there
            begins(request, True)
            report(Progress(0, 0, "Another Vitrine process is computing this; waiting for its result"))
            time.sleep(POLL_SECONDS)

    def _compute(self, request: Request, report: Reporter, begins: Begins) -> Result:
        result = request.run(_Context(self, report, begins))
        if not isinstance(result, Result):
            raise TypeError(f"{request.experiment} returned {type(result).__name__}, not a Result")
        if self.keep(request, result):
            self.put_kept()
        return result

    def keep(self, request: Request, result: Result, spare: bool = False) -> bool:
        """Store a result of a request, or keep it in memory where that fails, unless it is a spare one; True when it is
        stored. Here, and nowhere else, it is noted which precision it was computed in, and of which weights and data."""
        result.facts["precision"] = keys.computes_in(request)
        result.facts["fingerprints"] = dict(request.fingerprints())
        result.key = keys.stored_key(request.key(), result.precision)
        return self._put(result, spare)

    def take_in(self, place: str, data: bytes) -> Result:
        """Store a result that was computed elsewhere and comes as bytes, or keep it in memory where that fails. Whether it is
        what it says is for the caller to know (see `engine.jobs.executors.wire.checked`). Raises DamagedBlob."""
        result = Result.from_blob(Blob.from_bytes(data))
        result.key = place
        if self._put(result, data=data):
            self.put_kept()
        return result

    def _put(self, result: Result, spare: bool = False, data: bytes | None = None) -> bool:
        key = result.key
        try:
            if data is None:
                self.store.put(key, result.to_blob())
            else:
                self.store.put_bytes(key, data, result.request)
        except Exception as error:
            if isinstance(error, StoreUnavailable):
                self.store.report(str(error))  # once, however many results it concerns
            else:
                log.exception("The result %s could not be stored", key)
            if spare:
                return False
            again = isinstance(error, StoreUnavailable | MemoryError)
            with self._lock:
                self._unstored[key] = _Unstored(result, _warning(error), again)
                if len(self._unstored) > UNSTORED_RESULTS:
                    given_up, _ = self._unstored.popitem(last=False)
                    log.error("The result %s was given up: too many could not be stored", given_up)
            if again:
                self._ask_again_later()
            return False
        with self._lock:
            self._unstored.pop(key, None)
        return True

    def put_kept(self) -> None:
        """The store may take results (again): hand it those that it refused before."""
        with self._lock:
            kept = [each.result for each in self._unstored.values() if each.again]
        for result in kept:
            self._put(result)

    def _ask_again_later(self) -> None:
        """Once for all that it refused; what it refuses then is asked about later again."""
        with self._lock:
            if self._asks_again:
                return
            self._asks_again = True
        timer = threading.Timer(AGAIN_SECONDS, self._ask_again)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # no thread to be had; the next refusal sees to it
            self._asks_again = False

    def _ask_again(self) -> None:
        self._asks_again = False
        self.put_kept()


def _warning(error: Exception) -> str:
    if isinstance(error, StoreFull):
        reason = "the disk is full"
    elif isinstance(error, StoreUnavailable):
        reason = "the result store cannot be written"
    else:
        reason = "it holds something that cannot be stored"
    return f"The result is kept in memory only, because {reason}, and is lost when Vitrine stops. Download it now."
