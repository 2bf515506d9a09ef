"""A loaded model knows how many images it runs best on at once."""

from __future__ import annotations

import dataclasses

import torch

from engine.models import loaded
from tests.engine.small import small_vit


def test_no_layer_makes_a_tensor_too_large_to_be_kept_on_a_cpu(monkeypatch):
    """Also layers that are no site of ours: of a batch as large as allowed, the largest output just fits."""
    model, largest = small_vit(), []
    handles = [
        part.register_forward_hook(lambda _, __, output: largest.append(output.nbytes))
        for part in model.module.modules()
        if not [*part.children()]
    ]
    monkeypatch.setattr(loaded, "LARGEST_KEPT", 100_000)
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        count = dataclasses.replace(model).images_per_pass(10_000)
    assert model.images_per_pass(10_000) == count, "whoever asks first must not settle it for others"
    largest.clear()
    with torch.no_grad():
        model.module(torch.zeros(count, 3, *model.input_size))
    for handle in handles:
        handle.remove()
    one = max(largest) // count
    assert count > 1 and max(largest) <= 100_000 < max(largest) + one
    assert (
        model.images_per_pass(2) == 2
        and dataclasses.replace(model, device=torch.device("cuda")).images_per_pass(10_000) == 10_000
    )
