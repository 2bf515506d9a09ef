"""Seconds a unit for the paper's recipe written plainly, for the engine at the same recipe, and for `fast`.

    python -m bench.speed [--model starter-vit] [--site blocks.3.mlp.hidden] [--units 3] [--steps 40]

One run, one machine, turns taken; fewer steps than 400 are scaled up, because every step costs the same.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from bench.plain import maximize_plainly
from engine import catalog, devices
from engine.maximize import maximize, pictures_at_once
from engine.recipes import FAST, PAPER
from engine.sites_vit import vit_taps


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter-vit")
    parser.add_argument("--site", default="blocks.3.mlp.hidden")
    parser.add_argument("--units", type=int, default=3, help="rounds; the median counts")
    parser.add_argument("--steps", type=int, default=40)
    args = parser.parse_args()
    model = catalog.load(args.model)
    site = model.sites[args.site]
    tap = next(tap for tap in vit_taps(model.module) if tap.site == args.site)
    act = model.module.get_submodule(f"{site.block}.mlp.act")
    assert tap.role == "mlp.hidden", "the plain way is written for a ViT's hidden features"
    paper = PAPER.model_copy(update={"steps": args.steps})
    together = {name: pictures_at_once(recipe, model.device) for name, recipe in (("paper", PAPER), ("fast", FAST))}

    def plainly() -> None:
        size, mean, std = model.input_size, model.mean, model.std
        maximize_plainly(model.module, act, site.grid.prefix, 0, size, mean, std, seed=0, steps=args.steps)

    def engine_paper() -> None:
        maximize(model, args.site, range(together["paper"]), paper, seed=0)

    def engine_fast() -> None:
        maximize(model, args.site, range(together["fast"]), FAST, seed=0)

    maximize(model, args.site, [0], paper.model_copy(update={"steps": 2}), seed=0)  # warm up
    times: dict[str, list[float]] = {"plain": [], "paper": [], "fast": []}
    for _ in range(args.units):
        times["plain"].append(seconds(plainly) * PAPER.steps / args.steps)
        times["paper"].append(seconds(engine_paper) * PAPER.steps / args.steps / together["paper"])
        times["fast"].append(seconds(engine_fast) / together["fast"])
    middle = {name: statistics.median(values) for name, values in times.items()}
    print(f"{args.model}@{args.site} on {devices.describe(model.device)}, medians of {args.units}")
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
