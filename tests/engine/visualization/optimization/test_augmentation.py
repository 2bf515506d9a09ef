"""Augmented copies against known answers."""

from __future__ import annotations

import math

import pytest
import torch

from engine.visualization.optimization.augmentation import copies_of
from engine.visualization.recipes import PAPER, PAPER_CODE, Recipe
from tests.engine.small import draws


def only(**changes) -> Recipe:
    """The paper's recipe with everything off but what is named."""
    return PAPER.model_copy(update={"colour_shift": "none", "noise": "none", "jitter": 0, **changes})


def test_jitter_moves_a_marked_pixel_around_the_edge_and_never_further_than_allowed():
    image = torch.zeros(1, 3, 96, 96)
    image[0, :, 10, 20] = 1
    recipe = only(jitter=32, copies=200)
    copies = copies_of(image, recipe, draws("test"), 0).images[0]
    assert torch.equal(copies.sum((1, 2, 3)), torch.full((200,), 3.0))
    places = copies[:, 0].flatten(1).argmax(1)
    down = (places // 96 - 10 + 48) % 96 - 48
    right = (places % 96 - 20 + 48) % 96 - 48
    assert down.abs().max() <= 32 and right.abs().max() <= 32
    assert (places // 96 > 90).any(), "some copies wrap around the upper edge"
    assert len(places.unique()) > 100, "each copy has its own shift"


def test_jitter_reaches_as_far_up_and_left_as_down_and_right():
    image = torch.zeros(1, 3, 32, 32)
    image[0, :, 16, 16] = 1
    places = copies_of(image, only(jitter=3, copies=400), draws("test"), 0).images[0][:, 0].flatten(1).argmax(1)
    for along in (places // 32 - 16, places % 32 - 16):
        assert sorted(along.unique().tolist()) == [-3, -2, -1, 0, 1, 2, 3]


def test_each_copy_has_colours_and_noise_of_its_own_and_each_channel_too():
    dark, light = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    colours = only(colour_shift="scale-then-shift")
    shift, both = (copies_of(image, colours, draws("test"), 0).images[0][..., 0, 0] for image in (dark, light))
    noise = copies_of(dark, only(noise="channel"), draws("test"), 0, noise_size=0.5).images[0][..., 0, 0]
    assert len(shift.unique()) == len((both - shift).unique()) == len(noise.unique()) == 8 * 3


def test_colour_scales_are_as_often_above_one_as_below():
    """A colour's range is that of the logarithm of its scale."""
    light, dark = torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    recipe = only(colour_shift="scale-then-shift", colour_range=0.5, copies=600)
    one, zero = (copies_of(image, recipe, draws("test"), 0).images[0][..., 0, 0] for image in (light, dark))
    logs = (one - zero).log()
    assert logs.mean().item() == pytest.approx(0, abs=0.03) and zero.mean().item() == pytest.approx(0, abs=0.03)
    assert logs.min().item() == pytest.approx(-0.5, abs=0.02) and logs.max().item() == pytest.approx(0.5, abs=0.02)


def test_the_authors_code_moves_all_copies_alike():
    image = torch.zeros(1, 3, 96, 96)
    image[0, :, 10, 20] = 1
    copies = copies_of(image, only(jitter=32, jitter_shared=True), draws("test"), 0).images[0]
    assert len(copies[:, 0].flatten(1).argmax(1).unique()) == 1


@pytest.mark.parametrize(("form", "black"), [("scale-then-shift", "shift"), ("shift-then-scale", "both")])
def test_colour_shift_is_constant_over_a_channel_and_of_the_stated_form(form, black):
    dark, light = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    recipe = only(colour_shift=form, copies=500)
    at_zero = copies_of(dark, recipe, draws("test"), 0).images[0]
    at_one = copies_of(light, recipe, draws("test"), 0).images[0]
    assert torch.equal(at_zero, at_zero[..., :1, :1].expand_as(at_zero))
    scale = (at_one - at_zero)[..., 0, 0]
    assert math.exp(-1) - 1e-5 < scale.min() < 0.4 and 2.5 < scale.max() < math.e + 1e-5
    offset = at_zero[..., 0, 0].abs()
    assert (offset.max() <= 1) == (black == "shift"), "dividing the shift by the scale can make it larger than one"


def test_a_smaller_colour_range_shifts_and_scales_less():
    copies = copies_of(
        torch.zeros(1, 3, 8, 8),
        only(colour_shift="scale-then-shift", colour_range=0.2, copies=500),
        draws("test"),
        0,
    ).images
    assert 0.19 < copies.abs().max() <= 0.2


def test_noise_is_per_pixel_in_the_paper_and_per_channel_in_the_authors_code():
    image = torch.zeros(1, 3, 64, 64)
    pixel = copies_of(image, only(noise="pixel"), draws("test"), 0, noise_size=0.5).images
    channel = copies_of(image, only(noise="channel"), draws("test"), 0, noise_size=0.5).images
    assert pixel.std().item() == pytest.approx(0.5, rel=0.01)
    assert channel.std((-1, -2)).max() == 0 and channel.std() > 0.2


def test_copies_of_one_picture_do_not_depend_on_the_others():
    images = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    recipe = PAPER_CODE.model_copy(update={"jitter": 5})
    together = copies_of(images, recipe, draws(*range(3)), 0, noise_size=0.3).images
    alone = copies_of(images[1:2], recipe, draws(1), 0, noise_size=0.3).images
    assert torch.equal(together[1], alone[0])


def test_a_shift_is_a_roll_and_its_gradient_the_roll_back():
    pictures = torch.rand(2, 3, 12, 10, generator=torch.Generator().manual_seed(0)).requires_grad_()
    copies = copies_of(pictures, only(jitter=4, copies=3), draws(0, 1), 0)
    weights = torch.rand(copies.images.shape, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((copies.images * weights).sum(), pictures)
    for place in range(2):
        back = torch.zeros(3, 12, 10)
        for copy, (down, right) in enumerate(copies.offsets[place].tolist()):
            assert torch.equal(copies.images[place, copy], torch.roll(pictures[place], (down, right), (1, 2)))
            back += torch.roll(weights[place, copy], (-down, -right), (1, 2))
        assert torch.allclose(gradient[place], back, atol=1e-6)
