"""A model in parts is the model."""

from __future__ import annotations

import torch

from engine.spatial.blocks import ReadOut, Stack
from tests.engine.spatial.known import vit


def test_a_model_is_put_together_again_before_its_parts_are_used() -> None:
    model = vit()
    readout = ReadOut.of(model)
    stack = Stack.of(model, readout)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(stack.rest(0, stack.embed(images), "joint"), model.module(images))
    assert readout.reads_prefix and not readout.reads_image
