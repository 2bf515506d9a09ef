"""Dose and response: small networks trained where the place says little, some and much about the kind.

    python -m starter.make.dose --art ART --out RUN [--shares 0.3 0.6 0.9] [--seeds 2]

What `counterfactual` measures must come out in that order. Five kinds of each home place are drawn on scenes of 32 pixels;
for every home share as many networks are trained as there are seeds, a minute each on one core. ART is the folder of
`starter.make.kinds.fetch`. Resumable: scenes and networks that are there already are not made again.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.core.quantiles import student_quantile
from engine.core.statistics import Estimate, estimate
from engine.reliance.calibration import measured
from starter.make.kinds import Kind, fetch, load_art, load_kinds
from starter.make.places import PLACES
from starter.make.scenes import matched_set, training_scene

SIDE, KINDS_A_PLACE = 32, 5
TRAINING, SETS = 80, 10
"""Training scenes and matched sets of each kind."""
EPOCHS, BATCH, RATE = 14, 90, 6e-3


def some_kinds(kinds: list[Kind]) -> list[Kind]:
    """As many kinds of each home place, spread over those that live there."""
    chosen: list[Kind] = []
    for place in PLACES:
        there = [kind for kind in kinds if kind.home_place == place]
        chosen += [there[number] for number in np.linspace(0, len(there) - 1, KINDS_A_PLACE).astype(int)]
    return chosen


def small(image: np.ndarray) -> np.ndarray:
    """A scene at SIDE pixels, by averaging."""
    step = len(image) // SIDE
    return image.reshape(SIDE, step, SIDE, step, 3).mean((1, 3)).round().astype(np.uint8)


def kept(path: Path, make: Any) -> np.ndarray:
    """The array in this file; made and written where it is not there."""
    if not path.exists():
        part = path.with_suffix(".part.npy")
        np.save(part, make())
        part.replace(path)
    return np.load(path)


def network(classes: int) -> nn.Module:
    layers: list[nn.Module] = []
    width = 3
    for wider, stride in ((16, 2), (32, 2), (64, 2)):
        layers += [nn.Conv2d(width, wider, 3, stride, 1, bias=False), nn.BatchNorm2d(wider), nn.ReLU()]
        width = wider
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def trained(images: np.ndarray, classes: int, seed: int) -> nn.Module:
    """A small network after EPOCHS rounds over the scenes (scene i shows kind i modulo their number), shifted at random."""
    torch.manual_seed(seed)
    model = network(classes)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    labels = torch.arange(len(images)) % classes
    steps = EPOCHS * (len(images) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images))[: len(images) // BATCH * BATCH].split(BATCH):
            loss = F.cross_entropy(model(shifted(pixels[chosen])), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def shifted(images: Tensor) -> Tensor:
    """A batch moved by up to three pixels, and made lighter or darker."""
    down, right = (int(step) for step in torch.randint(-3, 4, (2,)))
    return images.roll((down, right), (2, 3)) + 0.1 * torch.randn(len(images), 1, 1, 1)


def answers(model: nn.Module, scenes: np.ndarray) -> np.ndarray:
    """(sets, 4, classes) logits for scenes (sets, 4, SIDE, SIDE, 3)."""
    pixels = torch.from_numpy(scenes).flatten(0, 1).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        return torch.cat([model(part) for part in pixels.split(256)]).unflatten(0, scenes.shape[:2]).numpy()


def measure(values: np.ndarray, share: float, homes: np.ndarray, elsewhere: np.ndarray) -> dict[str, Estimate]:
    """What one network's logits (sets, 4, classes) come to: `fall` of the calibrated log-odds, `reliance` (relative to the
    planted ratio), how often it is `right` at home and elsewhere, and answers a kind that `lives` at an empty place."""
    labels = np.arange(len(values)) % len(homes)
    ratio = math.log(share / ((1 - share) / (len(PLACES) - 1)))
    rivals = homes[None] == elsewhere[:, None]
    found = measured(values[:, :2], labels, rivals, ratio, (share, 1 - share), labels)
    first = values.argmax(-1)
    return {
        "planted": Estimate(2 * ratio, 2 * ratio, 2 * ratio),
        "fall": Estimate(*(2 * ratio * part for part in found.mean)),
        "reliance": found.mean,
        "right": estimate((first[:, :2] == labels[:, None]).mean(1), clusters=labels),
        "lives": estimate(homes[first[:, 3]] == homes[labels], clusters=labels),
    }


def slope(x: np.ndarray, y: np.ndarray) -> Estimate:
    """The slope of y on x by least squares, with Student's interval."""
    centred = x - x.mean()
    value = float(centred @ y / (centred @ centred))
    left = y - y.mean() - value * centred
    error = math.sqrt(float(left @ left) / (len(x) - 2) / float(centred @ centred))
    margin = student_quantile(0.975, len(x) - 2) * error
    return Estimate(value, value - margin, value + margin)


def text(found: Estimate, percent: bool = False) -> str:
    scale, form = (100, ".1f") if percent else (1, ".2f")
    value, low, high = (format(scale * part, form) for part in found)
    return f"{value} ({low} to {high})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--art", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.3, 0.6, 0.9])
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    fetch(args.art)
    args.out.mkdir(parents=True, exist_ok=True)
    everything = load_kinds(args.art)
    kinds, art = some_kinds(everything), load_art(args.art, everything)
    sets = [matched_set("evaluation", 1, index, kinds, art) for index in range(SETS * len(kinds))]
    scenes = np.stack([np.stack([small(scene.image) for scene in one.values()]) for one in sets])
    places = list(PLACES)
    homes = np.array([places.index(kind.home_place) for kind in kinds])
    elsewhere = np.array([places.index(str(one["other"].place)) for one in sets])
    rows: list[tuple[float, dict[str, Estimate]]] = []
    print("| home share | seed | planted fall | fall of log-odds, calibrated | reliance | right, % | lives there, % |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for share in args.shares:
        images = kept(
            args.out / f"scenes-{share}.npy",
            lambda share=share: np.stack(
                [small(training_scene(0, n, kinds, art, share).image) for n in range(TRAINING * len(kinds))]
            ),
        )
        for seed in range(args.seeds):
            values = kept(
                args.out / f"logits-{share}-{seed}.npy",
                lambda images=images, seed=seed: answers(trained(images, len(kinds), seed), scenes),
            )
            found = measure(values, share, homes, elsewhere)
            rows.append((share, found))
            print(
                f"| {share} | {seed} | {found['planted'].value:.2f} | {text(found['fall'])} | {text(found['reliance'])} | "
                f"{text(found['right'], True)} | {text(found['lives'], True)} |",
                flush=True,
            )
    planted, fall = (np.array([found[name].value for _, found in rows]) for name in ("planted", "fall"))
    print(f"\nThe fall of the log-odds rises by {text(slope(planted, fall))} of what the planted fall rises by.")


if __name__ == "__main__":
    main()
