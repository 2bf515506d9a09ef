"""Cutting: what is kept stays as it is, and nothing of what was cut out gets into the fill."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.choices import FILLS, Fill
from engine.data.cutting import box_region, cut
from tests.engine.world import SIDE, Squares, box, scene


def background(image: np.ndarray, fill: Fill) -> torch.Tensor:
    """(3, SIDE, SIDE): scene 3's background, its object filled."""
    mask = Squares().mask(3)
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
    return cut(pixels, torch.from_numpy(~mask)[None, None], fill, [3])[0]


@pytest.mark.parametrize("fill", FILLS)
def test_no_fill_holds_anything_of_what_was_cut_out(fill: Fill) -> None:
    """The same background around another object: the filled background must be the same, bit for bit."""
    one, other = scene(3), scene(3)
    left, top, right, bottom = box(3)
    other[top:bottom, left:right] = (7, 9, 250)
    assert torch.equal(background(one, fill), background(other, fill))


@pytest.mark.parametrize("fill", FILLS)
def test_what_is_kept_stays_as_it_is(fill: Fill) -> None:
    keep, image = ~Squares().mask(3), np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    torch.testing.assert_close(background(image, fill)[:, keep] * 255, torch.from_numpy(image[keep].T.copy()).float())


def test_a_uniform_background_goes_on_through_the_hole() -> None:
    left, top, right, bottom = box(3)
    green = torch.tensor([0, 200 / 255, 0]).view(3, 1, 1)
    for fill in ("mean", "tile", "blur"):
        hole = background(scene(3), fill)[:, top:bottom, left:right]
        torch.testing.assert_close(hole, green.expand_as(hole))
    assert background(scene(3), "black")[:, top:bottom, left:right].abs().max() == 0


def test_noise_is_each_images_own_and_the_same_each_time() -> None:
    images, keep = (
        torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)),
        torch.ones(2, 1, SIDE, SIDE),
    )
    keep = keep.bool()
    keep[:, :, 4:20, 4:20] = False
    both = cut(images, keep, "noise", [5, 9])
    assert torch.equal(cut(images[1:], keep[1:], "noise", [9])[0], both[1])
    assert not torch.equal(cut(images[1:], keep[1:], "noise", [5])[0], both[1])


def test_a_region_is_the_union_of_its_boxes_within_the_image() -> None:
    region = box_region([(-3, -1, 2, 2), (1, 2, 9, 4)], 4, 5)
    assert region.astype(int).tolist() == [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 1, 1, 1, 1], [0, 1, 1, 1, 1]]
