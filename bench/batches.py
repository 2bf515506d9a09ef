"""What a picture costs in batches of 1, 4 and 16, for one alone: where `FIXED` in the engine's batch sizes comes from.

    python -m bench.batches [--models starter-vit,starter-cnn] [--sizes 1,4,16] [--steps 12]

Steps of `fast` and `paper` half-way through the network, the sizes taking turns; medians of single steps, so that a machine
that is busy now and then does not count. A size that `pictures_at_once` would not take is left out unless --all is given.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import pairwise

from bench.common import middle, open_model, say, table
from engine.core import processor
from engine.models.loaded import LoadedModel
from engine.visualization.goals import units_of
from engine.visualization.optimization.batch_size import pictures_at_once
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.optimization.optimize import Run, aim_at, maximize_batch
from engine.visualization.recipes import FAST, PAPER, Recipe


def a_step(model: LoadedModel, site: str, recipe: Recipe, size: int, steps: int) -> list[float]:
    """Seconds of each step but the first, for one of `size` pictures."""
    ends: list[float] = []

    def watch(*_: object) -> None:
        processor.wait(model.device)
        ends.append(time.perf_counter())

    aim = aim_at(model, site, units_of([number % 8 for number in range(size)]), module_for_gradients(model))
    maximize_batch(aim, recipe.model_copy(update={"steps": steps + 1}), 0, Run(watch=watch))
    return [(end - start) / size for start, end in pairwise(ends)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="starter-vit,starter-cnn")
    parser.add_argument("--sizes", default="1,4,16")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
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
