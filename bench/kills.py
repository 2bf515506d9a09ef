"""A process with jobs is killed (kill -9) at random moments, again and again: is anything lost, or read wrong?

    python -m bench.kills                     200 kills; goes on where it was broken off
    python -m bench.kills --kills 20 --out /tmp/kills
    python -m bench.kills --kills 20 --executor dask    its jobs are carried out elsewhere: see bench.beside

Each round begins a process with the jobs of Vitrine on the same cache folder. It asks for requests of every experiment, computes
those that take part of a second (numbers of known value, and measurements with the three starter networks), writes down what
it was told, and is killed at a moment nobody chose: while it opens the store, computes, stores, or tells. Then a fresh process
looks:

- what was said to be done is stored, and is to the last bit what it was;
- what was asked for and is not stored is offered again, whichever experiment it belongs to;
- the store has nothing to complain of.

With another executor the workers live on: processes of this machine until they notice, a Dask pool and the jobs of a cluster
through all rounds; of the latter those are killed too that are at something long, as nobody would wait for them.

Exit code 0: all of it held after each kill.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import importlib.util
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from bench.beside import EXECUTORS, PACKAGES, Beside
from bench.common import say
from bench.toy import NumbersRequest, right
from cache.store import ResultStore
from engine.core.experiments import experiments, parse_request
from engine.core.request import Request, Result, build
from engine.core.settings.limits import Limits
from engine.jobs.executors.run_folder import RunFolder
from engine.jobs.journal import REMEMBERED_SECONDS
from engine.jobs.relays import carriers
from engine.jobs.scheduler import Jobs
from engine.people.person import LOCAL, Person

MODELS = ("starter-vit", "starter-cnn", "starter-clip")
LIMIT_BYTES = 64 << 30
MOST_SECONDS = {"local": 4.0, "processes": 20.0, "dask": 10.0, "slurm": 30.0}
"""A kill comes at most so long after the process began; workers that have to start first take longer."""
ALSO_OLD = 40
"""How many results of earlier rounds are read again after each kill, beside those of the last one."""
QUICK = ("numbers", "spatial-maps")
"""What takes part of a second."""
GIVEN = {
    **{
        "model": "starter-vit",
        "site": "blocks.6.mlp.hidden",
        "data": "starter",
        "units": (3, 1),
        "unit": 5,
        "shown": (3, 14),
    },
    **{
        "text": "a red boat",
        "texts": ("a boat", "a cat"),
        "image": "17",
        "wanted": "5",
        "seed": 7,
        "other": "starter-cnn",
    },
}
"""A value for each field that a request of some experiment must have."""


class Told:
    """What a process was told, a line each, written at once: it survives the process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.path = path

    def add(self, what: str, key: str, **facts: object) -> None:
        os.write(self._file, (json.dumps({"what": what, "key": key, **facts}) + "\n").encode())

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


def digest(result: Result) -> str:
    """Of all that a result holds."""
    return hashlib.blake2b(result.to_blob().to_bytes(), digest_size=16).hexdigest()


def of_every_experiment() -> Iterator[Request]:
    """One request of each experiment; most take long, and wait behind the others until the kill."""
    for entry in experiments().values():
        from engine.visualization.recipes import PAPER

        given = {**GIVEN, "recipe": PAPER if entry.name == "picture" else "fast", "size": 1000}
        yield build(entry.kind, **{name: given[name] for name in entry.kind.model_fields if name in given})


def quick(chance: random.Random) -> Request:
    """A request that takes part of a second: numbers, small and large, alone or one upon another; or a measurement."""
    seed = chance.randrange(1 << 30)
    if chance.random() < 0.7:
        size = chance.choice((10, 1000, 10_000, 300_000))
        needs = chance.randrange(1 << 30) if chance.random() < 0.2 else None
        return NumbersRequest(seed=seed, size=size, seconds=chance.choice((0.0, 0.0, 0.05)), needs=needs)
    from engine.spatial.maps import MapsRequest

    return MapsRequest(model=chance.choice(MODELS), image=str(chance.randrange(500)), unit=chance.randrange(64))


def life(folder: Path, told: Told, seed: int, most: float) -> None:
    """What runs until it is killed, which is after `most` seconds at the latest."""
    chance = random.Random(seed)
    limits = Limits(jobs_per_person=1000, jobs_waiting=1000, parts_per_person=1000)
    jobs = Jobs(ResultStore(folder, LIMIT_BYTES), limits=limits, carriers=carriers)
    again = [facts for facts in jobs.interrupted().values() if facts["experiment"] in QUICK]
    for facts in again[: chance.randrange(6)]:  # go on with some that were interrupted
        ask(jobs, told, parse_request(facts))
    open_keys: set[str] = set()
    everything = time.monotonic() + chance.uniform(0, 3 * most)
    while True:
        while len(open_keys) < 5:
            open_keys.add(ask(jobs, told, quick(chance)))
        if time.monotonic() > everything:
            everything = float("inf")
            for request in of_every_experiment():
                ask(jobs, told, request)
        time.sleep(0.005)
        for key in [*open_keys]:
            status = jobs.snapshot(key).status
            if status == "done" and (result := jobs.result(key)) is not None:
                told.add("done", key, digest=digest(result), place=result.key)
            elif status in ("queued", "running"):
                continue
            else:
                told.add(status, key)
            open_keys.discard(key)


def ask(jobs: Jobs, told: Told, request: Request) -> str:
    """Ask for a request, and note that it was taken on."""
    job = jobs.submit(request)
    told.add("asked", job.id, request=json.loads(request.canonical()))
    return job.id


def looked_at(folder: Path, told: Told, chance: random.Random, person: Person = LOCAL) -> dict[str, object]:
    """What is wrong after a kill, for the person who asked, and how much was looked at."""
    store = ResultStore(folder, LIMIT_BYTES)
    jobs = Jobs(store, workers=0)
    lines = told.lines()
    asked = {line["key"]: line["request"] for line in lines if line["what"] == "asked"}
    done = {line["key"]: line for line in lines if line["what"] == "done"}
    last = [key for key in [*done][-60:]]
    old = chance.sample([*done], min(ALSO_OLD, len(done)))
    wrong = [said for key in {*last, *old} if (said := _wrong(store, done[key], asked[key]))]
    offered = jobs.interrupted(person)
    stored = {key for key in asked if key in done or jobs.result(key) is not None}
    lost = [asked[key]["experiment"] for key in asked if key not in stored and key not in offered]
    wrong += [f"not offered again: {experiment}" for experiment in lost]
    wrong += [
        f"a request of {facts.get('experiment')} cannot be read" for facts in offered.values() if not _read(facts)
    ]
    wrong += [f"the store says: {problem}" for problem in store.problems()]
    kinds = Counter(str(facts["experiment"]) for facts in offered.values())
    jobs.close()
    store.close()
    return {"wrong": wrong, "done": len(done), "asked": len(asked), "offered": kinds, "read": len({*last, *old})}


def _wrong(store: ResultStore, line: dict, facts: dict) -> str:
    """What is wrong with a result that was said to be done; nothing where it is whole and the same."""
    blob = store.get(line["place"])
    if blob is None:
        return f"lost: {facts['experiment']} {line['key']}"
    result = Result.from_blob(blob)
    if digest(result) != line["digest"]:
        return f"read wrong: {facts['experiment']} {line['key']}"
    request = parse_request(facts)
    if isinstance(request, NumbersRequest) and not right(request, result):
        return f"wrong numbers: {line['key']}"
    return ""


def _read(facts: dict) -> bool:
    from engine.core.errors import BadRequest

    try:
        parse_request(facts)
    except BadRequest:
        return False
    return True


def round_(out: Path, number: int, most: float) -> dict[str, object]:
    """One life, its end, and what a fresh process finds. Each is a fork of this one, which has imported everything and opened
    nothing."""
    chance = random.Random(f"{out}{number}{time.time()}")
    told, folder = Told(out / "told.jsonl"), out / "results"
    pid = os.fork()
    if pid == 0:
        try:
            life(folder, told, number, most)
        except BaseException as error:
            told.add("broke", "", error=f"{type(error).__name__}: {error}")
        os._exit(1)
    seconds = chance.uniform(0.0, most)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    ended_itself = not os.WIFSIGNALED(status)
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            found = looked_at(folder, told, chance)
        except BaseException as error:
            found = {"wrong": [f"looking failed: {type(error).__name__}: {error}"]}
        os.write(writing, json.dumps(found).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = json.loads(pipe.read())
    os.wait()
    if ended_itself:
        broke = [line["error"] for line in told.lines() if line["what"] == "broke"]
        found["wrong"].append(f"the process ended by itself: {broke[-1:]}")
    return {"round": number, "after": round(seconds, 3), **found}


def kill_long(runs: Path) -> None:
    """Kill the jobs of a cluster that are at something long."""
    for part in [part for run in RunFolder.all_in(runs) for part in run.parts().values()]:
        if part.status == "running" and json.loads(part.task.request)["experiment"] not in QUICK:
            with suppress(psutil.Error):
                process = psutil.Process(int(part.where.split()[-1]))
                if any("submitit" in word for word in process.cmdline()):  # the number may be another's by now
                    process.kill()


def prepare() -> None:
    """What every round would have to do first: import, read the networks, take fingerprints. No thread may be left by it."""
    import torch

    from engine.models import catalog

    torch.set_num_threads(1)
    for package in filter(importlib.util.find_spec, PACKAGES.values()):
        importlib.import_module(package)
    chance = random.Random(0)
    for request in [*of_every_experiment(), *(quick(chance) for _ in range(40))]:
        request.key()
    for model in MODELS:
        catalog.load(model)
    gc.collect()
    gc.freeze()  # as the server does: else each job ends with a long look at all of this


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--executor", choices=EXECUTORS, default="local", help="who carries jobs out")
    parser.add_argument("--most", type=float, help="seconds after which a kill comes at the latest")
    parser.add_argument("--out", type=Path, default=Path("kills"), help="its cache folder and what was found")
    chosen = parser.parse_args()
    out = chosen.out.absolute()
    os.environ.update(VITRINE_CACHE=str(out), VITRINE_SHIPPED_RESULTS="false", VITRINE_PRECISION="float32")
    beside = Beside(chosen.executor, out, lines="threads = 1\n", plugins="bench.toy")
    os.environ.update(beside.environment)
    beside.start()
    try:
        prepare()
        rounds = all_rounds(out, chosen.kills, chosen.most or MOST_SECONDS[chosen.executor])
    finally:
        kill_long(out / "runs")
        beside.stop()
    return report(rounds)


def all_rounds(out: Path, kills: int, most: float) -> list[dict]:
    """The rounds that were, and those that are left."""
    record = out / "rounds.jsonl"
    rounds = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    while len(rounds) < kills:
        rounds.append(round_(out, len(rounds), most))
        kill_long(out / "runs")
        with record.open("a") as file:
            file.write(json.dumps(rounds[-1]) + "\n")
        say(f"{len(rounds)} of {kills}: {rounds[-1]}")
    return rounds


def report(rounds: list[dict]) -> int:
    """Print what was found over all rounds."""
    wrong = [f"round {each['round']}: {said}" for each in rounds for said in each["wrong"]]
    last, kinds = rounds[-1], Counter[str]()
    for each in rounds:
        kinds.update({experiment: 1 for experiment in each.get("offered", {})})
    print(f"{len(rounds)} kills; {last.get('asked')} requests asked for, {last.get('done')} said to be done")
    print(f"results read again after a kill: {sum(each.get('read', 0) for each in rounds)}")
    print(f"offered again, kills after which an experiment was among them: {dict(sorted(kinds.items()))}")
    print("\n".join(wrong[:50]) if wrong else "nothing was lost, nothing was read wrong")
    print(f"(interrupted requests are remembered for {REMEMBERED_SECONDS / 86400:.0f} days)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
