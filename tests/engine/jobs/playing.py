"""Experiments that do as they are told, and a stage from which tests watch and hold them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from cache.store import StoreFull
from engine.core.errors import BadRequest, Cancelled, Unavailable
from engine.core.request import Context, Made, Progress, Request, Result

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 30.0


class Stage:
    """Where the tests watch and hold the experiments that run on worker threads."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.seen = threading.Condition()
        self.gates: dict[str, threading.Event] = {}

    def gate(self, name: str) -> threading.Event:
        """The experiment of this name waits until the gate is set."""
        return self.gates.setdefault(name, threading.Event())

    def enter(self, name: str) -> None:
        with self.seen:
            self.ran.append(name)
            self.seen.notify_all()

    def wait_for(self, name: str, times: int = 1) -> None:
        with self.seen:
            assert self.seen.wait_for(lambda: self.ran.count(name) >= times, SECONDS), f"{name} did not start"


STAGE = Stage()


class Play(Request):
    """An experiment that does what its fields say."""

    experiment: ClassVar[str] = "play"
    version: ClassVar[int] = 1

    name: str
    steps: int = 1
    needs: str | None = None
    act: str = ""

    def fingerprints(self) -> dict[str, str]:
        if self.act == "no model":
            raise Unavailable("The weights of this model are not here.")
        return {}

    def run(self, context: Context) -> Result:
        STAGE.enter(self.name)
        try:
            self.play(context)
        except Cancelled:
            if self.act == "lingers":
                STAGE.enter(f"{self.name} lingers")
                STAGE.gate("end").wait(SECONDS)
            raise
        if self.act in ACTS:
            return ACTS[self.act]()
        needed = (Quick if self.needs.startswith("quick") else Play)(name=self.needs) if self.needs else None
        inner = context.compute(needed).arrays["x"].sum() if needed else 0
        return Result({"name": self.name}, {"x": np.ones(3) + inner}, {}, {"by": threading.current_thread().name})

    def play(self, context: Context) -> None:
        if self.act == "makes three":
            made = {str(number): Made(np.zeros((1, 1, 3), np.uint8), 1.0, True) for number in range(3)}
            context.report(Progress(0, self.steps, "playing", made=made))
        for step in range(self.steps):
            gate = STAGE.gates.get(self.name)
            while gate is not None and not gate.wait(SECONDS if self.act == "deaf" else 0.01):
                context.report(Progress(step, self.steps, "playing"))
            context.report(Progress(step + 1, self.steps, "playing", f"png {step + 1}".encode(), (float(step),)))


class Quick(Play):
    """One that takes a moment."""

    experiment: ClassVar[str] = "quick"
    lane: ClassVar[Literal["short", "usual"]] = "short"


def _raise(error: BaseException) -> Callable[[], Result]:
    def act() -> Result:
        raise error

    return act


class OutOfMemoryError(RuntimeError):
    """Named and worded like the one of torch.cuda."""


ACTS: dict[str, Callable[[], Result]] = {
    "bad request": _raise(BadRequest("Unit 900 is out of range. Ask for 0 to 767.")),
    "bug": _raise(ZeroDivisionError("secret detail")),
    "exit": _raise(SystemExit(3)),
    "interrupt": _raise(KeyboardInterrupt()),
    "generator": _raise(GeneratorExit()),
    "cuda memory": _raise(OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")),
    "cpu memory": _raise(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")),
    "python memory": _raise(MemoryError()),
    "nothing": lambda: None,  # type: ignore[return-value]
    "unstorable": lambda: Result({}, {"x": np.array(["text"])}),
}


def full(*_: object) -> None:
    """Stands in for writing to a disk that is full."""
    raise StoreFull("The disk is full.")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
