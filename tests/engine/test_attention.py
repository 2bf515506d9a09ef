"""The attention that is quickest to differentiate: the same numbers, the same tensors, and nobody else disturbed."""

from __future__ import annotations

import pytest
import torch

from engine import attention, devices
from engine.attention import module_for_gradients
from engine.sites import read_unit
from tests.engine.small import small_vit

SITE = "blocks.1.mlp.hidden"


@pytest.fixture
def bfloat16(monkeypatch):
    monkeypatch.setattr(devices, "precision", lambda device: torch.bfloat16)


def fused(module: torch.nn.Module) -> list[bool]:
    return [part.fused_attn for part in module.modules() if hasattr(part, "fused_attn")]


def test_the_copy_writes_its_attention_out_and_shares_every_tensor(bfloat16):
    model = small_vit()
    before, twin = fused(model.module), module_for_gradients(model)
    assert fused(twin) == [False, False, False] and fused(model.module) == before
    own = {name: tensor.data_ptr() for name, tensor in model.module.state_dict().items()}
    assert own == {name: tensor.data_ptr() for name, tensor in twin.state_dict().items()}


def test_the_copy_gives_the_same_gradient_as_the_model(bfloat16):
    model, units = small_vit(), torch.tensor([3, 9])
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    one, other = (
        torch.autograd.grad(read_unit(module, SITE, images, units).sum(), images)[0]
        for module in (model.module, module_for_gradients(model))
    )
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6 * float(one.abs().max()))


def test_long_sequences_and_float32_keep_the_models_own_module(bfloat16, monkeypatch):
    model = small_vit()
    monkeypatch.setattr(attention, "MOST_POSITIONS", 16)  # the small model has 17
    assert module_for_gradients(model) is model.module
    monkeypatch.setattr(attention, "MOST_POSITIONS", 17)
    assert module_for_gradients(model) is not model.module
    monkeypatch.setattr(devices, "precision", lambda device: torch.float32)
    assert module_for_gradients(model) is model.module
