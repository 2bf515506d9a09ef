"""The server's log: one line an event, with its time, as text or as JSON; and the id that a person's message shows too.

Invariant: whatever stands in a value, a line stays one line; only the trace of an error follows below it, in text.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

Layout = Literal["text", "json"]
OURS = ("engine", "pages", "cache", "vitrine")
"""Whose lines of information are written; of others only warnings and errors."""
THEIRS = ("streamlit", "uvicorn", "websockets")
"""Libraries that would write in a layout of their own."""
SILENT = "uvicorn.access"
"""What `pages.routes.requests` says better."""
_PLAIN = re.compile(r"[\w.,:/@+*~%=-]+")
_ABOUT: ContextVar[Mapping[str, Any]] = ContextVar("about", default={})  # noqa: B039 (never changed, only replaced)


def facts(**named: Any) -> dict[str, Any]:
    """What a line tells beside its message: `log.info("request", extra=facts(status=200))`. None is left out."""
    return {"facts": {name: value for name, value in named.items() if value is not None}}


@contextmanager
def about(**named: Any) -> Iterator[None]:
    """All lines that are written inside carry these facts, on this thread or in this task."""
    before = _ABOUT.set({**_ABOUT.get(), **named})
    try:
        yield
    finally:
        _ABOUT.reset(before)


def new_id() -> str:
    """A name for one request."""
    return secrets.token_hex(4)


def this_id() -> str:
    """The id of the request that is being answered here, or a new one: what a person's message and the log have in common."""
    return _ABOUT.get().get("id") or new_id()


class Lines(logging.Formatter):
    """A record as one line."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {**_ABOUT.get(), **getattr(record, "facts", {})}
        message, trace = record.getMessage(), self.formatException(record.exc_info) if record.exc_info else ""
        if self.layout == "json":
            head = {"time": when, "level": record.levelname.lower(), "logger": record.name, "message": message}
            return json.dumps({**told, **head, **({"trace": trace} if trace else {})}, default=str)
        named = [f"{name}={_plain(str(value))}" for name, value in told.items()]
        said = "".join(letter if letter.isprintable() else " " for letter in message)
        line = " ".join([when, f"{record.levelname:<7}", record.name, " ".join(said.split()), *named])
        return f"{line}\n{trace}" if trace else line


def _plain(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


class Counts(logging.Handler):
    """How many lines of each level there were, for whoever watches the server."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines[record.levelname.lower()] += 1


COUNTS = Counts()


def set_up(layout: Layout) -> None:
    """Write the log of this process in this layout, and that of the libraries that serve it too. Streamlit gives each of its
    loggers a handler of its own when it is made, so ask again once all of it is imported."""
    writer = logging.StreamHandler(sys.stderr)
    writer.setFormatter(Lines(layout))
    root = logging.getLogger()
    root.handlers[:] = [writer, COUNTS]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in THEIRS]:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.WARNING)
        logger.propagate = name != SILENT
