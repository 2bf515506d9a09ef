"""Do all executors keep the same promises, and is anything lost when their workers are killed?

    python -m bench.executors                        the promises as a table: rows are tests, columns executors
    python -m bench.executors kills                  20 kills (kill -9) for each executor; goes on where it was broken off
    python -m bench.executors kills --times 5 --only dask

The promises are tests/engine/jobs/executors/test_contract.py. Each round of `kills` asks for six requests of about a second on
two workers, kills one that is at work at a random moment, and looks: each request is done, none was finished twice, and at most
the one that was killed was begun twice. Exit code 0: all of it held.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

CONTRACT = "tests/engine/jobs/executors/test_contract.py"
KILLED = ("processes", "dask", "submitit local")
PARTS, STEPS, STEP_SECONDS = 6, 10, 0.1
LONGEST = 300.0


class Table:
    """A plugin of pytest that remembers how each test went."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: Any) -> None:
        name, _, executor = report.nodeid.rpartition("::")[2].rstrip("]").partition("[")
        if report.skipped:
            self.seen[name][executor] = f"— ({report.longrepr[2].removeprefix('Skipped: ')})"
        elif report.when == "call" or report.failed:
            self.seen[name][executor] = f"{report.duration:.1f} s" if report.passed else "FAILED"

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """The head and the lines."""
        columns = [*dict.fromkeys(name for row in self.seen.values() for name in row)]
        rows = [
            [name.removeprefix("test_").replace("_", " "), *(row.get(column, "") for column in columns)]
            for name, row in self.seen.items()
        ]
        return ["promise", *columns], rows


def promises() -> int:
    """Run the tests, and print what they said."""
    import pytest

    from bench.common import table

    seen = Table()
    code = int(pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", CONTRACT], plugins=[seen]))
    print(table(*seen.rows()))
    return code


def kills(times: int, only: Sequence[str], ledger: Path) -> int:
    """Rounds of each executor that are not in the ledger yet."""
    from bench.common import say, table

    wrong = 0
    for name in only:
        done = [line for line in _lines(ledger) if line["executor"] == name]
        if len(done) < times:
            say(f"{name}: {times - len(done)} rounds")
            _rounds(name, times - len(done), ledger)
    rows = []
    for name in only:
        lines = [line for line in _lines(ledger) if line["executor"] == name]
        bad = [line for line in lines if not line["held"]]
        wrong += len(bad)
        sums = [str(sum(line[fact] for line in lines)) for fact in ("parts", "done", "begun", "finished")]
        rows.append([name, str(len(lines)), *sums, str(len(bad))])
    print(table(["executor", "kills", "requests", "done", "begun", "finished", "rounds that went wrong"], rows))
    return 1 if wrong else 0


def _lines(ledger: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def _rounds(name: str, times: int, ledger: Path) -> None:
    from bench.common import say
    from cache.store import ResultStore
    from engine.core import config
    from engine.jobs.runner import Runner
    from tests.engine.jobs.executors import conftest, tiny

    os.environ["VITRINE_PLUGINS"] = tiny.NAME
    config.settings.cache_clear()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VITRINE_CACHE"] = folder
        config.settings.cache_clear()
        store = ResultStore(Path(folder) / "results")
        with conftest.KINDS[name](Runner(store), Path(folder)) as executor:
            for number in range(times):
                line = {"executor": name, "at": time.time(), **_round(executor, Path(folder) / f"notes-{number}")}
                with ledger.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                say(json.dumps(line))
        store.close()


def _round(executor: Any, notes: Path) -> dict[str, Any]:
    from tests.engine.jobs.executors.tiny import Tiny, noted

    requests = [
        Tiny(name=secrets.token_hex(4), steps=STEPS, seconds=STEP_SECONDS, ledger=str(notes)) for _ in range(PARTS)
    ]
    handles = executor.submit_all(requests)
    _wait(lambda: bool(noted(str(notes))))
    time.sleep(random.uniform(0, STEPS * STEP_SECONDS * PARTS / 2 * 0.8))
    _wait(lambda: _kill_one(str(notes)) or all(handle.ended for handle in handles))
    for handle in handles:
        handle.wait(LONGEST)
    lines = noted(str(notes))
    begun = [name for what, name, _ in lines if what == "begins"]
    finished = [name for what, name, _ in lines if what == "ends"]
    done = sum(handle.status == "done" for handle in handles)
    most = max(map(begun.count, begun), default=0)
    held = done == len(finished) == len(set(finished)) == PARTS and len(begun) <= PARTS + 1 and most <= 2
    said = {"parts": PARTS, "done": done, "begun": len(begun), "finished": len(finished), "held": held}
    return said | {"errors": [str(handle.error) for handle in handles if handle.error]}


def _kill_one(notes: str) -> bool:
    """Kill a process that is at a request."""
    from tests.engine.jobs.executors.tiny import noted

    lines = noted(notes)
    over = {name for what, name, _ in lines if what == "ends"}
    at_work = [process for what, name, process in lines if what == "begins" and name not in over]
    for process in random.sample(at_work, len(at_work)):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            return True
    return False


def _wait(condition: Any) -> None:
    end = time.monotonic() + LONGEST
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("promises", "kills"), default="promises")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=KILLED, default=KILLED)
    parser.add_argument("--ledger", type=Path, default=Path("executors-kills.jsonl"))
    given = parser.parse_args(argv)
    return promises() if given.what == "promises" else kills(given.times, given.only, given.ledger)


if __name__ == "__main__":
    sys.exit(main())
