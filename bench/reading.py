"""What passes without gradients cost through a frozen copy of a network, as a share of what they cost through the network.

    python -m bench.reading [--models starter-vit,starter-cnn,resnet50] [--images 32] [--rounds 9]

An index reads a site at the end of the network; answers are what accuracies come from. Processor time of one thread, the two
taking turns. The last column is the largest difference at any site, as a share of the site's largest value.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.common import open_model, say, table
from engine.core import precision
from engine.models.frozen import difference, frozen_copy
from engine.sites.access import read
from engine.sites.last_block import answer


def compared(modules: tuple[nn.Module, nn.Module], run: Callable[[nn.Module], object], rounds: int) -> str:
    """How many times as fast the second module is as the first."""
    times: tuple[list[float], list[float]] = ([], [])
    with torch.no_grad(), precision.autocast(torch.device("cpu")):
        for _ in range(rounds + 1):
            for module, taken in zip(modules, times, strict=True):
                start = time.process_time()
                run(module)
                taken.append(time.process_time() - start)
    one, other = (statistics.median(taken[1:]) for taken in times)
    return f"{one / other:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="starter-vit,starter-cnn,resnet50")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in args.models.split(","):
        model = open_model(name)
        both = model.module, frozen_copy(model.module, model.input_size)
        images = model.normalize(torch.rand(args.images, 3, *model.input_size))
        last: list[str] = [*model.sites][-1:]
        answered: Tensor = images.contiguous(memory_format=torch.channels_last)
        index = compared(both, lambda module: read(module, last, images), args.rounds)  # noqa: B023
        answers = compared(both, lambda module: answer(module, answered), args.rounds)  # noqa: B023
        rows.append([name, index, answers, f"{difference(*both, model.input_size):.0e}"])
        say(str(rows[-1]))
    print(f"{precision.name(torch.device('cpu'))}\n")
    print(table(["model", "index, times as fast", "answers, times as fast", "largest difference"], rows))


if __name__ == "__main__":
    main()
