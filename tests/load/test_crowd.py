"""A handful of people on a real server, as `bench.soak` has thirty: everything opens, what is asked for comes, nothing is lost,
whoever carries the jobs out.

No time is measured here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.beside import missing
from bench.lives import Life, Notes
from bench.soak import Log, Server
from bench.soak_report import Measured
from bench.visitor import Visitor
from tests.load.loops import apart
from tests.load.tried import tried

PEOPLE = 3
ACTS = ("_open", "_follow", "_watch", "_reconnect", "_ask_for_numbers", "_change_mind")


@pytest.fixture(params=tried("local", "dask"))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    if why := missing(request.param):
        pytest.skip(why)
    running = Server(tmp_path, request.param)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.mark.slow
def test_people_beside_each_other_lose_nothing_and_see_no_error(server: Server) -> None:
    notes = Notes()
    lives = [Life(Visitor("127.0.0.1", server.facts["port"]), notes, seed, 0.1) for seed in range(PEOPLE)]

    async def lived(life: Life) -> None:
        await life.begin()
        for act in ACTS:
            await getattr(life, act)()
        await life.end()

    async def together() -> None:
        await asyncio.gather(*map(lived, lives))

    apart(together())
    assert (notes.errors, notes.lost) == ([], [])
    assert notes.did["numbers"] == notes.did["cancelled"] == notes.did["reconnect"] == PEOPLE
    told = server.metrics()
    assert told['vitrine_jobs_ended_total{experiment="numbers",status="done"}'] >= PEOPLE
    assert not [name for name in told if "jobs_ended" in name and 'status="failed"' in name]
    assert told['vitrine_log_lines_total{level="error"}'] == 0


def test_a_run_that_was_broken_off_goes_on_with_what_was_measured(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.add("phase", phase="idle", at=0.0)
    log.add("phase", phase="busy", at=60.0)
    log.add("notes", polls=[[30.0, 0.1], [90.0, 0.2]], runs=[], errors=["an error"], lost=[], did={"page": 2})
    log.add("sample", at=0.0, rss=1, workers=1, threads=1, files=1, sessions=1, running=0)
    log.add("phase", phase="busy", at=120.0)
    log.add("notes", polls=[[130.0, 0.9]], runs=[], errors=[], lost=[], did={"page": 3})
    again = Log(tmp_path)
    measured = Measured.read(again.of("phase"), again.of("sample"), again.of("notes"))
    assert measured.of_phase(measured.polls, "idle") == [0.1]
    assert measured.of_phase(measured.polls, "busy") == [0.2, 0.9]
    assert measured.did == {"page": 5} and measured.errors == ["an error"]
    assert [well for well, says in measured.findings({}) if says.startswith("errors that somebody saw")] == [False]


def test_what_grows_after_the_first_minutes_is_found() -> None:
    def held(rise: float) -> Measured:
        others = {"files": 40, "sessions": 3, "running": 1}
        samples = [
            {"at": 5.0 * n, "rss": 1000 * (1 + rise * n), "workers": 5000, "threads": 20, **others} for n in range(240)
        ]
        return Measured({"idle": 0.0, "busy": 10.0}, samples)

    flat, rising = held(0.0).findings({}), held(0.01).findings({})
    assert all(well for well, says in flat)
    assert [says.partition(":")[0] for well, says in rising if not well] == ["rss"]
