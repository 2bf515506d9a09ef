"""Seconds a picture at equal quality: the paper's loop written plainly, other libraries, and the engine's recipes.

    python -m bench.quality [--models starter-vit,starter-cnn] [--units 2] [--skip ""]

Quality is what a picture makes its unit do under the same fresh augmentations, summed over the units and relative to the
paper's loop. "at equal quality" is the least time in which `fast`, given fewer or more steps, makes pictures that are as
good. Every method at its own settings, one picture at a time, in the middle of the network. Horama, whose picture of 1,280
pixels takes minutes on a CPU, is left out unless `--skip ""` is given; `bench.throughput` measures its speed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.common import middle, open_model, reason, say, table, target_of
from bench.peers import PEERS, STEPS, Target, fitted
from bench.plain import maximize_plainly
from engine.models.loaded import LoadedModel
from engine.visualization.goals import units_of
from engine.visualization.optimization.optimize import maximize
from engine.visualization.recipes import FAST, PAPER, Recipe
from engine.visualization.scoring.fresh import fresh_activations

FRONTIER = (8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256)
"""Steps of `fast` that are tried for the time at equal quality."""


@dataclass(frozen=True)
class Measured:
    """A method's median seconds a picture, and the summed score of its pictures; or why there is none."""

    name: str
    seconds: float = float("nan")
    score: float = float("nan")
    problem: str = ""


def measure(name: str, model: LoadedModel, site: str, units: list[int], make: Callable[[int], Tensor]) -> Measured:
    """Make a picture of each unit, one at a time, and score them all."""
    times, pictures = [], []
    try:
        for unit in units:
            start = time.perf_counter()
            pictures.append(fitted(make(unit), model.input_size).numpy())
            times.append(time.perf_counter() - start)
    except Exception as error:  # other people's code: whatever it raises is its answer
        return Measured(name, problem=reason(error))
    finally:
        model.module.requires_grad_(False)
    scores = fresh_activations(model, site, units_of(units), np.stack(pictures).astype(np.float32), seed=1)
    say(f"{model.name} {name}: {statistics.median(times):.2f} s a picture, scores {np.round(scores, 2).tolist()}")
    return Measured(name, statistics.median(times), float(scores.sum()))


def plainly(target: Target) -> Tensor:
    prefix = target.prefix if target.channels_last else None
    layer = target.module.get_submodule(target.layer)
    return maximize_plainly(target.module, layer, prefix, target.unit, target.size, target.mean, target.std, seed=0)


def compare(name: str, count: int, skip: list[str]) -> list[list[str]]:
    """The rows of one model."""
    model = open_model(name)
    site = middle(model)
    units = sorted(np.random.default_rng(0).choice(model.sites[site].units, count, replace=False).tolist())

    def ours(recipe: Recipe) -> Callable[[int], Tensor]:
        return lambda unit: torch.from_numpy(maximize(model, site, units_of([unit]), recipe, seed=0).images[0])

    ours(FAST.model_copy(update={"steps": 10}))(units[0])  # warm up
    methods: dict[str, Callable[[int], Tensor]] = {"paper's loop": lambda unit: plainly(target_of(model, site, unit))}
    for peer, make in PEERS.items():
        methods[peer] = lambda unit, peer=peer, make=make: make(target_of(model, site, unit), STEPS[peer], ())
    methods |= {f"vitrine {recipe.name}": ours(recipe) for recipe in (PAPER, FAST)}
    measured = [measure(each, model, site, units, make) for each, make in methods.items() if each not in skip]
    shorter = {steps: ours(FAST.model_copy(update={"steps": steps})) for steps in FRONTIER}
    frontier = [measure(f"fast, {steps} steps", model, site, units, make) for steps, make in shorter.items()]
    rows = []
    for row in measured:
        if row.problem:
            rows.append([f"{name}@{site}", row.name, f"cannot: {row.problem}", "", "", ""])
            continue
        equal = min((each.seconds for each in frontier if each.score >= row.score), default=None)
        ratio = ["not reached", ""] if equal is None else [f"{equal:.2f}", f"{row.seconds / equal:.1f}"]
        rows.append([f"{name}@{site}", row.name, f"{row.seconds:.2f}", f"{row.score / measured[0].score:.2f}", *ratio])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="starter-vit,starter-cnn")
    parser.add_argument("--units", type=int, default=2)
    parser.add_argument("--skip", default="horama", help="methods to leave out, by name, with commas between")
    args = parser.parse_args()
    rows = [row for name in args.models.split(",") for row in compare(name, args.units, args.skip.split(","))]
    head = ["target", "method", "s per picture", "quality", "`fast` at that quality, s", "times as fast"]
    print(table(head, rows))


if __name__ == "__main__":
    main()
