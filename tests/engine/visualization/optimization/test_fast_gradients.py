"""The copy that is quickest to differentiate: the same gradient as the model's, and nobody else disturbed."""

from __future__ import annotations

import threading

import pytest
import timm
import torch
from torch import nn

from engine.sites.access import discover, read_unit
from engine.sites.attention_kernel import WrittenAttention
from engine.visualization.optimization import fast_gradients
from engine.visualization.optimization.fast_gradients import PatchProduct, module_for_gradients
from tests.conftest import compute_in
from tests.engine.small import small_cnn, small_vit, wrapped

SITES = ["blocks.1.mlp.hidden", "blocks.1.attn.query", "blocks.2.attn.out", "blocks.2.residual", "head.logits"]

pytestmark = pytest.mark.usefixtures("bfloat16")


def kinds(module: nn.Module) -> set[type]:
    return {type(part) for part in module.modules()}


def gradient(module: nn.Module, site: str, images: torch.Tensor) -> torch.Tensor:
    units = torch.tensor([3, 4])
    values = read_unit(module, site, images.to(next(module.parameters()).dtype), units)
    return torch.autograd.grad(values.float().mean(1).sum(), images)[0]


def test_the_copy_leaves_the_model_as_it_was():
    model = small_vit()
    before, weights = kinds(model.module), {name: t.clone() for name, t in model.module.state_dict().items()}
    other = module_for_gradients(model)
    assert {PatchProduct, WrittenAttention} <= kinds(other)
    assert kinds(model.module) == before
    for name, tensor in model.module.state_dict().items():
        assert torch.equal(tensor, weights[name]) and tensor.dtype == torch.float32


@pytest.mark.parametrize("site", SITES)
def test_in_float32_the_copy_has_the_models_gradient(site):
    """The same mathematics: with its weights widened again, only the rounding of the weights is left to match."""
    model = small_vit()
    model.module.bfloat16().float()
    other = module_for_gradients(model).float()
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    one, two = gradient(model.module, site, images), gradient(other, site, images)
    torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5 * float(one.abs().max()))


def test_in_bfloat16_the_copys_gradient_points_where_the_models_does():
    model = small_vit()
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    one = gradient(model.module, "blocks.2.mlp.out", images)
    two = gradient(module_for_gradients(model), "blocks.2.mlp.out", images)
    assert torch.cosine_similarity(one.flatten(1), two.flatten(1)).min() > 0.99


def test_windows_that_lie_side_by_side_are_one_product_and_others_stay():
    convolution = nn.Conv2d(3, 5, (4, 2), stride=(4, 2))
    images = torch.randn(2, 3, 9, 6)  # one row is left over
    torch.testing.assert_close(PatchProduct(convolution)(images), convolution(images), rtol=1e-5, atol=1e-6)
    assert not PatchProduct.fits(nn.Conv2d(3, 5, 3, stride=2)) and not PatchProduct.fits(
        nn.Conv2d(3, 5, 2, 2, padding=1)
    )


def test_attention_with_more_to_it_is_left_alone():
    plain = timm.create_model("vit_tiny_patch16_224", depth=1).blocks[0].attn
    normed = timm.create_model("vit_tiny_patch16_224", depth=1, qk_norm=True).blocks[0].attn
    assert WrittenAttention.fits(plain) and not WrittenAttention.fits(normed)


def test_long_sequences_keep_their_fused_attention(monkeypatch):
    monkeypatch.setattr(fast_gradients, "MOST_POSITIONS", 16)  # the small model has 17
    assert WrittenAttention not in kinds(module_for_gradients(small_vit()))
    monkeypatch.setattr(fast_gradients, "MOST_POSITIONS", 17)
    assert WrittenAttention in kinds(module_for_gradients(small_vit()))


def test_batch_norm_is_folded_and_convolutions_have_their_channels_last():
    folded = module_for_gradients(small_cnn())
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    weights = [part.weight for part in folded.modules() if isinstance(part, nn.Conv2d) and part.kernel_size == (3, 3)]
    assert weights and all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)
    assert {each.dtype for each in folded.parameters()} == {torch.bfloat16}


def test_batch_norm_that_cannot_be_folded_stays_in_float32():
    torch.manual_seed(0)
    dense = wrapped("dense", timm.create_model("densenet121", num_classes=5))
    assert {each.dtype for each in module_for_gradients(dense).parameters()} == {torch.float32}


def test_the_copy_is_made_once_a_model():
    model = small_vit()
    assert module_for_gradients(model) is module_for_gradients(model) is not module_for_gradients(small_vit())


def test_each_precision_has_a_copy_of_its_own(monkeypatch):
    """A model that was differentiated in bfloat16 is not taken in it where float32 is asked for."""
    model = small_vit()
    first = module_for_gradients(model)
    compute_in(monkeypatch, "float32")
    second = module_for_gradients(model)
    assert [next(each.parameters()).dtype for each in (first, second)] == [torch.bfloat16, torch.float32]


def test_only_weights_in_another_precision_take_more_memory(monkeypatch):
    model = small_vit()
    once = model.memory_bytes
    compute_in(monkeypatch, "float32")
    module_for_gradients(model)
    assert model.memory_bytes == once
    compute_in(monkeypatch, "bfloat16")
    module_for_gradients(model)
    assert model.memory_bytes == 1.5 * once


@pytest.mark.parametrize(("make", "site"), [(small_vit, "blocks.2.mlp.out"), (small_cnn, "stages.2.blocks.0")])
def test_in_float32_the_copy_is_as_good_as_the_model(make, site, monkeypatch):
    compute_in(monkeypatch, "float32")
    model = make()
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    one, two = gradient(model.module, site, images), gradient(module_for_gradients(model), site, images)
    torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5 * float(one.abs().max()))


def test_a_module_that_cannot_be_copied_is_used_as_it_is():
    model = small_vit()
    model.module.lock = threading.Lock()
    assert module_for_gradients(model) is model.module


class Own(nn.Module):
    """A person's own: a site that is a bare convolution with windows side by side, and a float32 tensor that is no weight."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.c1, self.c2, self.act = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 2, stride=2), nn.ReLU()
        self.mix, self.head = torch.randn(8, 8), nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out = self.act(self.c2(self.act(self.c1(self.body(images)))))
        return self.head(out.mean((2, 3)) @ self.mix)

    def __deepcopy__(self, memo: dict) -> Own:
        if getattr(self, "unique", False):
            raise ValueError("there is one of me")
        other = Own()
        other.load_state_dict(self.state_dict())
        other.mix = self.mix
        return other.eval().requires_grad_(False)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_copy_of_a_persons_own_module_has_its_sites_and_runs(precision, monkeypatch):
    compute_in(monkeypatch, precision)
    model = wrapped("own", Own())
    module = module_for_gradients(model)
    images = torch.rand(2, 3, 32, 32)
    for site in model.sites:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            assert (
                read_unit(module, site, images.to(next(module.parameters()).dtype), torch.tensor([1, 2]))
                .isfinite()
                .all()
            )


def test_a_module_that_refuses_to_be_copied_for_a_reason_of_its_own_is_used_as_it_is():
    model = wrapped("own", Own())
    model.module.unique = True
    assert module_for_gradients(model) is model.module


class Halving(nn.Module):
    """A network of which one stage begins with a convolution whose windows lie side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.down = nn.Sequential(nn.Conv2d(8, 8, 2, stride=2), nn.ReLU())
        self.last = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(16, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.last(self.down(self.first(images))).mean((2, 3)))


def test_a_layer_that_is_known_by_such_a_convolution_is_not_lost():
    model = wrapped("halving", Halving())
    assert discover(module_for_gradients(model), model.input_size).keys() == model.sites.keys()
