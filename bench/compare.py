"""Seconds a picture at equal quality: the paper's loop written plainly, other libraries, and the engine's recipes.

    python -m bench.compare [--model starter-vit] [--site blocks.3.mlp.hidden] [--units 3]

One table from one run on one machine. Quality is what a picture makes its unit do under the same fresh augmentations,
summed over the units and relative to the paper's loop. "at equal quality" is the least time in which `fast`, given
fewer or more steps, makes pictures that are as good. Libraries that are not installed, or cannot run the target, say so.
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

from bench.peers import PEERS, Target, fitted
from bench.plain import maximize_plainly
from engine import catalog, devices
from engine.maximize import maximize
from engine.models import LoadedModel
from engine.recipes import FAST, RECIPES
from engine.scoring import fresh_activations
from engine.sites_plan import plan

STEPS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256)


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
        return Measured(
            name, problem=f"{type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else ''}"
        )
    finally:
        model.module.requires_grad_(False)
    scores = fresh_activations(model, site, units, np.stack(pictures).astype(np.float32), seed=1)
    print(f"# {name}: {statistics.median(times):.2f} s a picture, scores {np.round(scores, 2).tolist()}", flush=True)
    return Measured(name, statistics.median(times), float(scores.sum()))


def target_of(model: LoadedModel, site: str, unit: int) -> Target:
    """The unit for those who work with modules and hooks."""
    facts, tap = model.sites[site], plan(model.module, model.input_size).taps[site]
    hidden = facts.role == "mlp.hidden"
    module = model.module.get_submodule(f"{facts.block}.mlp.act") if hidden else tap.module
    layer = next(name for name, part in model.module.named_modules() if part is module)
    prefix = facts.grid.prefix
    return Target(model.module, layer, tap.channels_last, prefix, unit, model.input_size, model.mean, model.std)


def plainly(target: Target) -> Tensor:
    prefix = target.prefix if target.channels_last else None
    layer = target.module.get_submodule(target.layer)
    return maximize_plainly(target.module, layer, prefix, target.unit, target.size, target.mean, target.std, seed=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter-vit")
    parser.add_argument("--site", default="blocks.3.mlp.hidden")
    parser.add_argument("--units", type=int, default=3)
    parser.add_argument("--skip", default="", help="methods to leave out, by name, with commas between")
    args = parser.parse_args()
    model, skip = catalog.load(args.model), args.skip.split(",")
    count = model.sites[args.site].units
    units = sorted(np.random.default_rng(0).choice(count, args.units, replace=False).tolist())

    def engine(recipe) -> Callable[[int], Tensor]:
        return lambda unit: torch.from_numpy(maximize(model, args.site, [unit], recipe, seed=0).images[0])

    def other(method: Callable[[Target], Tensor]) -> Callable[[int], Tensor]:
        return lambda unit: method(target_of(model, args.site, unit))

    engine(FAST.model_copy(update={"steps": 10}))(units[0])  # warm up
    methods = {"paper's loop, plainly": other(plainly)} | {name: other(peer) for name, peer in PEERS.items()}
    methods |= {f"engine, {name}": engine(recipe) for name, recipe in RECIPES.items()}
    rows = [measure(name, model, args.site, units, make) for name, make in methods.items() if name not in skip]
    frontier = [
        measure(f"fast, {steps} steps", model, args.site, units, engine(FAST.model_copy(update={"steps": steps})))
        for steps in STEPS
    ]
    yardstick = rows[0].score
    print(f"\n{args.model}@{args.site}, {len(units)} units, on {devices.describe(model.device)['name']}\n")
    print("| method | seconds a picture | quality | fast at equal quality, s | times as fast |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows:
        if row.problem:
            print(f"| {row.name} | cannot run it: {row.problem} | | | |")
            continue
        equal = min((each.seconds for each in frontier if each.score >= row.score), default=None)
        ours = "| not reached | " if equal is None else f"| {equal:.2f} | {row.seconds / equal:.1f} "
        print(f"| {row.name} | {row.seconds:.2f} | {row.score / yardstick:.2f} {ours}|")


if __name__ == "__main__":
    main()
