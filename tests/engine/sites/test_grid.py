"""The layout: a place in a map comes back to the same place, whichever way it is turned."""

from __future__ import annotations

import torch

from engine.sites.grid import Grid, channels_to_positions, position_mean, spatial, to_maps


def marked_maps() -> torch.Tensor:
    """(2, 3, 4, 5) maps whose value names image, unit, row and column."""
    image, unit, row, column = torch.meshgrid(*(torch.arange(n) for n in (2, 3, 4, 5)), indexing="ij")
    return 1000.0 * image + 100 * unit + 10 * row + column


def test_a_grid_counts_prefix_tokens_and_places():
    assert Grid(4, 5, prefix=2).positions == 22
    assert Grid(4, 5).positions == 20


def test_positions_run_row_by_row():
    positions = channels_to_positions(marked_maps())
    assert positions.shape == (2, 20, 3)
    assert positions[1, 2 * 5 + 4, 2] == 1224


def test_maps_come_back_from_positions_as_they_went_in():
    maps = marked_maps()
    assert torch.equal(to_maps(channels_to_positions(maps), Grid(4, 5)), maps)


def test_prefix_tokens_are_dropped_from_maps_and_means():
    maps = marked_maps()
    prefix = torch.full((2, 2, 3), 1e6)
    values, grid = torch.cat([prefix, channels_to_positions(maps)], dim=1), Grid(4, 5, prefix=2)
    assert spatial(values, grid).shape == (2, 20, 3)
    assert torch.equal(to_maps(values, grid), maps)
    torch.testing.assert_close(position_mean(values, grid), maps.mean(dim=(2, 3)))


def test_one_unit_for_each_image_has_a_mean_over_positions_too():
    values = torch.tensor([[9.0, 1.0, 2.0, 3.0]])
    assert position_mean(values, Grid(1, 3, prefix=1)).tolist() == [2.0]
