"""Wall time of a sweep on several worker processes, killed and gone on with once, against the same requests one by one.

    python -m bench.sweeps [--units 64] [--part 64] [--workers 2] [--recipe fast] [--models ...] [--folder FOLDER]
    python -m bench.sweeps --same-bytes --units 2 --part 2 [--steps 8] [--data photos]

Every mlp.hidden of starter-vit and every block of starter-cnn, 64 units each: hours on two cores. `--units 4 --part 4` is a quick
look. Whatever ends it, the same command goes on where it was: each run has a cache of its own in the folder, and what it took so
far is written down there.

`--same-bytes`: the same sweep through two processes of this machine, a Dask pool of two and two of submitit's local jobs, with
one thread in each worker. All that is stored of every part (pictures, curves, maps, numbers, facts) has to be the same to the
last bit, but for how long it took. Exit code 0: it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.beside import Beside
from bench.common import say, table
from cache.store import ResultStore
from engine.core.request import Result
from engine.visualization.recipe import CUSTOM
from engine.visualization.recipes import recipe_named

HERE = Path(__file__).parents[1]
KILLED_AFTER = 0.25
"""Of the parts, how many are there when the sweep is killed."""
LOOK_SECONDS = 1.0
ONE_THREAD = {"VITRINE_THREADS": "1", "OMP_NUM_THREADS": "1"}
WAYS = {
    "processes": "processes of this machine",
    "dask": "workers of a Dask scheduler",
    "slurm": "jobs through submitit (local)",
}


class Run:
    """One way to make the pictures, with a cache of its own."""

    def __init__(
        self, folder: Path, name: str, how: list[str], chosen: argparse.Namespace, beside: Beside | None = None
    ) -> None:
        self.folder, self.name, self.beside = folder / name, name, beside
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = self.folder / "took.json"
        last = str(chosen.units - 1)
        self._command = [sys.executable, "-m", "engine", "sweep", *chosen.models, "--units", f"0-{last}", "--json"]
        self._command += ["--part", str(chosen.part), "--recipe", self._recipe(chosen), "--data", chosen.data, *how]
        self.took: dict[str, Any] = {"seconds": 0.0, "runs": 0, "killed_at": None, "done": False}
        if self._file.exists():
            self.took |= json.loads(self._file.read_text())

    def _recipe(self, chosen: argparse.Namespace) -> str:
        """Its name, or a file with it where its steps are changed."""
        if chosen.steps is None:
            return chosen.recipe
        changed = recipe_named(chosen.recipe).model_copy(update={"name": CUSTOM, "steps": chosen.steps})
        file = self.folder / "recipe.json"
        file.write_text(changed.model_dump_json())
        return str(file)

    def carry_out(self, kill: bool) -> None:
        """Until all of it is there; `kill`: once on the way, without a warning."""
        parts = self._asked("--dry-run")["parts"]
        while not self.took["done"]:
            kill_at = max(1, round(KILLED_AFTER * parts)) if kill and self.took["killed_at"] is None else parts + 1
            self._once(kill_at)

    def _once(self, kill_at: int) -> None:
        """One process, until it ends or so many parts are there."""
        began, kill_at = time.monotonic(), max(kill_at, self.there() + 1)
        process = subprocess.Popen(
            self._command, cwd=HERE, env=self._environment, start_new_session=True, stdout=subprocess.DEVNULL
        )
        try:
            while process.poll() is None:
                time.sleep(LOOK_SECONDS)
                if self.there() >= kill_at:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    self.took["killed_at"] = self.there()
            self.took["done"] = process.returncode == 0
            if process.returncode == 2:
                raise SystemExit("The sweep was refused; the lines above say why.")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            self.took["seconds"] += time.monotonic() - began
            self.took["runs"] += 1
            self._file.write_text(json.dumps(self.took))

    def there(self) -> int:
        """How many parts its last process has seen done."""
        done = [json.loads(path.read_text())["done"] for path in self.folder.glob("sweeps/*/progress.json")]
        return max(done, default=0)

    def stored(self) -> tuple[int, int]:
        """Pictures and bytes of all parts in its cache."""
        store = ResultStore(self.folder / "results")
        parts = [each for each in store.entries() if (each.facts_request or {}).get("experiment") == "visualize"]
        store.close()
        pictures = sum(len((each.facts_request or {})["units"]) for each in parts)
        return pictures, sum(each.bytes for each in parts)

    def digests(self) -> dict[str, str]:
        """Of all parts in its cache, by their keys."""
        store = ResultStore(self.folder / "results")
        parts = [each for each in store.entries() if (each.facts_request or {}).get("experiment") == "visualize"]
        blobs = {each.key: store.get(each.key) for each in parts}
        store.close()
        return {key: digest(Result.from_blob(blob)) for key, blob in blobs.items() if blob is not None}

    def _asked(self, *more: str) -> dict[str, Any]:
        answer = subprocess.run(
            [*self._command, *more], cwd=HERE, env=self._environment, check=True, stdout=subprocess.PIPE
        )
        return json.loads(answer.stdout)

    @property
    def _environment(self) -> dict[str, str]:
        more = {} if self.beside is None else self.beside.environment | ONE_THREAD
        return os.environ | {"VITRINE_CACHE": str(self.folder), "VITRINE_SHIPPED_RESULTS": "false"} | more


def digest(result: Result) -> str:
    """Of all that a result holds, but for how long it took."""
    tables = {
        name: each.drop(columns=[column for column in each if str(column).endswith("seconds")])
        for name, each in result.tables.items()
    }
    facts = {name: value for name, value in result.facts.items() if name != "seconds"}
    # Not packed: a packed file has two entries of metadata, which safetensors writes in any order.
    data = Result(result.request, result.arrays, tables, facts).to_blob().to_bytes(packed=False)
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def same_bytes(folder: Path, chosen: argparse.Namespace) -> int:
    """The sweep in each of the ways; prints how many parts are as those of the first."""
    first: dict[str, str] = {}
    rows, well = [], True
    os.environ.update(ONE_THREAD, VITRINE_SHIPPED_RESULTS="false")  # for the workers that are started beside
    for name, what in WAYS.items():
        beside = Beside(name, folder / name, workers=chosen.workers, lines="threads = 1\n")
        how = ["--executor", "local", "--workers", str(chosen.workers)] if name == "processes" else ["--executor", name]
        run = Run(folder, name, how, chosen, beside)
        say(what)
        beside.start()
        try:
            run.carry_out(kill=False)
        finally:
            beside.stop()
        found = run.digests()
        first = first or found
        same = sum(found.get(key) == expected for key, expected in first.items())
        well &= same == len(first) == len(found) > 0
        rows.append(
            [f"{chosen.workers} {what}", str(len(found)), f"{run.took['seconds']:.0f}", f"{same} of {len(first)}"]
        )
    print(table(["", "parts", "seconds", "parts with the bytes of the first line"], rows))
    return 0 if well else 1


def wall_time(folder: Path, chosen: argparse.Namespace) -> int:
    """A sweep that is killed once, and the same requests one by one."""
    local = ["--executor", "local", "--workers"]
    swept = Run(folder, "swept", [*local, str(chosen.workers)], chosen)
    single = Run(folder, "one-by-one", [*local, "0"], chosen)
    swept.carry_out(kill=True)
    single.carry_out(kill=False)
    rows = []
    for run, how in ((swept, f"swept by {chosen.workers} processes"), (single, "one by one in one process")):
        pictures, size = run.stored()
        killed = run.took["killed_at"]
        seconds = run.took["seconds"]
        told = "no" if killed is None else f"at part {killed}"
        numbers = (f"{seconds:.0f}", f"{seconds / pictures:.2f}", f"{size / pictures / 1000:.1f}")
        rows.append([how, str(pictures), told, *numbers])
    print(table(["", "pictures", "killed", "seconds", "seconds a picture", "kB a unit"], rows))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--same-bytes", action="store_true", help="compare executors instead")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--part", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--steps", type=int, help="so many in place of the recipe's own, for a quick look")
    parser.add_argument("--data", default="starter")
    parser.add_argument("--models", nargs="+", default=["starter-vit", "starter-cnn"])
    parser.add_argument("--folder", type=Path, default=Path("bench-sweeps"))
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what it began ends with it
    return (same_bytes if chosen.same_bytes else wall_time)(chosen.folder.absolute(), chosen)


if __name__ == "__main__":
    sys.exit(main())
