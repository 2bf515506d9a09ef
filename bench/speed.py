"""Seconds a unit for the paper's recipe written plainly, for the engine at the same recipe, and for `fast`.

    python -m bench.speed [--model starter-vit] [--site blocks.3.mlp.hidden] [--rounds 3] [--steps 400]

One run, one machine, turns taken; the plain way has a process of its own, without the engine's settings. The engine makes
pictures one by one and in the batches that it takes for many. Fewer steps than 400 of the paper's recipe are scaled up,
which makes the first, slower ones count for more.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from bench.common import middle, open_model, say, seconds, table, target_of
from engine.core import devices
from engine.models.loaded import LoadedModel
from engine.visualization.goals import units_of
from engine.visualization.optimization.batch_size import pictures_at_once
from engine.visualization.optimization.optimize import maximize
from engine.visualization.recipes import FAST, PAPER, Recipe


def plainly(model: LoadedModel, site: str, steps: int) -> float:
    target = target_of(model, site, 0)
    prefix = target.prefix if target.channels_last else -1
    command = [sys.executable, "-m", "bench.plain", "--model", model.name, "--layer", target.layer]
    command += [f"--prefix={prefix}", "--steps", str(steps)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter-vit")
    parser.add_argument("--site", help="default: the one half-way through the network")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--steps", type=int, default=400)
    args = parser.parse_args()
    model = open_model(args.model)
    site = args.site or middle(model)
    paper = PAPER.model_copy(update={"steps": args.steps})
    ways: dict[str, tuple[Recipe, int]] = {}
    for recipe in (paper, FAST):
        for count in dict.fromkeys((1, pictures_at_once(recipe, model, site))):
            ways[f"{recipe.name}, engine, {count} at once"] = recipe, count

    def engine(recipe: Recipe, count: int) -> float:
        whole = PAPER.steps if recipe.name == PAPER.name else recipe.steps
        made = seconds(lambda: maximize(model, site, units_of(range(count)), recipe, seed=0))
        return made / count * whole / recipe.steps

    maximize(model, site, units_of([0]), PAPER.model_copy(update={"steps": 20}), seed=0)  # warm up
    plain = f"{PAPER.name}, plainly"
    times: dict[str, list[float]] = {name: [] for name in (plain, *ways)}
    for _ in range(args.rounds):
        times[plain].append(plainly(model, site, args.steps) * PAPER.steps / args.steps)
        for name, (recipe, count) in ways.items():
            times[name].append(engine(recipe, count))
        say(str({name: round(values[-1], 2) for name, values in times.items()}))
    middles = {name: statistics.median(values) for name, values in times.items()}
    device = devices.describe(model.device)
    print(f"{args.model}@{site} on {device['name']} ({device['precision']}), medians of {args.rounds}\n")
    rows = [[name, f"{value:.2f}", f"{middles[plain] / value:.1f}"] for name, value in middles.items()]
    print(table(["recipe", "s a unit", "times as fast as plainly"], rows))


if __name__ == "__main__":
    main()
