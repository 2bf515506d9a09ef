"""Which Vitrine runs, and since when."""

from __future__ import annotations

import functools
import os
import re
import time
from pathlib import Path

from engine import __version__

STARTED = time.time()
"""When this process began, seconds since 1970."""
VERSION = __version__
ROOT = Path(__file__).resolve().parents[2]
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@functools.cache
def commit(root: Path = ROOT) -> str | None:
    """The first letters of the commit: as VITRINE_COMMIT says (an image has no history), else as Git's folder does."""
    told = os.environ.get("VITRINE_COMMIT") or _head(root / ".git")
    return told[:10] if told and _COMMIT.fullmatch(told) else None


def _head(git: Path) -> str | None:
    """The full name of the commit that is checked out; None outside a clone."""
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text().strip()
        packed = [line.split() for line in (git / "packed-refs").read_text().splitlines()]
        return next((words[0] for words in packed if words[1:] == [name]), None)
    except (OSError, ValueError):
        return None


def uptime(now: float | None = None) -> str:
    """How long this process has been running, in words: `3 days 4 h`, `2 h 5 min`, `40 s`."""
    seconds = max(0, int((time.time() if now is None else now) - STARTED))
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} {'day' if days == 1 else 'days'} {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
