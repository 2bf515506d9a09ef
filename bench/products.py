"""What share of the machine's own matrix-product rate the steps reach, in the same run.

    python -m bench.products [--model vit_base_patch16_224] [--rows 16]

A step of `rows` augmented copies is timed forward and backward, with the picture's waves, augmentation, smoothing and
optimizer. Its floating-point operations are those of torch's own counter: matrix products and attention, nothing else.
Processors without units for bfloat16 multiply it far more slowly than float32; the engine uses float32 there.
"""

from __future__ import annotations

import argparse

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.common import middle, open_model, say, seconds, table
from engine.core import precision, processor
from engine.visualization.goals import units_of
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.optimization.optimize import aim_at, maximize_batch
from engine.visualization.recipes import FAST, PAPER

SIZES = ((1024, 1024, 1024), (2048, 2048, 2048), (3152, 768, 3072))
STEPS = 3


def product_rate(device: torch.device, dtype: torch.dtype) -> float:
    """The best rate in floating-point operations a second over some large products."""
    best = 0.0
    for rows, inner, columns in SIZES:
        left, right = (
            torch.randn(rows, inner, device=device).to(dtype),
            torch.randn(inner, columns, device=device).to(dtype),
        )

        def product(left: torch.Tensor = left, right: torch.Tensor = right) -> None:
            left @ right
            processor.wait(device)

        if seconds(product) > 5:  # a type without units of its own: no need to be exact
            return 2 * rows * inner * columns / seconds(product)
        best = max(best, 2 * rows * inner * columns / min(seconds(product) for _ in range(6)))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="vit_base_patch16_224")
    parser.add_argument("--rows", type=int, default=16)
    args = parser.parse_args()
    model = open_model(args.model)
    site, module = middle(model), module_for_gradients(model)
    rates = {dtype: product_rate(model.device, dtype) for dtype in (torch.float32, torch.bfloat16)}
    for dtype, rate in rates.items():
        say(f"{dtype}: {rate / 1e9:.0f} GFLOP/s")
    ours = precision.precision(model.device)
    out = []
    for recipe in (FAST, PAPER):
        units = list(range(max(1, args.rows // recipe.copies)))

        def steps(count: int, recipe=recipe, units=units) -> None:
            short = recipe.model_copy(update={"steps": count})
            maximize_batch(aim_at(model, site, units_of(units), module), short, seed=0)
            processor.wait(model.device)

        with FlopCounterMode(display=False) as counter:
            steps(1)
        once, more = (min(seconds(lambda count=count: steps(count)) for _ in range(2)) for count in (1, 1 + STEPS))
        rate = counter.get_total_flops() / ((more - once) / STEPS)
        out.append(
            [recipe.name, str(len(units) * recipe.copies), f"{rate / 1e9:.0f}", str(ours).removeprefix("torch.")]
            + [f"{rate / product:.0%}" if rate < 2 * product else "far above it" for product in rates.values()]
        )
        say(str(out[-1]))
    heads = [
        f"of {str(dtype).removeprefix('torch.')} products ({rate / 1e9:.3g} GFLOP/s)" for dtype, rate in rates.items()
    ]
    print(table(["recipe", "copies at once", "GFLOP/s", "precision", *heads], out))


if __name__ == "__main__":
    main()
