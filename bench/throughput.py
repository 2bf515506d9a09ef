"""Pictures per minute when 1, 16 or 64 units are wanted, on trained and on untrained networks.

    python -m bench.throughput [--models starter-vit,resnet50] [--batches 1,16,64]

Every method keeps its own settings but stops after a few steps, and its time is extrapolated to all of them: these are
speeds; for the quality of the pictures see `bench.quality`. Networks other than the starter's have random weights. Methods that
compute pictures one after the other are measured with one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np

from bench.common import middle, open_model, reason, say, seconds, table, target_of
from bench.peers import PEERS, STEPS, Target
from bench.plain import maximize_plainly
from engine.models.loaded import LoadedModel
from engine.visualization.goals import units_of
from engine.visualization.optimization.optimize import maximize
from engine.visualization.recipes import FAST, PAPER, Recipe

MODELS = ("starter-vit", "starter-cnn", "vit_base_patch16_224", "resnet50")
ONE_BY_ONE = ("paper's loop", "horama", "dreamlens")
PASSES = 16  # images through the network that a measurement is made of, at least

Method = Callable[[Sequence[int], int], object]
"""Makes pictures of these units in that many steps."""


def methods(model: LoadedModel, site: str) -> dict[str, tuple[Method, int, int]]:
    """By name: how pictures are made, all its steps, and images through the network a step and picture."""

    def plainly(units: Sequence[int], steps: int) -> None:
        each = target_of(model, site, units[0])
        layer, prefix = each.module.get_submodule(each.layer), each.prefix if each.channels_last else None
        maximize_plainly(each.module, layer, prefix, each.unit, each.size, each.mean, each.std, 0, steps)

    def peer(make: Callable[[Target, int, Sequence[int]], object]) -> Method:
        def run(units: Sequence[int], steps: int) -> object:
            try:
                return make(target_of(model, site, units[0]), steps, units)
            finally:
                model.module.requires_grad_(False)

        return run

    def ours(recipe: Recipe) -> Method:
        return lambda units, steps: maximize(
            model, site, units_of(units), recipe.model_copy(update={"steps": steps}), seed=0
        )

    passes = {"torch-lucent": 1, "horama": 6, "dreamlens": 1}
    return (
        {"paper's loop": (plainly, PAPER.steps, PAPER.copies)}
        | {name: (peer(make), STEPS[name], passes[name]) for name, make in PEERS.items()}
        | {f"vitrine {each.name}": (ours(each), each.steps, each.copies) for each in (PAPER, FAST)}
    )


def pictures_a_minute(make: Method, units: Sequence[int], all_steps: int, passes: int) -> float:
    """The difference of two runs of different length: what a run costs before its first step does not count."""
    more = max(1, PASSES // (passes * len(units)))
    make(units, 1)
    short, long = (seconds(lambda steps=steps: make(units, steps)) for steps in (1, 1 + more))
    return 60 * len(units) / ((long - short) / more * all_steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--batches", default="1,16,64")
    args = parser.parse_args()
    batches = [int(batch) for batch in args.batches.split(",")]
    rows = []
    for name in args.models.split(","):
        model = open_model(name)
        site = middle(model)
        known = methods(model, site)
        for method, (make, all_steps, passes) in known.items():
            cells = []
            for batch in batches:
                if batch > 1 and method in ONE_BY_ONE:
                    cells.append("one by one")
                    continue
                units = np.random.default_rng(0).permutation(model.sites[site].units)[:batch].tolist()
                try:
                    cells.append(f"{pictures_a_minute(make, units, all_steps, passes):.3g}")
                except Exception as error:  # other people's code: whatever it raises is its answer
                    cells.append(f"cannot: {reason(error)}")
                say(f"{name} {method} {batch}: {cells[-1]}")
            rows.append([f"{name}@{site}", method, *cells])
    print(table(["target", "method", *("1 unit" if batch == 1 else f"{batch} units" for batch in batches)], rows))


if __name__ == "__main__":
    main()
