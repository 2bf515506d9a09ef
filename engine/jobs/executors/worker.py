"""What a worker does with what it is sent, wherever it runs: read it, see that it has the same weights and data, carry it out.

Invariant: a worker that lacks something, or has something else of that name, says so in one sentence and computes nothing.
"""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from cache.blob import Blob
from cache.store import StoreUnavailable
from engine.core import config
from engine.core.errors import Cancelled, PutBack, Unavailable, VitrineError, out_of_memory
from engine.core.experiments import experiments, import_plugins, parse_request
from engine.core.request import Progress, Request, one_request
from engine.jobs import keys
from engine.jobs.executors.executor import Handle, joined
from engine.jobs.executors.wire import Task
from engine.jobs.failures import explain
from engine.jobs.runner import Keeps, Reporter, Runner

log = logging.getLogger(__name__)

ATTEMPTS = 2
"""How often a request is begun whose worker dies."""
REPORT_SECONDS = 0.25
"""How often a worker's report is sent on."""


class Lacks(Unavailable):
    """This worker cannot carry a request out as it was asked for; another one may."""


class Failed(VitrineError):
    """What a worker said of a request that it could not carry out."""


def understood(task: Task) -> Request:
    """The request, when this machine would compute exactly what is asked for. Raises Lacks."""
    here = f"The worker on {platform.node() or 'this machine'}"
    try:
        import_plugins()
        request = parse_request(task.request)
    except VitrineError as error:
        raise Lacks(f"{here} does not know this request: {error}") from error
    if request.canonical() != task.request:
        raise Lacks(f"{here} has another version of “{request.experiment}”. Install the same Vitrine there.")
    try:
        prints = request.fingerprints()
    except VitrineError as error:
        raise Lacks(f"{here} lacks something: {error}") from error
    others = [name for name in {**prints, **task.fingerprints} if prints.get(name) != task.fingerprints.get(name)]
    if others:
        raise Lacks(
            f"{here} has another {' and '.join(others)} of that name than was asked for. Copy the same files there."
        )
    if task.precision and (ours := keys.computes_in(request)) != task.precision:
        raise Lacks(
            f"{here} computes in {ours}, and {task.precision} was asked for. Set precision in its vitrine.toml."
        )
    return request


def ended_with(problem: BaseException, request: Request | None) -> dict[str, Any]:
    """How a request that ended with this problem ended, as plain facts."""
    kinds = ((PutBack, "put back"), (Cancelled, "cancelled"), (Lacks, "lacks"))
    kind = next((name for known, name in kinds if isinstance(problem, known)), "failed")
    if request is None and not isinstance(problem, VitrineError):
        log.error("A worker could not read what it was sent", exc_info=problem)
        return {"status": "failed", "error": "A worker could not read what it was sent."}
    return {"status": kind, "error": str(problem) if request is None else explain(problem, request)}


def broken(error: BaseException) -> bool:
    """Whether an error leaves CUDA unusable for the rest of the process: all but running out of memory does."""
    if isinstance(error, VitrineError) or out_of_memory(error):
        return False
    return (
        type(error).__name__ == "AcceleratorError" or "CUDA error" in str(error) or "cuda runtime error" in str(error)
    )


def problem_of(ended: dict[str, Any]) -> VitrineError:
    """The problem that these facts tell of."""
    text = str(ended.get("error") or "This job failed unexpectedly. Start it again.")
    return {"put back": PutBack, "cancelled": Cancelled, "lacks": Lacks}.get(str(ended.get("status")), Failed)(text)


class Box:
    """A store as a runner knows it, that remembers which results were put into it, to be handed on.

    `inner`: where they are kept at the worker; without one, in memory until they are handed on. `every`: all that are made, and
    the parts that were found, else only those that could not be stored, since who asks reads the same store.
    """

    def __init__(self, inner: Any = None, every: bool = True) -> None:
        self.inner, self._every = inner, every
        self.made: dict[str, bytes] = {}

    def get(self, key: str) -> Blob | None:
        if key in self.made:
            return Blob.from_bytes(self.made[key])
        if not self._every:
            return self.inner.get(key)
        data = self.inner.get_bytes(key) if self.inner is not None else None
        if data is None:
            return None
        blob = Blob.from_bytes(data)
        if "fingerprints" not in blob.facts.get("facts", {}):  # of before results said what they were made of
            return None
        if _is_part(blob):
            self.made[key] = data
        return blob

    def known(self, keys: Sequence[str]) -> Collection[str]:
        """Any of them may be here."""
        return keys

    def get_bytes(self, key: str) -> bytes | None:
        """The bytes of a result that is here."""
        return self.made.get(key) or (self.inner.get_bytes(key) if self.inner is not None else None)

    def put(self, key: str, blob: Blob) -> None:
        self.put_bytes(key, blob.to_bytes(), blob.facts.get("request"))

    def put_bytes(self, key: str, data: bytes, request: Any = None) -> None:
        stored = False
        if self.inner is not None:
            try:
                self.inner.put_bytes(key, data, request)
                stored = True
            except StoreUnavailable as error:
                self.report(str(error))
        if self._every or not stored:
            self.made[key] = data

    def lease(self, key: str, seconds: float = 30.0) -> AbstractContextManager[bool]:
        return nullcontext(True) if self.inner is None else self.inner.lease(key, seconds)

    def report(self, text: str) -> None:
        if self.inner is None:
            log.warning("%s", text)
        else:
            self.inner.report(text)


def _is_part(blob: Blob) -> bool:
    request = blob.facts.get("request")
    known = experiments().get(str(request.get("experiment"))) if isinstance(request, dict) else None
    return known is not None and known.part


class Sparing:
    """Sends reports on, a few a second, and none of their pictures is lost; `stopped` is asked at each."""

    def __init__(self, send: Callable[[Progress], None], stopped: Callable[[], bool], seconds: float = REPORT_SECONDS):
        self._send, self._stopped, self._seconds = send, stopped, seconds
        self._waiting: Progress | None = None
        self._sent = float("-inf")

    def __call__(self, progress: Progress | None) -> None:
        if self._stopped():
            raise Cancelled("The job was cancelled.")
        if progress is not None:
            self._waiting = joined(self._waiting, progress)
            if time.monotonic() - self._sent >= self._seconds:
                self.flush()

    def flush(self) -> None:
        """Send what was held back."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._send(waiting)
            self._sent = time.monotonic()


def carry_out(task: Task, box: Keeps, report: Reporter) -> dict[str, Any]:
    """Carry a request out, its result being put into the box, and say as plain facts how it ended: `status` (done, failed,
    lacks, cancelled), `error`, `place`, where the result stands, and whether the device is `broken`. Nothing is raised but what
    ends the process."""
    request = None
    try:
        with one_request():
            request = understood(task)
            result = Runner(box).fetch(request, report)
        return {"status": "done", "place": result.key}
    except (Exception, GeneratorExit) as problem:
        return {**ended_with(problem, request), "broken": broken(problem)}


def task_of(handle: Handle) -> Task | None:
    """What is sent of a handle's request, in the precision that the settings name. Where that cannot be made the handle ends:
    it would end so each time, and keep the others waiting."""
    wanted = config.settings().precision
    try:
        return Task.of(handle.request, "" if wanted == "auto" else wanted)
    except Exception as problem:
        fail(handle, problem)
        return None


def fail(handle: Handle, problem: Exception) -> None:
    """A handle ends with this problem: in its own words where they are for people, else with a number that the log has."""
    handle.ends("failed", problem if isinstance(problem, VitrineError) else Failed(explain(problem, handle.request)))


def finish(handle: Handle, facts: Mapping[str, Any]) -> None:
    """A handle ends as its worker says."""
    status = facts.get("status")
    if status == "done":
        handle.ends("done")
    elif status == "cancelled" and handle.cancelled:
        handle.ends("cancelled")
    else:
        handle.ends("failed", problem_of(dict(facts)))


def died_twice(how: str) -> str:
    return (
        f"The worker process died twice at this job ({how}). Ask for fewer units at once; where it was killed, memory may be "
        "what lacks."
    )


def too_long(seconds: float) -> str:
    amount, unit = (seconds / 60, "minute") if seconds >= 60 else (seconds, "second")
    longer = f"{amount:g} {unit}{'' if amount == 1 else 's'}"
    return f"This job took longer than {longer} and was stopped. Ask for less at once, or raise part_minutes."
