"""Each measure against the plain way, and where its value is known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from engine.spatial import images, measures


def plain_auroc(values: torch.Tensor, mask: torch.Tensor) -> float:
    """Every pair of a position on the object and one beside it, ties half."""
    on, off = values[mask.bool()], values[~mask.bool()]
    return float(((on[:, None] > off).float() + 0.5 * (on[:, None] == off).float()).mean())


@pytest.mark.parametrize("ties", [False, True])
def test_auroc_is_the_share_of_rightly_ordered_pairs(ties: bool) -> None:
    maps = torch.randn(4, 50, 6, generator=torch.Generator().manual_seed(0))
    if ties:
        maps = maps.clamp(min=0).mul(2).round()  # as a ReLU's: half of them exactly zero
    masks = (torch.arange(50)[None] % 5 < torch.tensor([1, 2, 3, 4])[:, None]).float()
    found = measures.auroc(maps, masks)
    for image in range(4):
        for unit in range(6):
            assert found[image, unit] == pytest.approx(plain_auroc(maps[image, :, unit], masks[image]), abs=1e-6)


def test_auroc_asks_for_no_float64_which_not_every_device_has() -> None:
    class Kinds(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = func(*args, **(kwargs or {}))
            assert not isinstance(found, torch.Tensor) or found.dtype != torch.float64, func
            return found

    with Kinds():
        measures.auroc(torch.rand(2, 9, 3), (torch.arange(9) < 4).float().expand(2, 9))


def test_a_perfect_map_scores_one_a_flat_map_half_and_an_empty_mask_nothing() -> None:
    mask = torch.tensor([[1.0, 0, 0, 1]])
    maps = torch.stack([mask[0], 1 - mask[0], torch.full((4,), 0.3)], dim=1)[None]
    assert measures.auroc(maps, mask)[0].tolist() == pytest.approx([1.0, 0.0, 0.5])
    assert measures.auroc(maps, torch.zeros(1, 4)).isnan().all()


def test_equal_tokens_are_homogeneous_and_opposite_ones_are_not() -> None:
    same = torch.ones(1, 6, 3)
    opposite = torch.cat([torch.ones(1, 3, 3), -torch.ones(1, 3, 3)], dim=1)
    assert measures.homogeneity(torch.cat([same, opposite])).tolist() == pytest.approx([1.0, 0.0])


def test_tokens_find_themselves_and_equal_tokens_find_themselves_by_chance() -> None:
    inputs = torch.randn(2, 9, 5, generator=torch.Generator().manual_seed(0))
    assert measures.self_retrieval(inputs * 3, inputs).tolist() == [1.0, 1.0]
    assert measures.self_retrieval(inputs.flip(1), inputs)[0] == pytest.approx(1 / 9)  # only the middle one
    equal = inputs.mean(dim=1, keepdim=True).expand(-1, 9, -1)
    assert float(measures.self_retrieval(equal, equal).mean()) == pytest.approx(1 / 9)


def test_ridge_reads_a_position_that_is_there_and_none_that_is_not() -> None:
    draws = torch.Generator().manual_seed(0)
    places = torch.cartesian_prod(torch.linspace(-1, 1, 4), torch.linspace(-1, 1, 6))
    told = torch.cat([places @ torch.randn(2, 8, generator=draws), torch.ones(24, 1)], dim=1)
    for mix, low, high in ((1.0, 0.99, 1.0), (0.0, -0.2, 0.05)):
        ridge = measures.Ridge(4, 6, torch.device("cpu"))
        noise = torch.randn(60, 24, 9, generator=draws)
        tokens = mix * told + 0.01 * noise if mix else noise
        ridge.fit(tokens[:20])
        ridge.fit(tokens[20:40])
        assert low <= float(ridge.score(tokens[40:]).mean()) <= high


def test_a_position_is_on_the_object_where_half_of_it_is() -> None:
    mask = torch.zeros(1, 8, 8)
    mask[0, :4, :2] = 1
    mask[0, 4:, 4:] = 1
    assert images.on_grid(mask, 2, 2).tolist() == [[1, 0, 0, 1]]
    assert images.on_grid(torch.full((1, 8, 8), torch.nan), 2, 2).isnan().all()
