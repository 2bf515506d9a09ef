"""What `torch.compile` makes of the network's part of a step, forward and backward, and how long compiling takes.

    python -m bench.compile [--models starter-vit,starter-cnn] [--pictures 16] [--rounds 8]

The copy that pictures are made with, down to a block half-way through, read without the engine's hooks, which are no part of
what can be compiled: the mean of one channel of as many images as a batch of `fast` has. Processor time of one thread, the two
ways taking turns. The steps after which compiling has paid are those of a batch: `fast` has 128.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bench.common import open_model, reason, say, table
from engine.core import precision
from engine.models.loaded import LoadedModel
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.recipes import FAST


def mean_of(model: LoadedModel) -> Callable[[Tensor], Tensor]:
    """Images -> one channel's mean over the output of the block half-way through."""
    module: Any = module_for_gradients(model)
    middle = (len(module.feature_info) - 1) // 2
    dtype = next(module.parameters()).dtype

    def mean(images: Tensor) -> Tensor:
        return module.forward_intermediates(
            images.to(dtype), indices=[middle], stop_early=True, intermediates_only=True, norm=False
        )[0][:, 0].mean()

    return mean


def step(mean: Callable[[Tensor], Tensor], images: Tensor) -> float:
    """Processor seconds of one gradient."""
    start = time.process_time()
    torch.autograd.grad(mean(images), images)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="starter-vit,starter-cnn")
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in args.models.split(","):
        model = open_model(name)
        images = model.normalize(torch.rand(args.pictures * FAST.copies, 3, *model.input_size)).requires_grad_()
        plain = mean_of(model)
        compiled = torch.compile(plain)
        start = time.perf_counter()
        try:
            step(compiled, images)
        except Exception as error:  # no compiler, or one that cannot: its answer
            rows.append([name, f"cannot: {reason(error)}"])
            continue
        compiling = time.perf_counter() - start
        times: dict[str, list[float]] = {"plain": [], "compiled": []}
        for _ in range(args.rounds):
            times["plain"].append(step(plain, images))
            times["compiled"].append(step(compiled, images))
        one, other = (statistics.median(values) for values in times.values())
        pays = f"{compiling / (one - other):.0f}" if other < one else "never"
        rows.append([name, f"{1e3 * one:.0f}", f"{1e3 * other:.0f} ({one / other:.2f})", f"{compiling:.0f}", pays])
        say(str(rows[-1]))
    print(f"{args.pictures} pictures of {FAST.copies} copies, {precision.name(torch.device('cpu'))}\n")
    print(table(["model", "plain, ms", "compiled, ms (times as fast)", "compiling, s", "pays after steps"], rows))


if __name__ == "__main__":
    main()
