"""The web server is killed (kill -9) at random moments while a script asks it for things: is anything lost, or read wrong?

    python -m bench.server_kills                      20 kills; goes on where it was broken off
    python -m bench.server_kills --kills 50 --executor processes

As `bench.kills`, which kills the process with the jobs alone and far more often, but of a whole server: `streamlit run app.py`,
asked over its interface for scripts, killed at up to `--most` seconds after it was ready. What it says is done is fetched
from it first. Then a fresh process looks, in the same way.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from bench.beside import EXECUTORS
from bench.common import say
from bench.kills import Told, digest, looked_at, of_every_experiment, prepare, quick, report
from bench.soak import Server
from engine.core import config
from engine.core.errors import VitrineError
from engine.core.request import Request
from engine.people.person import Person
from engine.sharing import tokens
from vitrine.remote import ENDED, connect
from vitrine.remote import Server as Door

LIMITS = "[limits]\njobs_waiting = 1000\njobs_per_person = 1000\nparts_per_person = 1000\n"
OPEN = 5
ASKS = Person("browser:kills")


class Killed(Server):
    """A server on the cache folder `out` itself."""

    def __init__(self, out: Path, executor: str) -> None:
        super().__init__(out, executor, limits=LIMITS)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "VITRINE_CACHE": str(self.out)}

    def kill(self) -> None:
        process = self.process
        if process is None:
            raise SystemExit(f"The server ended by itself; {self.out / 'server.log'} says more.")
        process.kill()
        process.wait(60)
        self.state.unlink()
        self.facts = {}


def script(door: Door, told: Told, chance: random.Random, most: float) -> None:
    """Ask until the server is gone, and note what it took on and what it said to be done."""
    opened: set[str] = set()
    everything = time.monotonic() + chance.uniform(0, 3 * most)
    with suppress(VitrineError):  # it is gone
        while True:
            while len(opened) < OPEN:
                opened.add(ask(door, told, quick(chance)))
            if time.monotonic() > everything:
                everything = float("inf")
                for request in of_every_experiment():
                    ask(door, told, request)
            for key in [*opened]:
                status = door.ask("GET", f"jobs/{key}")["status"]
                if status == "done":
                    result = door.fetch(key)
                    told.add("done", key, digest=digest(result), place=result.key)
                elif status in ENDED:
                    told.add(status, key)
                else:
                    continue
                opened.discard(key)


def ask(door: Door, told: Told, request: Request) -> str:
    key = door.ask("POST", "jobs", {"request": json.loads(request.canonical())})["key"]
    told.add("asked", key, request=json.loads(request.canonical()))
    return key


def round_(out: Path, number: int, most: float, executor: str, token: str) -> dict[str, object]:
    """A server's life, its end, and what a fresh process finds."""
    chance, told, server = random.Random(f"{out}{number}{time.time()}"), Told(out / "told.jsonl"), Killed(out, executor)
    seconds = chance.uniform(0.0, most)
    try:
        server.start()
        door = connect(f"http://127.0.0.1:{server.facts['port']}", token)
        asking = threading.Thread(target=script, args=(door, told, random.Random(chance.random()), most))
        asking.start()
        time.sleep(seconds)
    finally:
        server.kill()
    asking.join()
    command = [sys.executable, "-m", "bench.server_kills", "--out", str(out), "--look", str(number)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {"round": number, "after": round(seconds, 3), **found}


def a_token() -> str:
    """For whoever asks: made as a person makes one on the page for it."""
    for old in tokens.mine(ASKS):
        tokens.revoke(ASKS, old.id)
    return tokens.make(ASKS, "kills", 1, "operator")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--executor", choices=EXECUTORS, default="local", help="who carries jobs out")
    parser.add_argument("--most", type=float, default=8.0, help="seconds after which a kill comes at the latest")
    parser.add_argument("--out", type=Path, default=Path("server-kills"), help="its cache folder and what was found")
    parser.add_argument("--look", type=int, help=argparse.SUPPRESS)  # what a fresh process finds after this round
    chosen = parser.parse_args()
    out = chosen.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    os.environ.update(VITRINE_CACHE=str(out), VITRINE_SHIPPED_RESULTS="false", VITRINE_PRECISION="float32")
    config.settings.cache_clear()  # the imports above may have read them
    if chosen.look is not None:
        print(json.dumps(looked_at(out / "results", Told(out / "told.jsonl"), random.Random(chosen.look), ASKS)))
        return 0
    prepare()
    record, token = out / "rounds.jsonl", a_token()
    rounds = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    while len(rounds) < chosen.kills:
        rounds.append(round_(out, len(rounds), chosen.most, chosen.executor, token))
        with record.open("a") as file:
            file.write(json.dumps(rounds[-1]) + "\n")
        say(f"{len(rounds)} of {chosen.kills}: {rounds[-1]}")
    return report(rounds)


if __name__ == "__main__":
    sys.exit(main())
