"""Seconds a unit for the paper's recipe written plainly, for the engine at the same recipe, and for `fast`.

    python -m bench.speed [--model starter-vit] [--block 3] [--rounds 3] [--steps 400]

One run, one machine, turns taken; the plain way has a process of its own, without the engine's settings. The numbers are
for the hidden features of a block. Fewer steps than 400 are scaled up, which makes the first, slower ones count for more.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from bench.common import seconds
from engine.core import devices
from engine.models import catalog
from engine.visualization.goals import units_of
from engine.visualization.optimization.batch_size import pictures_at_once
from engine.visualization.optimization.optimize import maximize
from engine.visualization.recipes import FAST, PAPER


def plainly(model: str, block: int, steps: int) -> float:
    command = [sys.executable, "-m", "bench.plain", "--model", model, "--block", str(block), "--steps", str(steps)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter-vit")
    parser.add_argument("--block", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--steps", type=int, default=400)
    args = parser.parse_args()
    model, site = catalog.load(args.model), f"blocks.{args.block}.mlp.hidden"
    paper = PAPER.model_copy(update={"steps": args.steps})
    together = {recipe.name: pictures_at_once(recipe, model, site) for recipe in (PAPER, FAST)}

    def engine(recipe) -> float:
        count = together[recipe.name]
        return seconds(lambda: maximize(model, site, units_of(range(count)), recipe, seed=0)) / count

    maximize(model, site, units_of([0]), PAPER.model_copy(update={"steps": 40}), seed=0)  # warm up
    times: dict[str, list[float]] = {"plain": [], "paper": [], "fast": []}
    for _ in range(args.rounds):
        times["plain"].append(plainly(args.model, args.block, args.steps) * PAPER.steps / args.steps)
        times["paper"].append(engine(paper) * PAPER.steps / args.steps)
        times["fast"].append(engine(FAST))
    middle = {name: statistics.median(values) for name, values in times.items()}
    device = devices.describe(model.device)
    print(f"{args.model}@{site} on {device['name']} ({device['precision']}), medians of {args.rounds}")
    for name, words in (
        ("plain", "paper's recipe, plainly"),
        ("paper", "paper's recipe, engine"),
        ("fast", "fast, engine"),
    ):
        print(
            f"{words:28} {middle[name]:8.2f} s a unit   {middle['plain'] / middle[name]:6.1f} times as fast as plainly"
        )


if __name__ == "__main__":
    main()
