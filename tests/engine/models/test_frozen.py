"""The copy that costs less computes what the network computes."""

from __future__ import annotations

import math
import threading

import pytest
import timm
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from engine.models import catalog
from engine.models.frozen import (
    LARGEST_DIFFERENCE,
    difference,
    frozen_copy,
    module_to_read,
    shared_copy,
    wants_channels_last,
)
from engine.sites.hooks import placed
from tests.engine.small import small_cnn, small_vit


def lived_in(module: nn.Module) -> nn.Module:
    """Batch norms whose statistics are not those of the first day: a fold that forgets one of them shows."""
    numbers = torch.Generator().manual_seed(1)
    for part in module.modules():
        if isinstance(part, _BatchNorm):
            part.running_mean.normal_(0, 0.3, generator=numbers)
            part.running_var.uniform_(0.5, 2, generator=numbers)
            with torch.no_grad():
                part.weight.uniform_(0.5, 2, generator=numbers)
                part.bias.normal_(0, 0.3, generator=numbers)
    return module.eval().requires_grad_(False)


def norms(module: nn.Module) -> int:
    return sum(isinstance(part, _BatchNorm) for part in module.modules())


@pytest.mark.parametrize(
    ("name", "left"), [("resnet18", 0), ("efficientnet_b0", 0), ("regnety_002", 0), ("densenet121", 62)]
)
def test_batch_norm_folds_wherever_it_follows_a_convolution_and_no_site_changes(name, left):
    """DenseNet normalises what it concatenates: there is no convolution to fold half of its norms into."""
    torch.manual_seed(0)
    module = lived_in(timm.create_model(name))
    frozen = frozen_copy(module, (64, 64))
    assert norms(module) > left == norms(frozen)
    assert difference(module, frozen, (64, 64)) < 1e-4


def test_gradients_of_the_image_are_the_same():
    module = lived_in(small_cnn().module)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    expected, found = (
        torch.autograd.grad(each(images).square().sum(), images)[0] for each in (module, frozen_copy(module, (32, 32)))
    )
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


def test_the_network_itself_stays_as_it_was():
    module = lived_in(small_cnn().module)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    frozen_copy(module, (32, 32))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert norms(module) and all(value.is_contiguous() for value in module.state_dict().values())


class Peeking(nn.Module):
    """A function, no module, reads the convolution's output beside the batch norm: folding would change what it reads."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.conv1, self.bn1, self.act1 = network.conv1, network.bn1, network.act1
        self.layer1, self.layer2, self.fc = network.layer1, network.layer2, nn.Linear(16, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out = self.conv1(images)
        out = self.act1(self.bn1(out)) + out.mean()
        return self.fc(self.layer2(self.layer1(out)).mean((2, 3)))


def test_where_a_fold_would_change_a_value_the_copy_is_the_network_as_it_is():
    module = lived_in(Peeking(timm.create_model("resnet10t", channels=(8, 16, 24, 32), stem_type="")))
    frozen = frozen_copy(module, (32, 32))
    assert norms(frozen) == norms(module)
    assert difference(module, frozen, (32, 32)) < 1e-5


def test_a_vision_transformer_has_no_use_for_channels_last_and_a_cnn_has():
    assert not wants_channels_last(small_vit().module) and wants_channels_last(small_cnn().module)


def test_a_copy_with_other_weights_is_told_apart():
    module, other = lived_in(small_cnn().module), lived_in(small_cnn().module)
    with torch.no_grad():
        next(other.parameters()).mul_(1.01)
    assert LARGEST_DIFFERENCE < difference(module, other, (32, 32)) < math.inf


def test_a_network_that_flattens_maps_by_view_keeps_its_channels_first():
    torch.manual_seed(0)
    module = small_cnn().module
    module.global_pool = _View()
    module.fc = nn.Linear(32, 5)
    module.eval()
    assert difference(module, frozen_copy(module, (32, 64)), (32, 64)) < 1e-4


class _View(nn.Module):
    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps.view(len(maps), 32, -1).view(len(maps), -1)[:, :32]


def test_a_model_is_read_through_its_copy_only_where_that_changes_something():
    vit, cnn, own = small_vit(), small_cnn(), small_cnn()
    own.module.lock = threading.Lock()
    assert module_to_read(vit) is vit.module and module_to_read(own) is own.module
    assert not norms(module_to_read(cnn)) and module_to_read(cnn) is module_to_read(cnn)


def test_a_copy_holds_no_second_copy_of_weights_that_stay_the_same():
    module = small_vit().module
    copied = dict(shared_copy(module).named_parameters())
    assert all(copied[name].data_ptr() == weight.data_ptr() for name, weight in module.named_parameters())


def test_hooks_of_a_run_that_is_under_way_do_not_stay_in_the_copy():
    module = small_vit().module
    module.norm.register_forward_hook(lambda *_: None)
    with placed([module.blocks[0].register_forward_hook(lambda *_: None)]):
        copied = shared_copy(module)
    assert [len(part._forward_hooks) for part in (copied.norm, copied.blocks[0])] == [1, 0]


def test_a_starter_models_sites_keep_their_values_to_a_few_roundings():
    """What `docs/benchmarks.md` says of the copy that indexes come from."""
    model = catalog.load("starter-cnn")
    assert 0 < difference(model.module, module_to_read(model), model.input_size) < 5e-6
