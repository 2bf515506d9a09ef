"""What a picture costs in batches of 1, 4 and 16, for one alone: where `FIXED` in the engine's batch sizes comes from.

    python -m bench.batches [--models starter-vit,starter-cnn] [--sizes 1,4,16] [--steps 12] [--layers]

Steps of `fast` and `paper` half-way through the network, the sizes taking turns; medians of single steps, so that a machine
that is busy now and then does not count. A size that `pictures_at_once` would not take is left out unless --all is given.

With --layers: what a wall over all layers would gain if pictures of neighbouring layers shared a batch, each run down to the
deepest of them, over batches for each layer by itself. Processor time of one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch

from bench.common import layers, middle, open_model, say, table
from engine.core import processor
from engine.models.loaded import LoadedModel
from engine.visualization.goals import units_of
from engine.visualization.optimization.batch_size import pictures_at_once
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.optimization.optimize import Run, aim_at, maximize_batch
from engine.visualization.recipes import FAST, PAPER, Recipe


def a_step(
    model: LoadedModel,
    site: str,
    recipe: Recipe,
    size: int,
    steps: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Seconds of each step but the first, for one of `size` pictures."""
    ends: list[float] = []

    def watch(*_: object) -> None:
        processor.wait(model.device)
        ends.append(clock())

    aim = aim_at(model, site, units_of([number % 8 for number in range(size)]), module_for_gradients(model))
    maximize_batch(aim, recipe.model_copy(update={"steps": steps + 1}), 0, Run(watch=watch))
    return [(end - start) / size for start, end in pairwise(ends)]


ALONE = {1: ((1, 1),), 2: ((1, 2),), 4: ((4, 1),)}
"""How many units of a layer are wanted: the batches (size, how many) that a layer by itself makes of them with `fast`."""
SHARED = {1: (4, 4), 2: (4, 2), 4: (16, 4)}
"""The same: the size of a shared batch, and of how many layers it is full."""


def shared_layers(name: str, rounds: int) -> list[str]:
    """How many times as fast a wall of 1, 2 or 4 units a layer would be with batches that layers share."""
    model = open_model(name)
    sites = layers(model)
    times: dict[tuple[str, int], list[float]] = {(site, size): [] for site in sites for size in (1, 4, 16)}
    for _ in range(rounds):
        for (site, size), values in times.items():
            values += a_step(model, site, FAST, size, max(1, 4 // size), time.process_time)
    cost = {key: key[1] * statistics.median(values) for key, values in times.items()}  # of a batch
    cells = []
    for wanted, (size, span) in SHARED.items():
        alone = sum(many * cost[site, one] for site in sites for one, many in ALONE[wanted])
        deepest = sites[::-1][::span]
        whole, rest = divmod(len(sites), span)
        shared = sum(cost[site, size] for site in deepest[:whole]) + (cost[deepest[-1], size] if rest else 0)
        cells.append(f"{alone / shared:.2f}")
    return [name, *cells]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="starter-vit,starter-cnn")
    parser.add_argument("--sizes", default="1,4,16")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--layers", action="store_true")
    args = parser.parse_args()
    if args.layers:
        torch.set_num_threads(1)
        gains = [shared_layers(name, args.rounds) for name in args.models.split(",")]
        print(table(["model", *(f"{count} units a layer" for count in SHARED)], gains))
        return
    sizes, rows = [int(size) for size in args.sizes.split(",")], []
    for name in args.models.split(","):
        model = open_model(name)
        site = middle(model)
        for recipe in (FAST, PAPER):
            most = max(sizes) if args.all else pictures_at_once(recipe, model, site)
            times: dict[int, list[float]] = {size: [] for size in sizes if size <= most}
            for _ in range(args.rounds):
                for size, values in times.items():
                    values += a_step(model, site, recipe, size, max(3, args.steps // size))
            middles = {size: statistics.median(values) for size, values in times.items()}
            alone = middles[min(middles)]
            cells = [f"{1e3 * middles[s]:.1f} ({middles[s] / alone:.2f})" if s in middles else "" for s in sizes]
            rows.append([f"{name}@{site}", recipe.name, *cells])
            say(str(rows[-1]))
    print(table(["target", "recipe", *(f"{size} at once, ms" for size in sizes)], rows))


if __name__ == "__main__":
    main()
