"""Activation maximization: pictures of many units in one batch, none of which depends on another.

What makes them independent: own random numbers, a loss that is a plain sum over pictures (so each gradient is its
own), and an optimizer that works element by element. What is left is the size of the batch, which decides how products
are rounded: it is one of a few (a batch that is not full is filled up), and each picture says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.core.images import to_input
from engine.models.loaded import LoadedModel
from engine.visualization.goals import Goal, Measure, groups_of, measure_of, suited_to
from engine.visualization.optimization.augmentation import copies_of
from engine.visualization.optimization.batch_size import in_batches
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.optimization.graphs import graphed
from engine.visualization.optimization.parameterization import Parameterization, parameterize
from engine.visualization.optimization.schedule import finish_from, leak_at, noise_at, rate_at
from engine.visualization.optimization.seeding import Draws
from engine.visualization.optimization.total_variation import total_variation
from engine.visualization.recipe import Recipe

Watch = Callable[[int, Callable[[], Tensor], Tensor], None]
"""Called after each step with (steps done of this batch, what gives the images so far (n, 3, H, W), the mean activation
at each of those steps). Both are on the device, which is still at work on them: whoever reads them waits for it."""

Done = Callable[[Sequence[int], "Pictures"], None]
"""Called after each batch with (places of its pictures among those asked for, the pictures)."""


@dataclass(frozen=True)
class Pictures:
    """images (n, 3, H, W) float32 in [0, 1]; curves (n, steps): mean activation over the copies at each step; batches (n,):
    the size of the batch that each was made in."""

    images: np.ndarray
    curves: np.ndarray
    batches: np.ndarray


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
    return Aim(
        model, names, strengths, lambda copies: graphed(measure_of(model, site, goals, copies, module), model, site)
    )


def maximize(
    model: LoadedModel, site: str, goals: Sequence[Goal], recipe: Recipe, seed: int, run: Run = PLAIN
) -> Pictures:
    """Pictures for goals on a site. Raises BadRequest for a site or unit that is not there; nothing is left behind in the
    model, whatever the watcher raises."""
    module = module_for_gradients(model)
    images, curves = np.empty(0, np.float32), np.empty((len(goals), recipe.steps), np.float32)
    batches = np.zeros(len(goals), np.int64)
    same_size(goals, recipe, model, site)
    for places in groups_of(goals):
        suited = suited_to(goals[places[0]], recipe, model, site)

        def make(batch: range, size: int, places: list[int] = places, suited: Recipe = suited) -> None:
            nonlocal images
            rows = [places[number] for number in batch]
            filled = [goals[row] for row in rows] + [goals[rows[-1]]] * (size - len(rows))
            part = maximize_batch(aim_at(model, site, filled, module), suited, seed, run)
            if not images.size:  # one place for all pictures, filled as they come: no second copy of many
                images = np.empty((len(goals), *part.images.shape[1:]), np.float32)
            images[rows], curves[rows], batches[rows] = part.images[: len(rows)], part.curves[: len(rows)], size
            if run.done is not None:
                run.done(rows, Pictures(images[rows], curves[rows], batches[rows]))

        in_batches(len(places), suited, model, site, make)
    return Pictures(images, curves, batches)


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
    return Pictures(images, batch.curves.cpu().numpy(), np.full(len(images), len(images)))


class _Batch:
    """A batch of pictures on its way: what is moved, by what, and how far it is."""

    def __init__(self, aim: Aim, recipe: Recipe, seed: int, run: Run) -> None:
        self.recipe, self.direction, self.size = recipe, run.direction, aim.model.input_size
        device = aim.model.device
        self.draws = Draws(seed, aim.names, device)
        self.pictures = _begun(recipe, self.draws, self.size, run.start)
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
        pictures = self.pictures
        images = pictures.images()
        copies = copies_of(images, recipe, self.draws, step, self.size, noise_size=noise_at(recipe, step), done=done)
        # The way down needs no leak: there GELU's own slope leads to its lowest point, and a leak would lead past it.
        leak = leak_at(recipe, step) if self.direction > 0 else 0.0
        activation = self.measure(copies.images.flatten(0, 1), leak).unflatten(0, (len(images), -1)).mean(1)
        loss = -self.direction * self.strengths * activation
        if self.smoothing:
            size = loss.detach().abs() if recipe.total_variation_relative else 1.0
            loss = loss + self.smoothing * size * total_variation(images, copies)
        (gradient,) = torch.autograd.grad(loss.sum(), pictures.leaf)
        pictures.leaf.grad = gradient.contiguous()  # a fused optimizer goes through both in the order of their memory
        self.optimizer.step()
        pictures.after_step()
        self.curves[:, step] = activation.detach()

    def _optimizer(self, rate: float) -> torch.optim.Optimizer:
        leaf, betas = [self.pictures.leaf], self.recipe.betas
        if self.recipe.optimizer == "nadam":
            return torch.optim.NAdam(leaf, lr=rate, betas=betas)
        return torch.optim.Adam(leaf, lr=rate, betas=betas, fused=self.pictures.leaf.device.type != "mps")


def _begun(recipe: Recipe, draws: Draws, size: tuple[int, int], start: np.ndarray | None) -> Parameterization:
    """New pictures: noise, or the image that they begin as."""
    canvas = (round(recipe.canvas * size[0]), round(recipe.canvas * size[1]))
    pictures = parameterize(recipe.parameterization, draws, canvas)
    if start is not None:
        begin = torch.from_numpy(to_input(start, canvas).copy()).to(draws.device)
        pictures.begin(begin.permute(2, 0, 1).float() / 255)
    return pictures
