"""Textures: patches keep their pixels, silhouettes their shape, and a model that reads colour has no shape bias."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest
from engine.core.request import build
from engine.evaluation.samples import Sample
from engine.reliance.texture import TextureRequest, dress, largest_square, shuffle
from tests.engine.contexts import Notebook
from tests.engine.reliance.test_counterfactual import Observer
from tests.engine.small import wrapped
from tests.engine.world import KINDS, RED, SIDE, Squares, settle


def test_shuffled_patches_are_the_same_patches_elsewhere():
    images = torch.arange(2 * 3 * 12 * 12).reshape(2, 3, 12, 12).float()
    moved = shuffle(images, 3, [5, 6])
    assert not torch.equal(moved, images)
    torch.testing.assert_close(moved.flatten(1).sort(1).values, images.flatten(1).sort(1).values)
    whole = {tuple(images[0, :, r : r + 4, c : c + 4].flatten().tolist()) for r in (0, 4, 8) for c in (0, 4, 8)}
    there = {tuple(moved[0, :, r : r + 4, c : c + 4].flatten().tolist()) for r in (0, 4, 8) for c in (0, 4, 8)}
    assert there == whole
    torch.testing.assert_close(shuffle(images[1:], 3, [6]), moved[1:], msg="an image's order is its own")
    uneven = shuffle(torch.arange(3 * 13 * 14).reshape(1, 3, 13, 14).float(), 4, [1])
    torch.testing.assert_close(uneven[:, :, 12:], torch.arange(3 * 13 * 14).reshape(1, 3, 13, 14).float()[:, :, 12:])


def test_the_largest_square_is_found():
    region = np.zeros((20, 30), bool)
    region[3:10, 4:25] = True
    region[8:18, 5:14] = True
    top, left, side = largest_square(region)
    assert side == 9 and region[top : top + side, left : left + side].all()
    assert largest_square(np.zeros((4, 4), bool))[2] == 0
    assert largest_square(np.ones((5, 7), bool)) == (0, 0, 5)


def test_a_dressed_silhouette_has_one_objects_shape_and_the_others_colours():
    squares = Squares()
    shape, cloth = (Sample(n, n % 4, squares.image(n), squares.mask(n)) for n in (0, 3))
    made = dress(shape, cloth)
    assert shape.region is not None
    assert (made[shape.region] == (RED[3], 0, 0)).all() and (made[~shape.region] == 128).all()


def test_a_model_that_reads_colour_has_no_shape_bias(monkeypatch):
    loaded = wrapped("observer", Observer(0.0, 6.0), (SIDE, SIDE))
    loaded.class_names = KINDS
    settle(monkeypatch, {"observer": loaded}, lambda name: Squares(), classes=4)
    result = build(TextureRequest, model="observer", grids=(2, 4)).run(Notebook())
    rows = result.tables["variants"]
    assert rows.fill.tolist() == ["", "2 x 2", "4 x 4", "own texture", "another's texture"]
    assert rows.top1.tolist()[:3] == [1, 1, 1], "colour does not mind where patches are"
    answered, cloth = result.arrays["top"][:, -1, 0], result.arrays["textures"]
    loud = cloth >= 2  # of a stronger red than the grey around
    assert (answered[loud] == cloth[loud]).all() and loud.sum() > 4
    assert result.facts["texture"] >= loud.sum() and result.facts["shape_bias"][0] < 0.3
    assert (result.arrays["textures"] != result.arrays["labels"]).all()
    with pytest.raises(BadRequest, match="a box is not a silhouette"):
        build(TextureRequest, model="observer", cut="box")
