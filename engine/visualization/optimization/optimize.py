"""Activation maximization: pictures of many units in one batch, none of which depends on another.

What makes them independent: own random numbers, a loss that is a plain sum over pictures (so each gradient is its
own), an optimizer that works element by element, and batches of one fixed geometry (a last, smaller batch is filled
up), so that the arithmetic of a picture never changes with its company.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.core.images import to_input
from engine.models.loaded import LoadedModel
from engine.visualization.goals import Goal, Measure, groups_of, measure_of, suited_to
from engine.visualization.optimization.augmentation import copies_of, total_variation
from engine.visualization.optimization.batch_size import with_fitting_batch
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.optimization.parameterization import Parameterization, parameterize
from engine.visualization.optimization.schedule import finish_from, leak_at, noise_at, rate_at
from engine.visualization.optimization.seeding import generator
from engine.visualization.recipe import Recipe

T = TypeVar("T")

Watch = Callable[[int, Callable[[], Tensor], Tensor], None]
"""Called after each step with (steps done of this batch, what gives the images so far (n, 3, H, W), the mean activation
at each of those steps). Both are on the device, which is still at work on them: whoever reads them waits for it."""

Done = Callable[[Sequence[int], "Pictures"], None]
"""Called after each batch with (places of its pictures among those asked for, the pictures)."""


@dataclass(frozen=True)
class Pictures:
    """images (n, 3, H, W) float32 in [0, 1]; curves (n, steps): mean activation over the copies at each step."""

    images: np.ndarray
    curves: np.ndarray


@dataclass(frozen=True)
class Run:
    """How pictures are made, beside their recipe and seed: what they maximize (direction 1) or minimize (-1), an image,
    uint8 (height, width, 3), that each begins as instead of noise, and who is told. The watcher may raise to stop."""

    direction: Literal[1, -1] = 1
    start: np.ndarray | None = None
    watch: Watch | None = None
    done: Done | None = None


@dataclass(frozen=True)
class Aim:
    """What one batch is made for: the names of its pictures' random numbers, how much each counts against penalties, and,
    given the number of copies of each picture, what measures them."""

    model: LoadedModel
    names: Sequence[tuple[str, ...]]
    strengths: Sequence[float]
    measure: Callable[[int], Measure]


PLAIN = Run()


def aim_at(model: LoadedModel, site: str, goals: Sequence[Goal], module: nn.Module) -> Aim:
    """A batch for goals that are measured alike; `module` is differentiated in the model's stead."""
    names, strengths = [(goal.name,) for goal in goals], [goal.strength for goal in goals]
    return Aim(model, names, strengths, lambda copies: measure_of(model, site, goals, copies, module))


def batches_of(goals: Sequence[T], size: int) -> Iterator[list[T]]:
    """Batches of exactly `size`; the last is filled up with its own last entry."""
    for start in range(0, len(goals), size):
        part = list(goals[start : start + size])
        yield part + [part[-1]] * (size - len(part))


def maximize(
    model: LoadedModel, site: str, goals: Sequence[Goal], recipe: Recipe, seed: int, run: Run = PLAIN
) -> Pictures:
    """Pictures for goals on a site. Raises BadRequest for a site or unit that is not there; nothing is left behind in the
    model, whatever the watcher raises."""
    module = module_for_gradients(model)
    images, curves = np.empty(0, np.float32), np.empty((len(goals), recipe.steps), np.float32)
    same_size(goals, recipe, model, site)
    for places in groups_of(goals):
        suited = suited_to(goals[places[0]], recipe, model, site)

        def at_size(size: int, places: list[int] = places, suited: Recipe = suited) -> None:
            nonlocal images
            for number, batch in enumerate(batches_of([goals[place] for place in places], size)):
                part = maximize_batch(aim_at(model, site, batch, module), suited, seed, run)
                rows = places[number * size : (number + 1) * size]
                if not images.size:  # one place for all pictures, filled as they come: no second copy of many
                    images = np.empty((len(goals), *part.images.shape[1:]), np.float32)
                images[rows], curves[rows] = part.images[: len(rows)], part.curves[: len(rows)]
                if run.done is not None:
                    run.done(rows, Pictures(images[rows], curves[rows]))

        with_fitting_batch(suited, model, site, at_size)
    return Pictures(images, curves)


def same_size(goals: Sequence[Goal], recipe: Recipe, model: LoadedModel, site: str) -> None:
    """Raises BadRequest where the pictures for these goals would not all have one size."""
    if len({suited_to(goals[places[0]], recipe, model, site).canvas for places in groups_of(goals)}) > 1:
        raise BadRequest(f"“{recipe.name}” uses smaller pictures for targets at a position: request those separately.")


def maximize_batch(aim: Aim, recipe: Recipe, seed: int, run: Run = PLAIN) -> Pictures:
    """One batch, of pictures that are measured alike."""
    batch = _Batch(aim, recipe, seed, run)
    for step in range(recipe.steps):
        batch.step(step)
        if run.watch is not None:
            pictures = batch.pictures
            run.watch(
                step + 1, lambda pictures=pictures: pictures.images().detach(), batch.curves[:, : step + 1].mean(0)
            )
    images = batch.pictures.images().detach().float().cpu().numpy()
    return Pictures(images, batch.curves.cpu().numpy())


class _Batch:
    """A batch of pictures on its way: what is moved, by what, and how far it is."""

    def __init__(self, aim: Aim, recipe: Recipe, seed: int, run: Run) -> None:
        self.recipe, self.direction, self.size = recipe, run.direction, aim.model.input_size
        self.generators = [generator(seed, *name) for name in aim.names]
        device = aim.model.device
        self.pictures = _begun(recipe, self.generators, self.size, device, run.start)
        self.optimizer = self._optimizer(recipe.rate)
        self.measure = aim.measure(recipe.copies)
        self.strengths = torch.tensor([float(strength) for strength in aim.strengths], device=device)
        self.curves = torch.zeros(len(aim.names), recipe.steps, device=device)
        self.smoothing = recipe.total_variation

    def step(self, step: int) -> None:
        """One step of the optimizer: augmented copies, what they do, and the gradient of that less the penalties."""
        recipe = self.recipe
        if recipe.finish is not None and step == finish_from(recipe):
            self.pictures, self.smoothing = self.pictures.as_pixels(), recipe.finish.total_variation
            self.optimizer = self._optimizer(recipe.finish.rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(recipe, step)
        done = step / max(1, recipe.steps - 1)
        noise, pictures = noise_at(recipe, step), self.pictures
        copies = copies_of(pictures.images(), recipe, noise, self.generators, self.size, done)
        # The way down needs no leak: there GELU's own slope leads to its lowest point, and a leak would lead past it.
        leak = leak_at(recipe, step) if self.direction > 0 else 0.0
        activation = self.measure(copies.flatten(0, 1), leak).unflatten(0, (len(self.generators), -1)).mean(1)
        loss = -self.direction * self.strengths * activation
        if self.smoothing:
            size = loss.detach().abs() if recipe.total_variation_relative else 1.0
            loss = loss + self.smoothing * size * total_variation(copies)
        (pictures.leaf.grad,) = torch.autograd.grad(loss.sum(), pictures.leaf)
        self.optimizer.step()
        pictures.after_step()
        self.curves[:, step] = activation.detach()

    def _optimizer(self, rate: float) -> torch.optim.Optimizer:
        method = {"adam": torch.optim.Adam, "nadam": torch.optim.NAdam}[self.recipe.optimizer]
        return method([self.pictures.leaf], lr=rate, betas=self.recipe.betas)


def _begun(
    recipe: Recipe,
    generators: Sequence[torch.Generator],
    size: tuple[int, int],
    device: torch.device,
    start: np.ndarray | None,
) -> Parameterization:
    """New pictures: noise, or the image that they begin as."""
    canvas = (round(recipe.canvas * size[0]), round(recipe.canvas * size[1]))
    pictures = parameterize(recipe.parameterization, generators, canvas, device)
    if start is not None:
        begin = torch.from_numpy(to_input(start, canvas).copy()).to(device)
        pictures.begin(begin.permute(2, 0, 1).float() / 255)
    return pictures
