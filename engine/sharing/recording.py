"""Writing the history: a line for each job that ends, and for what the store got another way.

Invariant: jobs wait for none of this. A thread of its own takes the ends in turn; where they cannot be written the log says so,
and results are untouched.
"""

from __future__ import annotations

import atexit
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial
from typing import Any

from engine import __version__
from engine.core import config
from engine.core.errors import VitrineError
from engine.core.experiments import experiments
from engine.data import belongings
from engine.jobs import endings
from engine.jobs.endings import Ending
from engine.people.person import SERVER
from engine.sharing import history, holding, names, notices, thumbnails
from engine.sharing.history import Line

log = logging.getLogger(__name__)

OLD_SECONDS = 86400.0
A_MOMENT = 10.0
"""Seconds that a person waits for a page."""
_TEXT_FIELDS = ("text", "wanted", "vocabulary", "recipe", "reader", "data")
_LONGEST_TITLE, _LONGEST_TEXT = 200, 2000


class Recorder:
    """The thread that writes what `endings` tells."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Ending | Callable[[], None] | None] = queue.SimpleQueue()
        self._unwanted: dict[str, str] = {}  # uploads that are gone, by the keys of jobs that still work on them
        self._thread = threading.Thread(target=self._write, name="history", daemon=True)
        self._thread.start()

    def take(self, ending: Ending) -> None:
        """Note the end of a job that a person wanted, or that must leave nothing behind."""
        if (reference := self._unwanted.pop(ending.key, None)) is not None:
            self.do(partial(belongings.discard_made_of, reference))
        if any(person.id != SERVER.id for person in ending.people) and ending.status in ("done", "failed"):
            self._waiting.put(ending)

    def do(self, work: Callable[[], None]) -> None:
        """Do some further work when the ends before it are written."""
        self._waiting.put(work)

    def forget_made_of(self, reference: str) -> None:
        """An upload is gone: what was noted of things made of it goes, and what is being made of it stops."""
        from engine.jobs.scheduler import started

        if (jobs := started()) is not None:
            for job in [each for each in jobs.active() if reference in each.request.canonical()]:
                self._unwanted[job.id] = reference  # it may be done before it stops
                if not jobs.stop(job, SERVER):
                    self._unwanted.pop(job.id, None)
        history.forget_made_of(reference)
        belongings.discard_made_of(reference)  # by what ended before it could be stopped

    def settle(self) -> None:
        """Wait until everything that was told so far is written."""
        done = threading.Event()
        self.do(done.set)
        done.wait(30)

    def close(self) -> None:
        """Write what is left and stop."""
        self._waiting.put(None)
        self._thread.join(10)

    def _write(self) -> None:
        tidied = 0.0
        while (next_one := self._waiting.get()) is not None:
            try:
                if isinstance(next_one, Ending):
                    record(next_one)
                else:
                    next_one()
                if time.time() - tidied > OLD_SECONDS:
                    tidied = time.time()
                    history.forget_old(config.settings().sharing.history_days)
            except VitrineError as error:
                log.warning("The history could not be written: %s", error)
            except Exception:
                log.exception("The history could not be written")


def record(ending: Ending) -> None:
    """Write the end of a job into the history of each person who wanted it, pin its result where a collection holds it, and
    tell those who are not looking."""
    facts = json.loads(ending.request.canonical())
    line = replace(
        line_of(ending.key, facts, ending.ended),
        status=ending.status,
        started=ending.started,
        error=ending.error or "",
        vitrine=__version__,
        seen=ending.started is None or _by_itself(ending),
    )
    if ending.status == "done":
        line = replace(line, **_made(ending.key, ending.started))
    people = [person for person in ending.people if person.id != SERVER.id]
    for person in people:
        names.remember(person)
    lines = [replace(line, person=person.id) for person in people]
    history.write(lines)
    if ending.status == "done":
        holding.keep_what_ended(ending.key)
    notices.tell(lines)


def _by_itself(ending: Ending) -> bool:
    """Whether a page asked for this by itself, and had it before anybody would leave: a step of something else, or what was in
    the short lane to its end."""
    entry = experiments().get(ending.request.experiment)
    took = ending.ended - (ending.started or ending.ended)
    return took < A_MOMENT and (ending.short or (entry is not None and entry.part))


def line_of(key: str, facts: dict[str, Any], ended: float) -> Line:
    """A line of the history from a request, as canonical JSON says it; of nobody."""
    experiment, model, site = (str(facts.get(name) or "") for name in ("experiment", "model", "site"))
    entry = experiments().get(experiment)
    named = entry.title if entry else experiment
    units = _units(facts)
    where = "@".join(filter(None, (model, site)))
    title = ": ".join(filter(None, (named, where + (f":{units}" if units and site else ""))))
    rest = [str(facts[name]) for name in _TEXT_FIELDS if isinstance(facts.get(name), str | int)]
    text = " ".join([title, experiment, *rest]).lower()[:_LONGEST_TEXT]
    request = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return Line("", key, experiment, model, site, title[:_LONGEST_TITLE], text, request, "done", ended)


def _units(facts: dict[str, Any]) -> str:
    from engine.core.address import format_units

    units = facts.get("units")
    if not isinstance(units, list) or not all(isinstance(unit, int) for unit in units):
        return ""
    return ",".join([*filter(None, [format_units(units)]), *map(str, facts.get("targets") or ())])


def _made(key: str, started: float | None) -> dict[str, Any]:
    """What the stored result says of itself, a small picture of it, and what is known of how it came about. What was there before
    the job started was not made by it; what a cluster computed was made on another machine, by the Vitrine there."""
    from engine.jobs.scheduler import jobs

    result = jobs().result(key)
    stored = None if result is None else holding.stored_at(result.key)
    found = started is None or (stored is not None and stored < started)
    here = not found and config.settings().cluster.executor == "local"
    device = "" if result is None else str(result.facts.get("device", ""))[:_LONGEST_TITLE]
    return {
        "started": None if found else started,
        "device": device or (_device() if here else ""),
        "vitrine": __version__ if here else "",
        "computed_in": "" if result is None else result.precision,
        "picture": None if result is None else thumbnails.of_result(result),
    }


@cache
def _device() -> str:
    from engine.core import devices

    return str(devices.describe(devices.pick())["name"])


@cache
def recorder() -> Recorder:
    """The one recorder of this process, which listens from the first call on: to ends of jobs, and to uploads that go."""
    made = Recorder()
    endings.listen(made.take)
    belongings.listen(lambda reference: made.do(partial(made.forget_made_of, reference)))
    atexit.register(made.close)
    return made


# What the store got another way

_SEEN: dict[str, float] = {}


def catch_up() -> None:
    """Add lines of nobody for results that were stored since the last time, and that no history has: a command line's, a
    notebook's, those of a file that was imported."""
    store = config.store()
    since = _SEEN.get(str(store.folder), 0.0)
    entries = [entry for entry in store.stored_since(since) if entry.facts_request]
    if not entries:
        return
    from engine.jobs.keys import request_key

    lines = {
        request_key(entry.key): line_of(request_key(entry.key), entry.facts_request or {}, entry.stored_at)
        for entry in entries
    }
    for some in _chunks([*lines], 500):
        there = history.known(some)
        history.write([lines[key] for key in some if key not in there])
    _SEEN[str(store.folder)] = entries[-1].stored_at


def _chunks(keys: list[str], size: int) -> Iterable[list[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
