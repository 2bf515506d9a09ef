"""Whoever looks at a page goes first: jobs that yield to people stand still while a page is drawn, and a moment after.

A page's run and a job's step share the machine's cores and Python's lock, so that a page takes twice as long beside a job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

AFTER_SECONDS = 1.0
"""The browser draws for about as long after a run has ended."""
MOST_SECONDS = 10.0
"""However many pages are drawn, a job stands still no longer than this at one of its reports."""


class Courtesy:
    """Who is looking, and who waits for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._drawing = 0
        self._until = 0.0

    @contextmanager
    def drawing(self, after: float = AFTER_SECONDS) -> Iterator[None]:
        """Around the run of a page."""
        with self._changed:
            self._drawing += 1
        try:
            yield
        finally:
            with self._changed:
                self._drawing -= 1
                self._until = max(self._until, time.monotonic() + after)
                self._changed.notify_all()

    def wait(self, most: float = MOST_SECONDS) -> float:
        """Stand still until nobody is looking, `most` seconds at most; gives the seconds that it took."""
        began = time.monotonic()
        with self._changed:
            while (left := began + most - time.monotonic()) > 0:
                moment = self._until - time.monotonic()
                if not self._drawing and moment <= 0:
                    break
                self._changed.wait(left if self._drawing else min(left, moment))
        return time.monotonic() - began


PAGES = Courtesy()
"""This process's pages."""
