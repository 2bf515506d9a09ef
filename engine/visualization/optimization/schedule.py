"""What changes over the steps of a run: noise, learning rate, the leak, and where the finish begins."""

from __future__ import annotations

import math

from engine.visualization.recipe import Recipe


def noise_at(recipe: Recipe, step: int) -> float:
    """Standard deviation of the noise at a step: from `noise_start` linearly to `noise_end`."""
    left = max(0, recipe.steps - 2 - step) / recipe.steps
    return recipe.noise_end + (recipe.noise_start - recipe.noise_end) * left


def finish_from(recipe: Recipe) -> int:
    """The first step at which the pictures are pixels; where there is no finish, one that never comes."""
    return recipe.steps if recipe.finish is None else max(1, round(recipe.finish.after * recipe.steps))


def rate_at(recipe: Recipe, step: int) -> float:
    """Learning rate at a step: a cosine that would reach zero one step after the last, or always the same."""
    finish = recipe.finish if step >= finish_from(recipe) else None
    rate = recipe.rate if finish is None else finish.rate
    if recipe.schedule == "constant":
        return rate
    return rate * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def leak_at(recipe: Recipe, step: int) -> float:
    """Addition to the slope of the unit's activation function: from `leak` linearly down to zero at `leak_until`."""
    return recipe.leak * max(0.0, 1 - step / (recipe.leak_until * recipe.steps)) if recipe.leak else 0.0
