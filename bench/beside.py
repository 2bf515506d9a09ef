"""What an executor needs beside the server: its lines in the settings, and for Dask a scheduler and workers of its own.

local        one thread of the server, as on a laptop
processes    processes of this machine
dask         a scheduler, and `python -m engine worker` with its processes, as docs/clusters.md starts them
slurm        jobs through submitit, whose own “local” kind stands in for a cluster: processes of this machine, so many at a time
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
EXECUTORS = ("local", "processes", "dask", "slurm")
PACKAGES = {"dask": "distributed", "slurm": "submitit"}
ENDING_SECONDS = 30.0
Marks = list[tuple[int, float]]
"""Processes by their numbers and when they were created, which together belong to no other."""


def missing(executor: str) -> str:
    """Why an executor cannot be used here; empty where it can."""
    package = PACKAGES.get(executor)
    if package is None or importlib.util.find_spec(package) is not None:
        return ""
    return f"{package} is not installed here: pip install -r requirements-{executor}.txt"


def settings(executor: str, out: Path, workers: int, address: str = "") -> str:
    """The table `[cluster]` for an executor that works on so many requests at once."""
    lines = {
        "local": ['executor = "local"', "processes = 0"],
        "processes": ['executor = "local"', f"processes = {workers}"],
        "dask": ['executor = "dask"', f'dask_scheduler = "{address}"'],
        "slurm": [
            'executor = "slurm"',
            'slurm_cluster = "local"',
            f'slurm_folder = "{out / "runs"}"',
            f"slurm_at_once = {workers}",
            "slurm_parts = 1",
        ],
    }
    return "\n".join(["[cluster]", *lines[executor], ""])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mark(process: int) -> tuple[int, float]:
    """A process so that it is known again. Raises psutil.Error where there is none."""
    return process, psutil.Process(process).create_time()


def alive(process: int, created: float) -> psutil.Process | None:
    """A process, while it is the one that was meant."""
    try:
        found = psutil.Process(process)
        same = abs(found.create_time() - created) < 2 and found.status() != psutil.STATUS_ZOMBIE
        return found if same else None
    except psutil.Error:
        return None


class Pool:
    """A Dask scheduler with so many workers, which outlive the command that started them."""

    def __init__(self, out: Path, workers: int, environment: Mapping[str, str]) -> None:
        self.out, self._workers, self._environment = out, workers, dict(environment)
        self.address = ""
        self.marks: Marks = []

    def start(self) -> None:
        """Start what does not run."""
        if self.marks and all(alive(*each) for each in self.marks):
            return
        self.stop()
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        scheduler = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
        worker = ["-m", "engine", "worker", self.address, "--processes", str(self._workers)]
        for command in ([*scheduler, "--no-dashboard", "--no-show"], worker):
            self.marks.append(mark(self._begun([sys.executable, *command]).pid))

    def _begun(self, command: list[str]) -> subprocess.Popen[bytes]:
        own = {"VITRINE_CACHE": str(self.out / "worker")}  # as on a machine of its own
        with (self.out / "pool.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **self._environment, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """See to it that all of it has ended, workers first."""
        for process in filter(None, (alive(*each) for each in reversed(self.marks))):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(ENDING_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
        self.marks = []

    def facts(self) -> dict[str, Any]:
        return {"address": self.address, "marks": self.marks}

    def take_up(self, facts: Mapping[str, Any]) -> None:
        """Go on with the one of these facts."""
        self.address, self.marks = (
            str(facts.get("address", "")),
            [(int(p), float(at)) for p, at in facts.get("marks", ())],
        )


class Beside:
    """An executor made ready: a settings file in `out`, and whatever has to run. `lines` come before its table."""

    def __init__(self, executor: str, out: Path, *, workers: int = 2, lines: str = "", plugins: str = "") -> None:
        self.executor, self.out, self._workers, self._lines = executor, out, workers, lines
        self.environment = {"VITRINE_CONFIG": str(out / "vitrine.toml")}
        if plugins:
            self.environment["VITRINE_PLUGINS"] = plugins
        self.pool = Pool(out, workers, self.environment) if executor == "dask" else None

    def start(self) -> None:
        """Raises SystemExit where a package is not here."""
        if why := missing(self.executor):
            raise SystemExit(why)
        self.out.mkdir(parents=True, exist_ok=True)
        self._write()  # workers read it too
        if self.pool is not None:
            self.pool.start()
            self._write()

    def _write(self) -> None:
        address = self.pool.address if self.pool is not None else ""
        text = self._lines + settings(self.executor, self.out, self._workers, address)
        (self.out / "vitrine.toml").write_text(text)

    def stop(self) -> None:
        if self.pool is not None:
            self.pool.stop()
