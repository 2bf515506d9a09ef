"""Objects alone and backgrounds alone are cut where they lie, whatever the image's size."""

from __future__ import annotations

import numpy as np
import torch

from engine.evaluation import samples
from engine.reliance.cuts import cut_variants
from tests.engine.world import SIDE, Squares, box, reader, scene


def test_foreground_and_background_are_the_image_when_put_together():
    sample = samples.Sample(3, 3, scene(3), Squares().mask(3))
    full, foreground, behind = cut_variants([sample], reader("object"), ("black",))[0]
    torch.testing.assert_close(foreground + behind, full)
    left, top, right, bottom = box(3)
    assert foreground[:, :top].abs().max() == 0 and behind[:, top:bottom, left:right].abs().max() == 0


def test_images_of_another_size_are_cut_before_they_are_scaled(monkeypatch):
    """Cut at their own resolution: a box of half the image stays half, and its edge is soft as scaling makes it."""
    image = np.full((64, 64, 3), 200, np.uint8)
    region = np.zeros((64, 64), bool)
    region[:, :32] = True
    full, foreground, behind = cut_variants([samples.Sample(0, 0, image, region)], reader("object"), ("black",))[0]
    assert full.shape == (3, SIDE, SIDE)
    assert foreground[:, :, :14].min() > 0.77 and foreground[:, :, 18:].max() < 0.01
    torch.testing.assert_close(foreground + behind, full, atol=2 / 255, rtol=0)
