"""What a picture can be made for, ready to be measured on a model's activations, with gradients: a unit is the simplest.

Invariant: a goal's value for an image depends on that image's activations alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import ClassVar, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from engine.models.loaded import LoadedModel
from engine.sites.access import find
from engine.sites.grid import Grid, position_mean
from engine.sites.hooks import check_range
from engine.visualization.activations import unit_rows, values_of
from engine.visualization.recipe import Recipe

Measure: TypeAlias = Callable[[Tensor, float], Tensor]
"""(images, leak) -> (images,): how much each image is what is wanted. `leak` as in `engine.sites.access.read_unit`."""


class Goal(ABC):
    """One thing to make a picture for, on one site.

    `name`: its text, which names its random numbers and its picture. `placed`: whether it matters where in the picture
    something is. `unit`: the one unit that has to be read, where that is all. `strength`: how much its value counts against
    a recipe's penalties, which are made for activations. `augmented`: whether its pictures are scored under augmentations,
    or as they are. `from_means`: whether means over positions are enough to know it (see `of_means`).
    """

    strength: float = 1.0
    unit: int | None = None
    augmented: ClassVar[bool] = True

    def __init__(self, name: str, placed: bool = False) -> None:
        self.name, self.placed = name, placed

    @abstractmethod
    def measure(self, values: Tensor, grid: Grid) -> Tensor:
        """(images, position, unit), prefix tokens included -> (images,)."""

    @property
    def from_means(self) -> bool:
        return False

    def of_means(self, means: np.ndarray) -> np.ndarray:
        """(images,) from means over positions (images, unit) float32. Only where `from_means`."""
        raise NotImplementedError(f"{self.name} requires more than means over positions")

    @classmethod
    def of_rows(cls, goals: Sequence[Goal], rows: Tensor, grid: Grid) -> Tensor:
        """(images,) of goals of this kind from their units' rows (images, position); each goal has as many in a row."""
        raise NotImplementedError(f"{cls.__name__} is not read from one unit")

    @property
    def alike(self) -> Hashable:
        """Goals that are equal in this are measured in the same way, and may share a batch."""
        return (type(self) if self.unit is not None else None), self.placed

    def suited(self, recipe: Recipe, grid: Grid, size: tuple[int, int]) -> Recipe:
        """The recipe as it is, but in two cases. A site with one value for the whole image has a finish of its own. Where it
        matters where something is, the copies show the whole picture, in place, with a jitter of at most a quarter of a
        position. `size`: height and width of the model's input."""
        if recipe.finish_whole is not None and grid.height * grid.width == 1:
            recipe = recipe.model_copy(update={"finish": recipe.finish_whole})
        if not self.placed:
            return recipe
        quarter = min(size[0] // grid.height, size[1] // grid.width) // 4
        return recipe.model_copy(update={"jitter": min(recipe.jitter, quarter), "view": None, "canvas": 1.0})


class Unit(Goal):
    """One unit: its mean over the positions of the image, which can be computed without the others."""

    def __init__(self, number: int) -> None:
        super().__init__(str(number))
        self.unit: int = number

    def measure(self, values: Tensor, grid: Grid) -> Tensor:
        return position_mean(values, grid)[:, self.unit]

    @property
    def from_means(self) -> bool:
        return True

    def of_means(self, means: np.ndarray) -> np.ndarray:
        return means[:, self.unit]

    @classmethod
    def of_rows(cls, goals: Sequence[Goal], rows: Tensor, grid: Grid) -> Tensor:
        return position_mean(rows, grid)


class UnitAtPosition(Goal):
    """One unit at one position, which can be computed without the others."""

    def __init__(self, name: str, unit: int, place: int) -> None:
        super().__init__(name, placed=True)
        self.unit: int = unit
        self.place = place

    def measure(self, values: Tensor, grid: Grid) -> Tensor:
        return values[:, self.place, self.unit]

    @classmethod
    def of_rows(cls, goals: Sequence[Goal], rows: Tensor, grid: Grid) -> Tensor:
        places = [goal.place for goal in goals if isinstance(goal, cls)]
        parts = rows.split(len(rows) // len(goals))
        return torch.cat([part[:, place] for place, part in zip(places, parts, strict=True)])


class Linear(Goal):
    """A sum over terms of (mean over positions, or one position) x (direction over units)."""

    def __init__(self, name: str, terms: Sequence[tuple[int | None, Tensor]]) -> None:
        super().__init__(name, placed=any(place is not None for place, _ in terms))
        self.terms = terms

    def measure(self, values: Tensor, grid: Grid) -> Tensor:
        total = values.new_zeros(len(values))
        for place, direction in self.terms:
            seen = position_mean(values, grid) if place is None else values[:, place]
            total = total + (seen * direction).sum(1)
        return total

    @property
    def from_means(self) -> bool:
        return not self.placed

    def of_means(self, means: np.ndarray) -> np.ndarray:
        return sum(means @ direction.cpu().numpy() for _, direction in self.terms)  # type: ignore[return-value]


class TextSimilarity(Goal):
    """Cosine of a picture's embedding and a text's; it counts as the logit that the model was trained to make of it."""

    def __init__(self, name: str, words: Tensor, strength: float) -> None:
        super().__init__(name)
        self.words, self.strength = words, strength  # words (unit,) of length one

    def measure(self, values: Tensor, grid: Grid) -> Tensor:
        return self._cosine(values.mean(1))

    @property
    def from_means(self) -> bool:
        return True

    def of_means(self, means: np.ndarray) -> np.ndarray:
        # An embedding has one position, so its mean is itself.
        return self._cosine(torch.from_numpy(means).to(self.words.device)).cpu().numpy()

    def _cosine(self, embeddings: Tensor) -> Tensor:
        return nn.functional.normalize(embeddings, dim=1) @ self.words


class FeatureInversion(Goal):
    """Minus the distance to an image's activations: the L2 norm over all positions (prefix tokens too) and units.

    As in the authors' code (it16/reconstruct.py; not in the paper's text).
    """

    augmented = False

    def __init__(self, name: str, reference: Tensor) -> None:
        super().__init__(name, placed=True)
        self.reference = reference

    def measure(self, values: Tensor, grid: Grid) -> Tensor:
        return -((values - self.reference).square().sum((1, 2)) + 1e-12).sqrt()


class Caricature(Goal):
    """Dot product with an image's activations, over that image's own: 1 is as strong as in the image itself."""

    def __init__(self, name: str, reference: Tensor) -> None:
        super().__init__(name, placed=True)
        self.reference = reference / reference.square().sum().clamp(min=1e-12)

    def measure(self, values: Tensor, grid: Grid) -> Tensor:
        return (values * self.reference).sum((1, 2))


def units_of(numbers: Iterable[int]) -> list[Unit]:
    """Plain units by their numbers."""
    return [Unit(number) for number in numbers]


def groups_of(goals: Sequence[Goal]) -> list[list[int]]:
    """The places of goals that are measured in the same way and may share a batch."""
    groups: dict[Hashable, list[int]] = {}
    for place, goal in enumerate(goals):
        groups.setdefault(goal.alike, []).append(place)
    return [*groups.values()]


def suited_to(goal: Goal, recipe: Recipe, model: LoadedModel, site: str) -> Recipe:
    """The recipe that a goal's picture on this site is made with (see `Goal.suited` and `Recipe.on`)."""
    suited = recipe.on(model.input_size, clip=model.clip is not None)
    return goal.suited(suited, find(model.sites, site).grid, model.input_size)


def measure_of(
    model: LoadedModel, site: str, goals: Sequence[Goal], copies: int, module: nn.Module | None = None
) -> Measure:
    """What measures goals that are measured alike, each on `copies` images in a row; images (B, 3, H, W) around [0, 1].

    `module` stands in for the model's own. Raises BadRequest for an unknown site or unit.
    """
    place, kind = find(model.sites, site), type(goals[0])
    numbers = [goal.unit for goal in goals if goal.unit is not None]
    if len(numbers) < len(goals) or any(type(goal) is not kind for goal in goals):

        def whole(images: Tensor, leak: float) -> Tensor:
            parts = values_of(model, site, images, module).split(copies)
            return torch.cat([goal.measure(part, place.grid) for goal, part in zip(goals, parts, strict=True)])

        return whole
    # Looked at here, once: on a device that would wait for it at every step.
    units = torch.tensor(numbers).repeat_interleave(copies)
    check_range(site, units, place.units)
    chosen = units.to(model.device)
    return lambda images, leak: kind.of_rows(goals, unit_rows(model, site, images, chosen, module, leak), place.grid)


def measured(model: LoadedModel, site: str, images: Tensor, goals: Sequence[Goal]) -> Tensor:
    """(B,): goals on images (B, 3, H, W) around [0, 1]; each has B / len(goals) images in a row."""
    return measure_of(model, site, goals, len(images) // len(goals))(images, 0.0)
