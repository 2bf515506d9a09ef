"""How long the pages that look through everything take when the store holds very many results.

    python -m bench.history [--results 20000] [--people 30]

In a cache folder of its own: small results are planted in the store and lines in the history, spread over people, models and
layers. Then what the pages History and Collections and the notice of what is done ask for is timed, in milliseconds, the median
of several runs.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.common import say, table

RUNS = 7
MODELS = [f"timm/vit_{size}_patch16_{side}" for size in ("tiny", "small", "base", "large") for side in (224, 384)]


def plant(results: int, people: int) -> None:
    """Fill the store and the history."""
    import numpy as np

    from engine.core import config
    from engine.core.request import Result
    from engine.jobs.keys import stored_key
    from engine.people.person import Person
    from engine.sharing import history, names
    from engine.sharing.recording import line_of

    persons = [Person(f"proxy:p{n}@lab.edu", f"Person {n}", "member", frozenset({f"g{n % 3}"})) for n in range(people)]
    for person in persons:
        names.remember(person)
    picture, chance, lines = np.zeros((1, 8, 8, 3), np.uint8), random.Random(0), []
    for number in range(results):
        site = f"blocks.{chance.randrange(24)}.mlp.hidden"
        facts = {
            "experiment": "visualize",
            "version": 7,
            "model": chance.choice(MODELS),
            "site": site,
            "units": [number],
        }
        key = f"{number:026d}"
        config.store().put(stored_key(key), Result(facts, {"images": picture}).to_blob())
        line = line_of(key, facts, time.time() - results + number)
        lines.append(replace(line, person=chance.choice(persons).id, started=line.ended - 3, picture=b"RIFF" * 500))
    history.write(lines)


def median(work: Callable[[], Any]) -> float:
    """Milliseconds, the median of several runs."""
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


def measures() -> dict[str, Callable[[], Any]]:
    """What pages ask for, by what it is."""
    from engine.core import config
    from engine.people.person import Person
    from engine.sharing import collections, history, holding, notices, recording
    from engine.sharing.history import Wanted

    me, operator = Person("proxy:p1@lab.edu", "Person 1", "member", frozenset({"g1"})), Person("local")
    mine = collections.create(me, "Large")
    return {
        "mine, the newest": lambda: history.search(Wanted(), me),
        "my group, the newest": lambda: history.search(Wanted(whose="group"), me),
        "everything, the newest": lambda: history.search(Wanted(whose="all"), operator),
        "everything, three words": lambda: history.search(Wanted("large 384 blocks.7", whose="all"), operator),
        "everything, a word that is nowhere": lambda: history.search(Wanted("zebra", whose="all"), operator),
        "everything, the last page": lambda: history.search(Wanted(whose="all"), operator, start=19_976),
        "choices of models and kinds": lambda: [history.choices(c, "all", operator) for c in ("model", "experiment")],
        "what is done": lambda: notices.unseen(me),
        "what the store got another way": recording.catch_up,
        "bytes of 256 results": lambda: holding.sizes(f"{number:026d}" for number in range(256)),
        "pins of a collection": lambda: config.store().pins(mine.id),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=30)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(VITRINE_CACHE=str(Path(folder) / "cache"), VITRINE_SHIPPED_RESULTS="false")
        began = time.perf_counter()
        plant(asked.results, asked.people)
        say(f"{asked.results} results planted in {time.perf_counter() - began:.0f} s")
        rows = [(name, f"{median(work):.1f}") for name, work in measures().items()]
        print(table((f"of {asked.results} results", "milliseconds"), rows))


if __name__ == "__main__":
    main()
