"""Natural pictures keep to the features of the images that excite their unit, and still excite it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest
from engine.core.request import build
from engine.explanation.natural import NaturalPictureRequest, distance
from engine.explanation.observer import means_of
from tests.engine.explanation.planted import Colours, Desk

FIRST, SITE = "stages.0.blocks.0", "stages.1.blocks.0"
SHOWN = (3, 14, 15)


def made(weight: float) -> np.ndarray:
    request = NaturalPictureRequest(model="colours", site=SITE, unit=0, shown=SHOWN, weight=weight, data="colours")
    return request.run(Desk()).arrays["image"]


def test_a_picture_held_to_images_does_what_they_do_and_one_that_is_not_goes_further(world):
    model = world["colours"]
    images = means_of(model, [FIRST], [Colours().image(number) for number in SHOWN]).mean(0)
    near, far = means_of(model, [FIRST], [made(30.0), made(0.0)])
    assert np.abs(near - images).max() < 0.5 * np.abs(far - images).max()
    assert far[0] > near[0], "without the images only the unit's activation counts"


def test_an_image_is_at_no_distance_from_its_own_features_wherever_they_are(world):
    model = world["colours"]
    values = torch.rand(1, 225, 6)
    moved = values[:, torch.randperm(225)]
    wanted, spread = [values[0].sort(dim=0).values], [torch.ones(6)]
    assert distance({FIRST: moved}, wanted, spread, model, [FIRST]).abs().max() < 1e-6
    off = distance({FIRST: values + 0.1}, wanted, spread, model, [FIRST])
    assert torch.allclose(off, torch.tensor([0.1]), rtol=0.01)
    assert distance({FIRST: values + 100}, wanted, spread, model, [FIRST]) <= 3


def test_so_many_images_that_memory_would_not_hold_them_are_refused_and_the_others_are_asked_for_as_before():
    given = {"model": "colours", "site": SITE, "unit": 0}
    with pytest.raises(BadRequest, match="shown: give 64 or fewer"):
        build(NaturalPictureRequest, shown=tuple(range(65)), **given)
    assert build(NaturalPictureRequest, shown=SHOWN, **given).canonical() == (
        '{"data":"starter","experiment":"natural-picture","model":"colours","seed":0,"shown":[3,14,15],'
        '"site":"stages.1.blocks.0","unit":0,"version":1,"weight":1.0}'
    )


def test_a_picture_has_no_more_pixels_than_the_settings_allow(world, configured):
    configured(limits={"pixels_per_picture": 1000})
    with pytest.raises(BadRequest, match="pixels_per_picture"):
        made(1.0)
