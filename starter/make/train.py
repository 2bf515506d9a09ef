"""Train the starter's image classifiers: the same scenes, order, augmentation and number of images for each.

    python -m starter.make.train --model starter-vit --scenes FOLDER --out FOLDER

Resumable (a checkpoint every few minutes), seeded, with a progress bar. On a GPU, and on processors with bf16 matrix units, it
computes in bf16, unless `--precision` says otherwise. What the two networks share is in PLAN; a network differs from its
twin in its architecture only.

Why adversarial noise: a network trained plainly on these scenes reads little but blobs of colour, and its feature
visualizations look it. One gradient step of noise (random start, 4/255; "fast" adversarial training, Wong et al. 2020)
on a part of each batch makes its features, and so its pictures, structured.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.core.paths import whole
from starter.make.augment import augment
from starter.make.evaluate import accuracy
from starter.make.kinds import read_kinds
from starter.make.muon import Muon

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "starter-vit": (
        "vit_tiny_patch16_224",
        {"img_size": 96, "patch_size": 8, "embed_dim": 192, "depth": 8, "num_heads": 3},
    ),
    # The last stage keeps its resolution: with a stride there, a 48-pixel image would end as 2 x 2 positions.
    "starter-cnn": (
        "resnet18",
        {"channels": [40, 80, 144, 288], "stem_width": 32, "stem_type": "deep", "output_stride": 16},
    ),
}


@dataclass(frozen=True)
class Plan:
    """What both networks share. `stages` are (share of the images, side in pixels), `noise_from` the share after which
    adversarial noise begins, `noisy` the part of each batch that gets it."""

    images: int = 150_000
    batch: int = 128
    stages: tuple[tuple[float, int], ...] = ((0.72, 48), (0.23, 64), (0.05, 96))
    noise: float = 4 / 255
    noise_from: float = 0.15
    noisy: float = 0.5
    warm_up: float = 0.03
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    average: float = 0.995
    seed: int = 0


PLAN = Plan()
LEARNING_RATE = 4e-3


def build(name: str, classes: int) -> nn.Module:
    architecture, shipped = MODELS[name]
    options: dict[str, Any] = dict(shipped)
    if architecture.startswith("vit"):
        options["dynamic_img_size"] = True  # one network for every stage: positions are resampled when the side changes
    create: Any = timm.create_model
    return create(architecture, num_classes=classes, **options)


def side_at(share: float, plan: Plan) -> int:
    reached = 0.0
    for part, side in plan.stages:
        reached += part
        if share < reached:
            return side
    return plan.stages[-1][1]


def rate_at(share: float, plan: Plan) -> float:
    """Linear warm-up, then a cosine to zero; as a factor of the learning rate."""
    if share < plan.warm_up:
        return share / plan.warm_up
    return 0.5 * (1 + math.cos(math.pi * (share - plan.warm_up) / (1 - plan.warm_up)))


def add_noise(model: nn.Module, images: Tensor, loss: Callable[[Tensor], Tensor], size: float) -> Tensor:
    """One signed gradient step of `size` (in pixel values, images in [0, 1]) from a random start, kept inside the ball.
    `loss` is what the noise makes worse: of images in [0, 1]."""
    start = torch.empty_like(images).uniform_(-size, size)
    noisy = (images + start).requires_grad_()
    parameters = [p for p in model.parameters() if p.requires_grad]
    for parameter in parameters:  # half of the backward pass is saved
        parameter.requires_grad_(False)
    (gradient,) = torch.autograd.grad(loss(noisy), noisy)
    for parameter in parameters:
        parameter.requires_grad_(True)
    return images + (start + 1.25 * size * gradient.sign()).clamp(-size, size)


def normalize(images: Tensor) -> Tensor:
    return (images - 0.5) / 0.5


def optimizers_for(model: nn.Module, decay: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices and filters inside, AdamW for the first layer, the last layer and everything that is a vector."""
    first, last = next(p for p in model.parameters() if p.ndim == 4), [p for p in model.parameters() if p.ndim == 2][-1]
    inside = [p for p in model.parameters() if p.ndim in (2, 4) and p is not first and p is not last]
    known = {id(p) for p in inside}
    vectors = [p for p in model.parameters() if id(p) not in known and p is not first and p is not last]
    adam = [{"params": [first, last], "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return [Muon(inside, decay), torch.optim.AdamW(adam, lr=0.0, betas=(0.9, 0.98))]


@dataclass(frozen=True)
class Lesson:
    """The losses of one batch, as functions of its images in [0, 1]: what training lowers, and what adversarial noise
    (on the first images of the batch) raises."""

    loss: Callable[[Tensor], Tensor]
    attacked: Callable[[Tensor], Tensor]


class Course:
    """A training run that can be left and taken up again."""

    def __init__(self, name: str, scenes: Path, out: Path, plan: Plan, device: torch.device, precision: str = "auto"):
        self.name, self.out, self.plan, self.device = name, out, plan, device
        self.precision = precision if precision != "auto" else ("bfloat16" if use_bf16(device) else "float32")
        self.images = np.load(scenes / "images.npy", mmap_mode="r")
        self.kinds = read_kinds()
        torch.manual_seed(plan.seed)
        # Channels last: the convolutions' fast layout on processors and on GPUs with matrix units alike.
        self.model: nn.Module = self.made().to(device).to(memory_format=torch.channels_last)
        self.average: nn.Module = self.made().to(device).requires_grad_(False)
        self.average.load_state_dict(self.model.state_dict())
        self.optimizers = self.optimizers_for(plan.weight_decay)
        self.seen = 0
        self.seconds = 0.0
        out.mkdir(parents=True, exist_ok=True)
        if self.file.exists():
            self.resume()

    # What a classifier is; a course of another kind of model gives its own.

    def made(self) -> nn.Module:
        """The untrained model."""
        return build(self.name, len(self.kinds))

    def optimizers_for(self, decay: float) -> list[torch.optim.Optimizer]:
        return optimizers_for(self.model, decay)

    def lesson(self, step: int, chosen: np.ndarray) -> Lesson:
        """What to learn from the scenes `chosen` for this step."""
        labels = torch.from_numpy(chosen % len(self.kinds)).to(self.device)
        smooth = self.plan.label_smoothing

        def loss(images: Tensor) -> Tensor:
            return F.cross_entropy(self.model(normalize(images)), labels, label_smoothing=smooth)

        def attacked(images: Tensor) -> Tensor:
            return F.cross_entropy(self.model(normalize(images)), labels[: len(images)])

        return Lesson(loss, attacked)

    def held_out(self) -> float:
        """Top-1 of the averaged weights on some held-out scenes."""
        return accuracy(self.average, 96, limit=425)

    @property
    def file(self) -> Path:
        return self.out / f"{self.name}.checkpoint.pt"

    def resume(self) -> None:
        state = torch.load(self.file, weights_only=True, map_location=self.device)
        if state.get("seed", self.plan.seed) != self.plan.seed:
            raise SystemExit(f"{self.file} was begun with seed {state['seed']}. Give each seed a folder of its own.")
        if state.get("precision", self.precision) != self.precision:
            raise SystemExit(
                f"{self.file} was begun in {state['precision']}. Go on with --precision {state['precision']}."
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.seen, self.seconds = state["seen"], state["seconds"]

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "seen": self.seen,
            "seconds": self.seconds,
            "seed": self.plan.seed,
            "precision": self.precision,
        }
        with whole(self.file) as partial:
            torch.save(state, partial)

    def batch(self, step: int, side: int) -> tuple[Tensor, np.ndarray]:
        """Batch number `step`, and which scenes it shows: a pure function of the plan's seed and the step, so that a
        resumed run sees the same."""
        plan = self.plan
        per_round = len(self.images) // plan.batch
        order = np.random.default_rng([plan.seed, step // per_round]).permutation(len(self.images))
        first = (step % per_round) * plan.batch
        chosen = np.sort(order[first : first + plan.batch])
        generator = torch.Generator().manual_seed(plan.seed * 1_000_003 + step)
        images = torch.from_numpy(self.images[chosen]).permute(0, 3, 1, 2).float().div_(255)
        return augment(images, side, generator).to(self.device), chosen

    def step(self) -> float:
        plan, share = self.plan, self.seen / self.plan.images
        number = self.seen // plan.batch
        images, chosen = self.batch(number, side_at(share, plan))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * group.get("rate", 1.0) * rate_at(share, plan)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            lesson = self.lesson(number, chosen)
            if share >= plan.noise_from:
                part = int(plan.batch * plan.noisy)
                self.model.eval()  # the attack must not move the running statistics of batch norm
                images = torch.cat([add_noise(self.model, images[:part], lesson.attacked, plan.noise), images[part:]])
            self.model.train()
            loss = lesson.loss(images)
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        keep = min(plan.average, 1 - 1 / (1 + self.seen / plan.batch / 10))
        with torch.no_grad():
            for kept, new in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
                if kept.is_floating_point():
                    kept.lerp_(new, 1 - keep)
                else:
                    kept.copy_(new)
        self.seen += plan.batch
        return loss.item()


def use_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return True
    flags = Path("/proc/cpuinfo")
    return device.type == "cpu" and flags.exists() and bool({"amx_bf16", "avx512_bf16"} & {*flags.read_text().split()})


def train(course: Course, minutes_between_saves: float = 3.0) -> None:
    plan, smooth = course.plan, None
    began = saved = time.monotonic()
    start_seconds, start_seen = course.seconds, course.seen
    while course.seen < plan.images:
        loss = course.step()
        smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
        now = time.monotonic()
        course.seconds = start_seconds + now - began
        speed = (course.seen - start_seen) / (now - began)
        left = (plan.images - course.seen) / speed / 60
        bar = "#" * int(30 * course.seen / plan.images)
        print(
            f"\r{course.name} [{bar:30}] {course.seen:,} images, loss {smooth:.3f}, {speed:.0f}/s, {left:.0f} min left  ",
            end="",
            flush=True,
        )
        if now - saved > 60 * minutes_between_saves:
            course.save()
            saved = now
            print(f"\n  held-out top-1 {course.held_out():.3f}", flush=True)
    course.save()
    print()


def arguments(about: str | None) -> argparse.ArgumentParser:
    """What every training run is told."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True, help="folder written by starter.make.training_set")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--images", type=int, default=PLAN.images)
    parser.add_argument("--seed", type=int, default=PLAN.seed, help="of the weights, the order and the augmentation")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", choices=list(MODELS), required=True)
    args = parser.parse_args()
    plan = replace(PLAN, images=args.images, seed=args.seed)
    train(Course(args.model, args.scenes, args.out, plan, torch.device(args.device), args.precision))


if __name__ == "__main__":
    main()
