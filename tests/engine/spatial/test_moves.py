"""Shifted and turned images: moves move what they say, and the numbers are those of plain loops over units and images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.spatial import moves
from engine.spatial.depth import layers_of
from tests.engine.small import small_cnn
from tests.engine.spatial.known import Squares, over, vit, without_mixing


def test_a_network_that_looks_at_each_patch_alone_moves_along() -> None:
    """Without positions and mixing, rolling by whole patches rolls every map and changes no mean."""

    def lost(module) -> None:
        without_mixing(module)
        torch.nn.init.zeros_(module.pos_embed)

    table = moves.measure(over(vit(change=lost), Squares()), 8).tables["moves"]
    shift, turn = (table[table.kind == kind] for kind in ("shift", "turn"))
    assert (shift.equivariance > 0.999).all() and (shift.invariance > 0.999).all()
    assert (turn.equivariance < 0.99).all()  # the pixels inside a patch turn too


def test_several_moves_of_the_same_images_are_no_more_images() -> None:
    """Three moves that do the same: the numbers and their intervals are those of one."""
    draws = torch.Generator().manual_seed(0)
    plain, moved = (torch.randn(12, 5, 4, 4, generator=draws) for _ in range(2))
    once, thrice = moves._Tally(), moves._Tally()
    for tally, times in ((once, 1), (thrice, 3)):
        for first in (0, 6):
            part = slice(first, first + 6)
            for _ in range(times):
                tally.add(np.arange(12)[part], plain[part], plain[part], moved[part])
    assert thrice.row() == pytest.approx(once.row())


def test_a_mean_that_becomes_any_other_images_is_at_minus_one() -> None:
    plain, moved = torch.randn(2, 4000, 64, 1, 1, generator=torch.Generator().manual_seed(0))
    tally = moves._Tally()
    tally.add(np.arange(4000), plain, plain, moved)
    assert tally.row()["invariance"] == pytest.approx(-1, abs=0.03)


def marked(height: int, width: int, row: int, column: int) -> torch.Tensor:
    """(1, 1, height, width) with one bright spot."""
    image = torch.zeros(1, 1, height, width)
    image[..., row, column] = 1
    return image


def spot(image: torch.Tensor) -> tuple[int, int]:
    return tuple(int(part) for part in image[0, 0].nonzero()[0])  # type: ignore[return-value]


def test_a_shift_rolls_by_a_quarter_each_way_on_images_and_on_every_layer() -> None:
    model = vit()
    (down_name, down), (right_name, right) = moves.moves_of(model, [layer.maps for layer in layers_of(model.sites)[1]])[
        "shift"
    ]
    assert (down_name, right_name) == ("down 8 px", "right 8 px")
    assert spot(down((32, 32))(marked(32, 32, 5, 20))) == (13, 20)
    assert spot(right((32, 32))(marked(32, 32, 5, 20))) == (5, 28)
    assert spot(down((4, 4))(marked(4, 4, 3, 1))) == (0, 1), "what leaves at the bottom comes in at the top"
    assert spot(right((4, 4))(marked(4, 4, 3, 1))) == (3, 2)


def test_a_turn_is_by_quarters_on_square_images_and_by_half_on_others() -> None:
    model = vit()
    sites = [layer.maps for layer in layers_of(model.sites)[1]]
    turns = dict(moves.moves_of(model, sites)["turn"])
    assert [*turns] == ["90°", "180°", "270°"]
    assert spot(turns["90°"]((4, 4))(marked(4, 4, 0, 3))) == (0, 0), "counterclockwise"
    assert spot(turns["180°"]((4, 4))(marked(4, 4, 0, 3))) == (3, 0)
    assert spot(turns["270°"]((4, 4))(marked(4, 4, 0, 3))) == (3, 3)
    model.input_size = (32, 64)
    assert [name for name, _ in moves.moves_of(model, sites)["turn"]] == ["180°"]


def test_layers_of_different_size_are_shifted_by_whole_positions_of_the_coarsest() -> None:
    model = small_cnn()
    model.input_size = (64, 64)
    sites = [layer.maps for layer in layers_of(model.sites)[1]]
    heights = [site.grid.height for site in sites]
    assert len({*heights}) > 1
    for name, move in moves.moves_of(model, sites)["shift"]:
        pixels = int(name.split()[1])
        for height in heights:
            rows, columns = spot(move((height, height))(marked(height, height, 0, 0)))
            assert max(rows, columns) == pixels * height / 64, "the same stretch on every grid"


def test_a_network_that_mixes_all_positions_does_not_follow_a_shift() -> None:
    """Attention and positions: maps no longer move along, so the numbers are no matter of course."""
    table = moves.measure(over(vit(), Squares()), 8).tables["moves"]
    shift = table[table.kind == "shift"]
    assert (shift.equivariance < 0.97).all() and (shift.invariance < 1).all()
    assert shift.depth.tolist() == [1 / 3, 2 / 3, 1.0] and shift.layer.tolist() == [0, 1, 2]


def test_the_rows_numbers_are_those_of_plain_loops() -> None:
    draws = torch.Generator().manual_seed(0)
    plain = torch.randn(6, 5, 3, 4, generator=draws)
    expected = plain.roll(1, dims=2)
    moved = expected + 0.5 * torch.randn(6, 5, 3, 4, generator=draws)
    tally = moves._Tally()
    tally.add(np.arange(6), plain, expected, moved)
    row = tally.row()
    same = [
        np.mean([np.corrcoef(expected[i, u].flatten(), moved[i, u].flatten())[0, 1] for i in range(6)])
        for u in range(5)
    ]
    before, after = (maps.mean(dim=(2, 3)).numpy().astype(float) for maps in (plain, moved))
    kept = 1 - ((after - before) ** 2).mean(axis=0) / before.var(axis=0)
    for name, values in (("equivariance", same), ("invariance", kept)):
        assert row[name] == pytest.approx(np.median(values), abs=1e-5)
        assert row[f"{name}_quartile_1"] == pytest.approx(np.percentile(values, 25), abs=1e-5)
        assert row[f"{name}_quartile_3"] == pytest.approx(np.percentile(values, 75), abs=1e-5)
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_a_silent_unit_has_no_map_to_move_and_no_mean_to_keep() -> None:
    draws = torch.Generator().manual_seed(0)
    loud = torch.randn(8, 1, 4, 4, generator=draws)
    tally, alone = moves._Tally(), moves._Tally()
    both = torch.cat([loud, torch.zeros_like(loud)], dim=1)
    tally.add(np.arange(8), both, both, both)
    alone.add(np.arange(8), loud, loud, loud)
    assert tally.row() == pytest.approx(alone.row())
    steady = torch.cat([loud, 1000 + 1e-3 * loud], dim=1)  # its mean is the same on all images but for rounding
    tally = moves._Tally()
    tally.add(np.arange(8), steady, steady, steady + 1)
    alone = moves._Tally()
    alone.add(np.arange(8), loud, loud, loud + 1)
    assert tally.row()["invariance"] == pytest.approx(alone.row()["invariance"], abs=1e-4)
    silent = moves._Tally()
    silent.add(np.arange(8), *[torch.zeros_like(loud)] * 3)
    assert all(np.isnan(value) for value in silent.row().values())
