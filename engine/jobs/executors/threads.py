"""This process itself: threads that carry requests out one after the other, each its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from engine.core.errors import Cancelled, Unavailable
from engine.core.request import Progress
from engine.jobs.executors.executor import Executor, Handle
from engine.jobs.executors.worker import Failed
from engine.jobs.failures import explain
from engine.jobs.runner import Runner


class Threads(Executor):
    """Threads of this process; one is what a laptop needs."""

    name = "local"

    def __init__(self, runner: Runner, slots: int = 1) -> None:
        super().__init__(runner)
        self.slots = slots
        self._changed = threading.Condition()
        self._waiting: deque[Handle] = deque()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._work, args=(f"thread {number + 1}",), name=f"part-{number}", daemon=True)
            for number in range(slots)
        ]
        for thread in self._threads:
            thread.start()

    def _send(self, handles: Sequence[Handle]) -> None:
        with self._changed:
            if self._closing:
                raise Unavailable("Vitrine is shutting down and accepts no new jobs. Try again after the restart.")
            self._waiting.extend(handles)
            self._changed.notify_all()

    def _stop(self, handle: Handle) -> None:
        with self._changed:
            if handle in self._waiting:
                self._waiting.remove(handle)
                handle.ends("cancelled")

    def _work(self, where: str) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._waiting)
                if self._closing:
                    return
                handle = self._waiting.popleft()
            handle.begins(where)
            self._carry_out(handle)

    def _carry_out(self, handle: Handle) -> None:
        def report(progress: Progress | None) -> None:
            if handle.cancelled or self._closing:
                raise Cancelled("The job was cancelled.")
            if progress is not None:
                handle.tells(progress)

        try:
            self.runner.fetch(handle.request, report)
        except Cancelled:
            handle.ends("cancelled")
        except BaseException as problem:
            handle.ends("failed", Failed(explain(problem, handle.request)))
        else:
            handle.ends("done")

    def close(self) -> None:
        with self._changed:
            self._closing = True
            for handle in self._waiting:
                handle.ends("cancelled")
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
