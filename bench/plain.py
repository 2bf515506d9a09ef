"""The paper's recipe written plainly, as the reference: one unit at a time, gradients for weights on, the whole
network run to its head, float32, a forward hook on the layer. Shares nothing with the engine but the random numbers,
so that the two must give the same picture (tests/engine/visualization/optimization/test_optimize.py).

    python -m bench.plain [--model starter-vit] [--layer blocks.3.mlp.act --prefix 1] [--steps 400]

prints the seconds of one unit, in a process where nothing of the engine's has touched torch's settings.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.visualization.optimization.seeding import Draws, Purpose


def maximize_plainly(
    module: nn.Module,
    layer: nn.Module,
    prefix: int | None,
    unit: int,
    size: tuple[int, int],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    seed: int,
    steps: int = 400,
    copies: int = 8,
) -> Tensor:
    """(3, H, W) in [0, 1]: the picture that maximizes one channel of `layer`'s output: (batch, tokens, channels) after
    `prefix` tokens, or (batch, channels, height, width) where that is None."""
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    seen: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _, __, output: seen.append(output))
    draws = Draws(seed, [(unit,)], torch.device("cpu"))
    image = draws.uniform(Purpose.START, 0, (3, *size))[0].requires_grad_()
    optimizer = torch.optim.Adam([image], lr=0.1, betas=(0.5, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    try:
        for step in range(steps):
            colour = 2 * draws.uniform(Purpose.COLOUR, step, (copies, 2, 3))[0, ..., None, None] - 1
            noise = draws.normal(Purpose.NOISE, step, (copies, 3, *size))[0]
            offsets = draws.integers(Purpose.JITTER, step, (copies, 2), -32, 32)[0].tolist()
            batch = torch.stack([torch.roll(image, tuple(offset), (1, 2)) for offset in offsets])
            batch = batch * colour[:, 0].exp() + colour[:, 1] + noise
            seen.clear()
            module((batch - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1))
            activation = (seen[0][:, unit] if prefix is None else seen[0][:, prefix:, unit]).mean()
            variation = sum(
                (one - other).flatten(2).norm(dim=2).mean()
                for one, other in (
                    (batch[..., 1:], batch[..., :-1]),
                    (batch[..., 1:, :], batch[..., :-1, :]),
                    (batch[..., 1:, 1:], batch[..., :-1, :-1]),
                    (batch[..., 1:, :-1], batch[..., :-1, 1:]),
                )
            )
            optimizer.zero_grad()
            module.zero_grad()
            (0.004 * variation - activation).backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                image.clamp_(0, 1)
    finally:
        hook.remove()
        module.requires_grad_(False)
    return image.detach()


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds of one unit of a starter model's layer, plainly.")
    parser.add_argument("--model", default="starter-vit")
    parser.add_argument("--layer", default="blocks.3.mlp.act", help="a module's name")
    parser.add_argument("--prefix", type=int, default=-1, help="tokens before the patches; -1: channels come first")
    parser.add_argument("--steps", type=int, default=400)
    args = parser.parse_args()
    folder = Path(__file__).parents[1] / "starter" / "models"
    card = json.loads((folder / f"{args.model}.json").read_text())
    module = timm.create_model(card["architecture"], num_classes=card["num_classes"], **card["kwargs"]).eval()
    module.load_state_dict(load_file(folder / f"{args.model}.safetensors"))
    layer = module.get_submodule(args.layer)
    size, mean, std = card["input_size"][1:], card["mean"], card["std"]
    start = time.perf_counter()
    maximize_plainly(
        module, layer, None if args.prefix < 0 else args.prefix, 0, size, mean, std, seed=0, steps=args.steps
    )
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
