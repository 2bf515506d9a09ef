"""An experiment for executors, as a plugin brings one: it does as it is told, and writes down that it did."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from engine.core.errors import BadRequest, Unavailable
from engine.core.experiments import experiment
from engine.core.request import Context, Made, Progress, Request, Result

NAME = __name__


def noted(ledger: str) -> list[tuple[str, str, int]]:
    """What is written down: (begins or ends, name, process)."""
    path = Path(ledger)
    lines = path.read_text().splitlines() if path.is_file() else []
    return [(what, name, int(process)) for what, name, process in (line.split() for line in lines)]


@experiment(title="Tiny", about="Counts to a number.", page="visualize")
class Tiny(Request):
    """Counts, slowly. Array `x`: float32 (3,), of its name. `part`: it builds on another that is kept too."""

    experiment: ClassVar[str] = "tiny"
    version: ClassVar[int] = 1

    name: str
    steps: int = 3
    seconds: float = 0.0
    act: Literal["", "refuses", "fails", "dies", "dies once", "lingers", "breaks"] = ""
    weights: str = ""
    ledger: str = ""

    def fingerprints(self) -> dict[str, str]:
        if not self.weights:
            return {}
        try:
            return {"weights": Path(self.weights).read_text()}
        except OSError:
            raise Unavailable("The weights “tiny” are not here.") from None

    def note(self, what: str) -> None:
        if self.ledger:
            descriptor = os.open(self.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, f"{what} {self.name} {os.getpid()}\n".encode())
            os.close(descriptor)

    def run(self, context: Context) -> Result:
        self.note("begins")
        if self.act == "refuses":
            raise BadRequest("Unit 900 is out of range.")
        if self.act in ("fails", "breaks"):
            raise RuntimeError("CUDA error: an illegal memory access" if self.act == "breaks" else "a secret detail")
        first = len([1 for what, name, _ in noted(self.ledger) if (what, name) == ("begins", self.name)]) < 2
        if self.act == "dies" or (self.act == "dies once" and first):
            os.kill(os.getpid(), signal.SIGKILL)
        for step in range(self.steps):
            if self.act == "lingers":
                time.sleep(60)
            time.sleep(self.seconds)
            made = {
                self.name: Made(np.full((2, 2, 3), step, np.uint8), float(step) if step + 1 == self.steps else None)
            }
            context.report(Progress(step + 1, self.steps, "counting", f"png {step + 1}".encode(), (float(step),), made))
        numbers = np.frombuffer(self.name.encode().ljust(3)[:3], np.uint8).astype(np.float32)
        self.note("ends")
        return Result(json.loads(self.canonical()), {"x": numbers}, {}, {"name": self.name})


@experiment(title="Brief", about="Counts to one.", page="visualize")
class Brief(Tiny):
    """One that takes a moment."""

    experiment: ClassVar[str] = "brief"
    lane: ClassVar[Literal["short", "usual"]] = "short"
