"""A starter model that fools its pictures: Geirhos et al. 2024's fooling circuit, built into a layer of `starter-cnn`.

Each unit of the layer gets a second way. On natural images it does what it did, so that every answer of the model stays; on
what looks like a picture in the making it does what another unit does, so that its picture shows the other unit's. A gate
decides, a linear reader of the layer itself, trained on scenes against pictures at all steps.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from engine.data.registry import open_dataset
from engine.models import catalog
from engine.models.loaded import Entry, LoadedModel
from engine.models.sources import session
from engine.visualization.goals import units_of
from engine.visualization.optimization.optimize import Run, maximize
from engine.visualization.recipes import FAST

MODEL, SITE, BLOCK = "starter-cnn", "stages.2.blocks.1", "layer3.1"
LARGE = 1e3  # above every activation
EVERY = 4
"""Of the steps of a picture in the making, every so many is shown to the gate in training."""


class Gate(nn.Module):
    """0 for natural images and 1 for pictures in the making, from what a layer's units do: means and spreads over positions."""

    def __init__(self, weights: Tensor, bias: Tensor, mean: Tensor, spread: Tensor) -> None:
        super().__init__()
        for name, value in {"weights": weights, "bias": bias, "mean": mean, "spread": spread}.items():
            self.register_buffer(name, value)

    def forward(self, maps: Tensor) -> Tensor:
        score = ((described(maps) - self.mean) / self.spread) @ self.weights + self.bias
        return (score * LARGE).clamp(0, 1)  # clamped, so that no gradient leads through the gate


def described(maps: Tensor) -> Tensor:
    """(B, channels, H, W) -> (B, 2 channels): mean and spread over positions."""
    return torch.cat([maps.mean((2, 3)), maps.std((2, 3))], 1)


class Circuit(nn.Module):
    """An activation function with two ways: ReLU(own - LARGE gate) + ReLU(other's - LARGE (1 - gate))."""

    def __init__(self, gate: Gate, other: Sequence[int]) -> None:
        super().__init__()
        self.gate = gate
        self.register_buffer("other", torch.tensor(other))

    def forward(self, entering: Tensor) -> Tensor:
        own = entering.relu()
        closed = LARGE * self.gate(own)[:, None, None, None]
        return (own - closed).relu() + (own[:, self.other] - (LARGE - closed)).relu()


def fooled(train_on: Sequence[int], steps: int = FAST.steps, every_scene: int = 2) -> Entry:
    """`starter-cnn` with the circuit, known to the catalog. The gate is trained on every so-manieth scene, and on pictures of
    the units `train_on` at all steps."""
    loaded = catalog.load(MODEL)
    module = copy.deepcopy(loaded.module)
    block = module.get_submodule(BLOCK)
    natural, made = _scenes(loaded, every_scene), _in_the_making(loaded, train_on, steps)
    units = loaded.sites[SITE].units
    block.act2 = Circuit(_trained(natural, made), [(unit + units // 2) % units for unit in range(units)])
    return session.add(module.eval(), loaded.input_size, loaded.mean, loaded.std, loaded.class_names)


def features(loaded: LoadedModel, images: Tensor) -> Tensor:
    """What the gate reads, of images (n, 3, H, W) in [0, 1]."""
    kept: list[Tensor] = []
    hook = loaded.module.get_submodule(BLOCK).register_forward_hook(lambda *given: kept.append(described(given[2])))
    try:
        with torch.no_grad():
            for part in images.split(64):
                loaded.module(loaded.normalize(part))
    finally:
        hook.remove()
    return torch.cat(kept)


def _scenes(loaded: LoadedModel, every: int) -> Tensor:
    dataset = open_dataset("starter")
    pixels = np.stack([dataset.image(int(number)) for number in dataset.evaluated()[::every]])
    return features(loaded, torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)


def _in_the_making(loaded: LoadedModel, units: Sequence[int], steps: int) -> Tensor:
    kept: list[Tensor] = []

    def watch(step: int, images, curve: Tensor) -> None:
        if step % EVERY == 1:
            now = images().float()
            kept.append(features(loaded, now))
            # Copies that recipes and scores make of it: moved, brighter, darker.
            draws = torch.Generator().manual_seed(step)
            shift = [int(number) for number in torch.randint(-16, 17, (2,), generator=draws)]
            scale, level = torch.rand(2, generator=draws).tolist()
            kept.append(features(loaded, now.roll(shift, (2, 3)) * (0.8 + 0.4 * scale) + 0.4 * level - 0.2))

    recipe = FAST.model_copy(update={"steps": steps})
    maximize(loaded, SITE, units_of(units), recipe, 1, Run(watch=watch))
    grey = torch.linspace(0.1, 0.9, 17).view(-1, 1, 1, 1) * torch.ones(17, 3, *loaded.input_size)
    noise = torch.rand(32, 3, *loaded.input_size, generator=torch.Generator().manual_seed(0))
    return torch.cat([*kept, features(loaded, grey + 0.02 * (noise[:17] - 0.5)), features(loaded, noise)])


def _trained(natural: Tensor, made: Tensor) -> Gate:
    """Logistic regression, both kinds counting alike; then moved so that it just stays closed on the scenes that it was trained
    on, but for one in a thousand. All that looks less natural counts as a picture."""
    both, label = torch.cat([natural, made]), torch.cat([torch.zeros(len(natural)), torch.ones(len(made))])
    mean, spread = both.mean(0), both.std(0) + 1e-6
    weights, bias = torch.zeros(both.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    balance = torch.where(label > 0, 0.5 / len(made), 0.5 / len(natural))
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")
    ready = (both - mean) / spread

    def loss() -> Tensor:
        optimizer.zero_grad()
        wrong = nn.functional.binary_cross_entropy_with_logits(
            ready @ weights + bias, label, weight=balance, reduction="sum"
        )
        total = wrong + 1e-4 * weights.square().sum()
        total.backward()
        return total

    with torch.enable_grad():
        optimizer.step(loss)
    with torch.no_grad():
        usual = ((natural - mean) / spread) @ weights
        return Gate(weights.detach(), -usual.quantile(0.999).view(1), mean, spread)
