"""What people did, a line each: who, what, how long, and what came of it. JSON lines in the cache folder, for operators.

Invariant: a line is written whole and holds no text longer than a few words; nothing that people do fails because it cannot be
written.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from engine.core.config import settings
from engine.people.person import Person

FOLDER, FILE = "audit", "audit.jsonl"
BYTES, FILES = 8 << 20, 10
"""A file is put aside when it has grown so large, and so many are kept."""
LONGEST = 300


def note(person: Person, did: str, outcome: str, **facts: Any) -> None:
    """Note down what a person did, where the settings say so."""
    if not settings().access.audits:
        return
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "person": person.id,
        "name": person.name,
        "role": person.role,
        "did": did,
        "outcome": outcome,
        **facts,
    }
    short = {name: value[:LONGEST] if isinstance(value, str) else value for name, value in line.items()}
    _log(settings().cache_folder / FOLDER).info(json.dumps(short, ensure_ascii=False))


def lines(most: int = 500) -> Iterator[dict[str, Any]]:
    """The latest lines, newest first. What is damaged is left out."""
    folder = settings().cache_folder / FOLDER
    left = most
    for path in [folder / FILE, *(folder / f"{FILE}.{number}" for number in range(1, FILES + 1))]:
        try:
            written = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for text in reversed(written):
            if left <= 0:
                return
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                left -= 1
                yield line


class _Quiet(RotatingFileHandler):
    """One that gives up a line that it cannot write, with a word in the log."""

    def handleError(self, record: logging.LogRecord) -> None:
        logging.getLogger(__name__).warning("The audit could not be written.", exc_info=True)


@cache
def _log(folder: Path) -> logging.Logger:
    """The log behind the file, which only the server's own account can read."""
    log = logging.Logger(f"vitrine.audit.{folder}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = _Quiet(folder / FILE, maxBytes=BYTES, backupCount=FILES, encoding="utf-8", delay=True)
    except OSError as error:
        logging.getLogger(__name__).warning("The audit cannot be written: %s", error)
        log.addHandler(logging.NullHandler())
        return log
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    return log
