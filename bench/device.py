"""What this machine's device makes of a step: pictures a minute at each batch size, and the share of its matrix-product rate.

    python -m bench.device [--out docs/benchmarks-gpu.md] [--models starter-vit,resnet50] [--batches 1,16,64,256] [--seconds 4]

Recipe `fast`, half-way through each network; networks other than the starter's have random weights. Steps are timed until
`seconds` are over, after some that are not counted, and extrapolated to the whole recipe. The paper's loop, written plainly
(`bench.plain`), is timed in the same run. A size that does not fit into the memory says so. On CUDA the network's part of a step
is also captured as a graph: how many times as fast it is launched at once.
"""

from __future__ import annotations

import argparse
import platform
import time
from contextlib import suppress
from pathlib import Path

import timm
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bench.common import middle, open_model, reason, say, table
from bench.products import product_rate
from bench.throughput import methods, pictures_a_minute
from engine.core import devices, precision, processor
from engine.core.errors import out_of_memory
from engine.models.loaded import LoadedModel
from engine.visualization.goals import measure_of, units_of
from engine.visualization.optimization import graphs
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.optimization.optimize import Run, aim_at, maximize_batch
from engine.visualization.recipes import FAST

MODELS = (
    "starter-vit",
    "starter-cnn",
    "vit_base_patch16_224",
    "vit_base_patch16_384",
    "resnet50",
    "vit_base_patch16_clip_224",
)
UNCOUNTED = 3  # steps: the first make the kernels ready


class Enough(Exception):
    """The time for a measurement is over."""


def step_seconds(model: LoadedModel, site: str, size: int, limit: float) -> tuple[float, float]:
    """(seconds, floating-point operations) of one step of `size` pictures."""
    units = model.sites[site].units
    aim = aim_at(model, site, units_of([number % units for number in range(size)]), module_for_gradients(model))
    ends: list[float] = []

    def watch(*_: object) -> None:
        processor.wait(model.device)
        ends.append(time.perf_counter())
        if len(ends) > UNCOUNTED + 1 and ends[-1] - ends[UNCOUNTED] > limit:
            raise Enough

    with FlopCounterMode(display=False) as counter:
        maximize_batch(aim, FAST.model_copy(update={"steps": 1}), 0)
    with suppress(Enough):
        maximize_batch(aim, FAST, 0, Run(watch=watch))
    return (ends[-1] - ends[UNCOUNTED]) / (len(ends) - 1 - UNCOUNTED), float(counter.get_total_flops())


def gain_of_a_graph(model: LoadedModel, site: str, size: int) -> str:
    """How many times as fast the network's part is as a graph; why not, where it cannot be captured."""
    if model.device.type != "cuda":
        return "no graphs"
    units = model.sites[site].units
    goals = units_of([number % units for number in range(size)])
    measure = measure_of(model, site, goals, FAST.copies, module_for_gradients(model))
    images = torch.rand(size * FAST.copies, 3, *model.input_size, device=model.device).requires_grad_()

    def plain(images: Tensor) -> Tensor:
        return measure(images, 0.0)

    try:
        graph = graphs.capture_on_cuda(plain, images)
    except RuntimeError as error:
        return f"cannot: {reason(error)}"
    once, at_once = (graphs.seconds(work, images, model.device) for work in (plain, graph))
    return f"{once / at_once:.2f}"


def row(name: str, batches: list[int], limit: float, rate: float) -> list[str]:
    model = open_model(name)
    site = middle(model)
    cells: list[str] = []
    for size in batches:
        try:
            seconds, operations = step_seconds(model, site, size, limit)
        except Exception as error:
            if not out_of_memory(error):
                raise
            cells.append(f"does not fit: {reason(error)}")
            continue
        cells.append(f"{60 * size / (seconds * FAST.steps):.3g} ({operations / seconds / rate:.0%})")
        say(f"{name} {size}: {cells[-1]}")
    graphs = ", ".join(gain_of_a_graph(model, site, size) for size in (1, 16))
    make, steps, passes = methods(model, site)["paper's loop"]
    return [f"{name}@{site}", *cells, graphs, f"{pictures_a_minute(make, [0], steps, passes):.3g}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--batches", default="1,16,64,256")
    parser.add_argument("--seconds", type=float, default=4.0)
    args = parser.parse_args()
    device = devices.pick()
    ours = precision.precision(device)
    rate = product_rate(device, ours)
    batches = [int(size) for size in args.batches.split(",")]
    rows = [row(name, batches, args.seconds, rate) for name in args.models.split(",")]
    about = devices.describe(device)
    text = f"""# Benchmarks on {about["name"]}

`bash bench/device.sh` on {about["name"]}, {about["precision"]}, {platform.system()}; torch {torch.__version__}, timm
{timm.__version__}; {time.strftime("%Y-%m-%d")}; one run. Large products run at {rate / 1e12:.3g} TFLOP/s here.

Pictures a minute with recipe `fast`, in batches of so many, and in brackets the share of that rate which the matrix products and
attention of its steps reach. “As a graph”: how many times as fast the network's part of a step is when it is captured as a
CUDA graph, for 1 and 16 pictures. The engine measures this too, and captures its steps where it is at least {graphs.WORTH_IT}.

{table(["target", *(f"{size} at once" for size in batches), "as a graph", "paper's loop"], rows)}
"""
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
