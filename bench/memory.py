"""Peak memory of a process that makes pictures of 1, 10, 100 and 1,000 units: it should not grow with them.

    python -m bench.memory [--model starter-vit]

Each count has a process of its own and two steps a picture: steps do not add memory.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys

from bench.common import middle, open_model, table
from engine.visualization.goals import units_of
from engine.visualization.optimization.optimize import maximize
from engine.visualization.recipes import FAST

COUNTS = (1, 10, 100, 1000)


def peak(name: str, count: int) -> int:
    """MiB that this process has used at most, after `count` pictures."""
    model = open_model(name)
    site = middle(model)
    units = units_of(number % model.sites[site].units for number in range(count))
    maximize(model, site, units, FAST.model_copy(update={"steps": 2}), seed=0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter-vit")
    parser.add_argument("--count", type=int, help="only this many, in this process")
    args = parser.parse_args()
    if args.count:
        print(peak(args.model, args.count))
        return
    command = [sys.executable, "-m", "bench.memory", "--model", args.model, "--count"]
    found = [subprocess.run([*command, str(n)], check=True, stdout=subprocess.PIPE, text=True).stdout for n in COUNTS]
    print(table(["pictures", *(f"{count:,}" for count in COUNTS)], [["peak memory, MiB", *map(str.strip, found)]]))


if __name__ == "__main__":
    main()
