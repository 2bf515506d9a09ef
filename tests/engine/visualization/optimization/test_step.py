"""What one step costs, by counting: no more operations for more pictures, and nothing that waits for the device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from engine.models.loaded import LoadedModel
from engine.visualization.goals import units_of
from engine.visualization.optimization import philox
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.optimization.optimize import PLAIN, _Batch, aim_at
from engine.visualization.recipes import RECIPES
from tests.engine.small import small_cnn, small_vit

MODELS = [(small_vit, "blocks.1.mlp.hidden"), (small_cnn, "stages.2.blocks.0")]
WAITING = ("_local_scalar_dense", "nonzero", "lift_fresh", "is_nonzero", "equal")
"""Operations that read a value back from the device, or carry one to it."""


class Operations(TorchDispatchMode):
    """Counts what is run inside, but views, which compute nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not func.is_view:
            self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def counted(model: LoadedModel, site: str, recipe: str, pictures: int) -> Counter[str]:
    """The operations of a step that is not the first."""
    units = units_of([number % 8 for number in range(pictures)])
    batch = _Batch(aim_at(model, site, units, module_for_gradients(model)), RECIPES[recipe], 0, PLAIN)
    batch.step(0)
    with Operations() as operations:
        batch.step(1)
    return operations.counts


@pytest.mark.parametrize("recipe", sorted(RECIPES))
@pytest.mark.parametrize(("make", "site"), MODELS)
def test_a_step_is_as_many_operations_for_many_pictures_as_for_few(make: Callable[[], LoadedModel], site, recipe):
    model = make()
    one, eight, many = (counted(model, site, recipe, pictures) for pictures in (1, 8, 64))
    assert eight == many
    # Of one picture alone some tensors have the layout that they need already, and are not copied.
    assert set((many - one) | (one - many)) <= {"clone", "_unsafe_view"}


@pytest.mark.parametrize("recipe", sorted(name for name, recipe in RECIPES.items() if recipe.optimizer == "adam"))
@pytest.mark.parametrize(("make", "site"), MODELS)
def test_a_step_waits_for_no_value_of_the_device(make: Callable[[], LoadedModel], site, recipe, monkeypatch):
    """On the road that a GPU takes to its random numbers. NAdam keeps two numbers on the CPU and reads them there."""
    plainly = philox.Philox.__init__

    def as_on_a_gpu(self: Any, keys: Any, device: torch.device) -> None:
        plainly(self, keys, device)
        self._on_device = philox.as_tensor(keys)

    monkeypatch.setattr(philox.Philox, "__init__", as_on_a_gpu)
    waiting = {name: count for name, count in counted(make(), site, recipe, 4).items() if name in WAITING}
    assert not waiting
