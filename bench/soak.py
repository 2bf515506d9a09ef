"""A group of people on one server beside a busy worker: does anything fail, get lost, slow down, or grow?

    python -m bench.soak                              30 people, 30 minutes
    python -m bench.soak --people 100 --minutes 5
    python -m bench.soak --people 5 --minutes 2 --pause 3
    python -m bench.soak --executor local              jobs in the server itself, as on a laptop; others: see bench.beside

Starts a server of its own (`--out`: its cache, log, and what was measured). Everybody opens every page once; for a sixth of the
time they look around while the worker is idle; then they ask for things, cancel, lose their connections, beside somebody whose
real computations keep the worker busy. A run that was broken off goes on with the same server when the command is given again.
Exit code 0: nothing failed, nothing was lost, polls stayed quick, and nothing grew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from bench.beside import EXECUTORS, ROOT, Beside, alive, free_port, mark
from bench.common import say, table
from bench.lives import Busy, Life, Notes
from bench.soak_report import Measured
from bench.visitor import Visitor

SAMPLE_SECONDS = 5.0
LIMITS = "[limits]\njobs_waiting = 1000\n"


class Server:
    """A server that outlives this command, so that a run can go on. `executor`: who carries its jobs out, as many `workers`."""

    def __init__(self, out: Path, executor: str = "processes", workers: int = 2, limits: str = LIMITS) -> None:
        self.out, self.state = out, out / "server.json"
        self.facts: dict[str, Any] = json.loads(self.state.read_text()) if self.state.exists() else {}
        threads = max(1, (os.cpu_count() or 2) - 1)  # a core is left to pages
        lines = f"threads = {threads if executor == 'local' else 1}\n{limits}"
        self.beside = Beside(executor, out, workers=workers, lines=lines, plugins="bench.toy")
        if self.beside.pool is not None:
            self.beside.pool.take_up(self.facts.get("pool", {}))

    @property
    def process(self) -> psutil.Process | None:
        """The server's process, while it is the one that was started here."""
        return alive(self.facts["pid"], self.facts["created"]) if "created" in self.facts else None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it is ready."""
        if self.process is None:
            self.beside.start()
            port = free_port()
            pid, created = mark(self._launch(port))
            pool = {} if self.beside.pool is None else self.beside.pool.facts()
            self.facts = {"pid": pid, "created": created, "port": port, "began": time.time(), "pool": pool}
            self.state.write_text(json.dumps(self.facts))
        until = time.monotonic() + 180
        while not self.metrics().get("vitrine_ready"):
            if self.process is None or time.monotonic() > until:
                raise SystemExit(f"The server did not get ready; {self.out / 'server.log'} says more.")
            time.sleep(1)

    def environment(self) -> dict[str, str]:
        """What it is told by variables."""
        return {**self.beside.environment, "VITRINE_CACHE": str(self.out / "cache"), "VITRINE_PREPARE": "false"}

    def _launch(self, port: int) -> int:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address=127.0.0.1"]
        with (self.out / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, f"--server.port={port}"],
                cwd=ROOT,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return process.pid

    def metrics(self) -> dict[str, float]:
        """What `/api/metrics` says; nothing where it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.facts['port']}/api/metrics", timeout=30) as answer:
                lines = [line.rpartition(" ") for line in answer.read().decode().splitlines() if line[0] != "#"]
            return {name: float(value) for name, _, value in lines}
        except OSError:
            return {}

    def sample(self) -> dict[str, float]:
        """What the process holds now, and in `workers` the memory of those that it started to compute."""
        process = self.process
        if process is None:
            raise SystemExit(f"The server is gone; {self.out / 'server.log'} says more.")
        told = self.metrics()
        with process.oneshot():
            held = {"rss": process.memory_info().rss, "threads": process.num_threads(), "files": process.num_fds()}
        held["workers"] = sum(_rss(child) for child in process.children(recursive=True))
        names = {"sessions": "vitrine_sessions", "running": 'vitrine_jobs{status="running"}'}
        return {"at": time.time(), **held, **{name: told.get(metric, 0.0) for name, metric in names.items()}}

    def stop(self) -> None:
        """Ask it to end."""
        if (process := self.process) is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except psutil.TimeoutExpired:
                process.kill()
        self.beside.stop()
        self.state.unlink(missing_ok=True)


def _rss(process: psutil.Process) -> int:
    """A process's memory in bytes; 0 where it has just ended."""
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


class Log:
    """What was measured, a line each as it comes, so that a run that breaks off loses nothing."""

    def __init__(self, out: Path) -> None:
        self.path = out / "measured.jsonl"

    def add(self, kind: str, **facts: Any) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps({"kind": kind, **facts}) + "\n")

    def of(self, kind: str) -> list[dict[str, Any]]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [told for line in lines if (told := json.loads(line)).pop("kind") == kind]


async def soak(server: Server, log: Log, chosen: argparse.Namespace) -> None:
    """Everybody's life until the time is over."""
    notes = Notes()
    seed = int(time.time())
    lives = [
        (Busy if number == 0 else Life)(
            Visitor("127.0.0.1", server.facts["port"]), notes, seed + number, 0.5 if number == 0 else chosen.pause
        )
        for number in range(chosen.people + 1)
    ]
    watching = asyncio.create_task(_watch(server, log, notes))
    say("What everybody's pictures are compared with is made.")
    await lives[0].visitor.connect()
    await lives[0].ask_for_pictures()
    await lives[0].visitor.disconnect()
    say("Everybody opens every page.")
    for group in range(0, len(lives), 10):
        await asyncio.gather(*(life.begin() for life in lives[group : group + 10]))
    for life in lives:
        life.hand_over()
    left = chosen.minutes * 60 - (log.of("clock")[-1]["lasted"] if log.of("clock") else 0.0)
    idle = 0.0 if log.of("phase") else chosen.minutes * 60 / 6
    for phase, seconds in (("idle", idle), ("busy", left - idle)):
        if seconds <= 0:
            continue
        say(f"{phase}: {seconds / 60:.1f} minutes")
        log.add("phase", phase=phase, at=time.time())
        for life in lives:
            life.works = phase == "busy"
        until = time.monotonic() + seconds
        # Whoever waits for something when the time is over waits for it to the end.
        await asyncio.gather(*(life.go_on(until) for life in lives))
    log.add("phase", phase="end", at=time.time())
    await asyncio.gather(*(life.end() for life in lives))
    watching.cancel()
    _write(log, notes)


async def _watch(server: Server, log: Log, notes: Notes) -> None:
    began = time.monotonic()
    before = log.of("clock")[-1]["lasted"] if log.of("clock") else 0.0
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        log.add("sample", **await asyncio.to_thread(server.sample))
        if log.of("phase"):
            log.add("clock", lasted=before + time.monotonic() - began)
        _write(log, notes)


def _write(log: Log, notes: Notes) -> None:
    """Hand what was noted to the log."""
    log.add(
        "notes",
        polls=notes.polls[:],
        runs=notes.runs[:],
        errors=notes.errors[:],
        lost=notes.lost[:],
        did=dict(notes.did),
    )
    for each in (notes.polls, notes.runs, notes.errors, notes.lost, notes.did):
        each.clear()


def report(server: Server, log: Log) -> bool:
    """Print the curve, a row a minute, and what it means. True when all is well."""
    measured = Measured.read(log.of("phase"), log.of("sample"), log.of("notes"))
    print(table(measured.HEAD, measured.rows()))
    told = server.metrics()
    findings = measured.findings(told)
    print("\n".join(f"{'ok  ' if well else 'NOT '} {says}" for well, says in findings))
    return all(well for well, _ in findings)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--pause", type=float, default=12.0, help="seconds that somebody looks at a page, on average")
    parser.add_argument("--executor", choices=EXECUTORS, default="processes", help="who carries jobs out")
    parser.add_argument("--out", type=Path, default=Path("soak"))
    parser.add_argument("--report", action="store_true", help="only print what was measured so far")
    chosen = parser.parse_args()
    chosen.out = chosen.out.absolute()
    chosen.out.mkdir(parents=True, exist_ok=True)
    cores = os.cpu_count() or 2
    server, log = Server(chosen.out, chosen.executor, max(1, min(2, cores - 1))), Log(chosen.out)
    if chosen.report:
        return 0 if report(server, log) else 1
    server.start()
    try:
        asyncio.run(soak(server, log, chosen))
    except KeyboardInterrupt:
        say("Broken off. The same command goes on.")
        return 130
    well = report(server, log)
    server.stop()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
