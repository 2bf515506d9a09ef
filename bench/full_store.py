"""A store of 20,000 results: what looking, home and trimming take, and whether trimming holds anybody up.

    python -m bench.full_store [--results 20000]

Milliseconds. One in ten results has a file of its own (48 KiB); the others stand in the database (2 KiB). Home is run as a click
would run it, alone and while half of the store is trimmed away.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.common import say, table
from cache.blob import Blob
from cache.store import ResultStore

SMALL, LARGE, EVERY = 300, 12_000, 10
HERE = Path(__file__).parents[1]


def filled(folder: Path, results: int) -> ResultStore:
    """A store with so many results: a few are put, and the rest are copies of their rows and files under other keys."""
    store = ResultStore(folder, 64 << 30)
    for name, size in (("small", SMALL), ("large", LARGE)):
        request = {
            "experiment": "visualize",
            "version": 1,
            "model": "starter-vit",
            "site": "blocks.6.mlp.hidden",
            "units": [1],
        }
        store.put(name, Blob({"x": np.zeros(size, np.float32)}, {}, {"request": request}))
    store.close()
    with sqlite3.connect(folder / "cache.db") as link:
        names = [row[1] for row in link.execute("PRAGMA table_info(Cache)") if row[1] != "rowid"]
        rows = {row["key"]: row for row in _rows(link, names)}
        content = (folder / rows["large"]["filename"]).read_bytes()
        copies = []
        for number in range(results - 2):
            row = dict(rows["large" if number % EVERY == 0 else "small"])
            row |= {"key": f"{number:026d}.float32", "store_time": 1e9 + number, "access_time": 1e9 + number}
            if row["filename"]:
                row["filename"] = f"{number % 256:02x}/{number:030x}.val"
                path = folder / row["filename"]
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
            copies.append(row)
        marks = ", ".join(f":{name}" for name in names)
        link.executemany(f"INSERT INTO Cache ({', '.join(names)}) VALUES ({marks})", copies)
    return ResultStore(folder, 64 << 30)


def _rows(link: sqlite3.Connection, names: list[str]) -> list[dict]:
    return [dict(zip(names, row, strict=True)) for row in link.execute(f"SELECT {', '.join(names)} FROM Cache")]


def milliseconds(work: Callable[[], object], times: int = 5) -> list[float]:
    """What each of some calls takes."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def beside_trimming(store: ResultStore, work: Callable[[], object]) -> tuple[list[float], float]:
    """What calls take while half of the store is trimmed away, and what that takes itself (seconds)."""
    limit, began = store.stats()["bytes"] // 2, time.perf_counter()
    trimming = threading.Thread(target=store.trim, args=(limit,))
    trimming.start()
    taken = []
    while trimming.is_alive():
        taken += milliseconds(work, 1)
        time.sleep(0.02)
    return taken, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=int, default=20_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(VITRINE_CACHE=folder, VITRINE_PREPARE="false")
        say("filling")
        store = filled(Path(folder) / "results", chosen.results)
        looks: dict[str, Callable[[], object]] = {
            "how many, how large": store.stats,
            "a list of all": store.entries,
            "is it there": lambda: store.has(f"{chosen.results // 2:026d}.float32"),
            "read one": lambda: store.get(f"{chosen.results - 20:026d}.float32"),
            "put one": lambda: store.put("another", Blob({"x": np.zeros(SMALL)}, {}, {"request": {}})),
        }
        rows = [_row(name, milliseconds(work)) for name, work in looks.items()]
        say("home")
        home = _home()
        rows.append(_row("home, a run", milliseconds(home)))
        say("trimming")
        last = f"{chosen.results - 20:026d}.float32"
        taken, seconds = beside_trimming(store, lambda: (store.get(last), store.stats(), home()))
        rows.append(_row("home, reading and counting while half is trimmed away", taken))
        print(table(["", "median, ms", "most, ms"], rows))
        print(
            json.dumps(
                {"results": chosen.results, "trimming_seconds": round(seconds, 1), "left": store.stats()["entries"]}
            )
        )


def _home() -> Callable[[], object]:
    """A run of home, as a click makes it."""
    from streamlit.testing.v1 import AppTest

    from pages.common import serve

    serve.drawn()
    serve.warm_up().thread.join()
    app = AppTest.from_file(str(HERE / "app.py"), default_timeout=300)
    for _ in range(2):
        app.run()
    return app.run


def _row(name: str, taken: list[float]) -> list[str]:
    return [name, f"{statistics.median(taken):.0f}", f"{max(taken):.0f}"]


if __name__ == "__main__":
    main()
