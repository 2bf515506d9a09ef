"""What `bench.soak` measured, as a table of minutes and as findings."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

Timed = list[tuple[float, float]]
SETTLED_SECONDS = 300.0
"""What grows in the first minutes is filled caches."""
QUICK_SECONDS, TIMES_IDLE = 0.25, 3.0
GROWTH = {"rss": 0.10, "workers": 0.25, "threads": 0.25, "files": 0.25}
"""How much more there may be at the end than after the first minutes; beyond that something grows."""
MIB = 1 << 20


def quantile(values: Sequence[float], share: float) -> float:
    """A quantile; 0 of nothing."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


@dataclass
class Measured:
    """Samples of the server's process, times of polls and runs, what people did and saw; times are seconds since 1970."""

    HEAD: ClassVar[tuple[str, ...]] = (
        *("minute", "phase", "RSS, MiB", "workers', MiB", "threads", "files", "sessions", "worker busy"),
        *("polls", "p50, ms", "p95, ms", "runs", "p50, ms", "p95, ms"),
    )
    phases: dict[str, float]
    samples: list[dict[str, float]]
    polls: Timed = field(default_factory=list)
    runs: Timed = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, phases: list[dict], samples: list[dict], notes: list[dict]) -> Measured:
        """From the lines that a run wrote."""
        began: dict[str, float] = {}
        for line in phases:
            began.setdefault(line["phase"], line["at"]) if line["phase"] != "end" else began.update(end=line["at"])
        measured = cls(began, samples)
        for line in notes:
            measured.polls += [(at, seconds) for at, seconds in line["polls"]]
            measured.runs += [(at, seconds) for at, seconds in line["runs"]]
            measured.errors += line["errors"]
            measured.lost += line["lost"]
            measured.did.update(line["did"])
        return measured

    def phase(self, at: float) -> str:
        """What was on then."""
        begun = [name for name, since in self.phases.items() if since <= at]
        return begun[-1] if begun else "opening"

    def of_phase(self, times: Timed, phase: str) -> list[float]:
        """The seconds that were taken in a phase."""
        return [seconds for at, seconds in times if self.phase(at) == phase]

    def rows(self) -> list[list[str]]:
        """One row a minute."""
        start = self.samples[0]["at"] if self.samples else 0.0
        minutes: dict[int, list[dict[str, float]]] = {}
        for sample in self.samples:
            minutes.setdefault(int((sample["at"] - start) // 60), []).append(sample)
        return [self._row(minute, held, start + 60 * minute) for minute, held in minutes.items()]

    def _row(self, minute: int, held: list[dict[str, float]], since: float) -> list[str]:
        middle = {name: statistics.median(sample[name] for sample in held) for name in held[0]}
        busy = sum(sample["running"] > 0 for sample in held) / len(held)
        cells = [str(minute), self.phase(held[-1]["at"]), *(f"{middle[name] / MIB:.0f}" for name in ("rss", "workers"))]
        cells += [f"{middle['threads']:.0f}", f"{middle['files']:.0f}", f"{middle['sessions']:.0f}", f"{busy:.0%}"]
        for times in (self.polls, self.runs):
            here = [1000 * seconds for at, seconds in times if since <= at < since + 60]
            cells += [str(len(here)), f"{quantile(here, 0.5):.0f}", f"{quantile(here, 0.95):.0f}"]
        return cells

    def findings(self, told: Mapping[str, float]) -> list[tuple[bool, str]]:
        """Each thing that must hold: whether it does, and the sentence. `told`: the server's own numbers at the end."""
        failed = sum(value for name, value in told.items() if "jobs_ended" in name and 'status="failed"' in name)
        traces = told.get('vitrine_log_lines_total{level="error"}', 0.0)
        found = [
            (not self.errors, f"errors that somebody saw: {len(self.errors)} {self.errors[:5] or ''}"),
            (not self.lost, f"jobs that were lost: {len(self.lost)} {self.lost[:5] or ''}"),
            (not failed, f"jobs that failed: {failed:.0f}"),
            (not traces, f"errors in the server's log: {traces:.0f}"),
            self._polls(),
            *self._growth(),
            (True, ", ".join(f"{what} {count}" for what, count in self.did.most_common())),
        ]
        return found

    def _polls(self) -> tuple[bool, str]:
        idle, busy = (quantile(self.of_phase(self.polls, phase), 0.95) for phase in ("idle", "busy"))
        well = busy <= QUICK_SECONDS or busy <= TIMES_IDLE * idle
        return (
            well,
            f"p95 of a poll: {1000 * busy:.0f} ms beside a busy worker, {1000 * idle:.0f} ms beside an idle one",
        )

    def _growth(self) -> list[tuple[bool, str]]:
        start = self.samples[0]["at"] if self.samples else 0.0
        end = self.phases.get("end", float("inf"))
        settled = [sample for sample in self.samples if start + SETTLED_SECONDS <= sample["at"] <= end]
        if len(settled) < 20:
            return [(True, "too short to see whether anything grows: that takes ten minutes")]
        part = len(settled) // 4
        found: list[tuple[bool, str]] = []
        for name, most in GROWTH.items():
            first, last = (statistics.median(each[name] for each in few) for few in (settled[:part], settled[-part:]))
            unit, by = ("MiB", MIB) if name in ("rss", "workers") else ("", 1)
            says = f"{name}: {first / by:.0f} {unit} after five minutes, {last / by:.0f} {unit} at the end"
            found.append((last <= first * (1 + most), says))
        return found
