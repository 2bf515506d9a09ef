"""Networks with random weights in which every branch does something, and whose numbers stay finite however deep they are."""

from __future__ import annotations

import pytest
import timm
import torch
from timm.models.metaformer import StarReLU
from torch import Tensor, nn

from engine.models.loaded import Entry
from engine.models.sources.initial import awaken
from engine.models.sources.twin import Twin
from tests.engine.architectures import FAMILIES, SMALL

FURTHER = {
    "ResNet without normalization": ("nf_resnet26", {}, (64, 64)),
    "DeiT III": ("deit3_small_patch16_224", {"depth": 2, "img_size": 64}, (64, 64)),
}
KNOWN = ("ViT", "ViT with registers", "CaiT", "Swin v2", "ResMLP", "ResNet", "CLIP ResNet", "ConvNeXt", "RegNet")
NETWORKS = {name: FAMILIES[name][:3] for name in KNOWN} | FURTHER


def drawn(architecture: str, options: dict) -> nn.Module:
    entry = Entry("twin/x", "twin", architecture, "random, seed 0", True, kwargs={**SMALL, **options})
    return Twin([]).build(entry, {}).module.eval()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETWORKS)
def test_every_branch_of_a_twin_changes_its_input(name: str) -> None:
    """What a block gives is not what it was given, and every weight inside it counts for the answer."""
    architecture, options, size = NETWORKS[name]
    network = drawn(architecture, options)
    changes: dict[str, float] = {}

    def note(path: str):
        def hook(module: nn.Module, given: tuple, made: object) -> None:
            if isinstance(made, Tensor) and isinstance(given[0], Tensor) and made.shape == given[0].shape:
                changes[path] = float((made - given[0]).norm() / given[0].norm())

        return hook

    for path, module in network.named_modules():
        if type(module).__name__.endswith(("Block", "Bottleneck", "BlockPre", "BlockPost")):
            module.register_forward_hook(note(path))
    images = (
        torch.rand(2, 3, *(size or network.pretrained_cfg["input_size"][-2:]), generator=torch.manual_seed(1)) - 0.5
    )
    answers = network(images)
    assert all(change > 1e-3 for change in changes.values()), min(changes.items(), key=lambda pair: pair[1])
    (answers[0] if isinstance(answers, tuple) else answers).square().sum().backward()
    of_branches = {k: v for k, v in network.named_parameters() if v.dim() in (2, 4) and k.endswith("weight")}
    silent = [path for path, weights in of_branches.items() if weights.grad is None or not weights.grad.any()]
    assert of_branches and not silent


def test_the_numbers_of_a_deep_twin_are_finite() -> None:
    network = drawn("resnet152", {})
    seen: list[bool] = []
    for module in network.modules():
        module.register_forward_hook(lambda _, given, made: seen.append(bool(torch.as_tensor(made).isfinite().all())))
    with torch.no_grad():
        network(torch.rand(1, 3, 64, 64) - 0.5)
    assert len(seen) > 100 and all(seen)


def test_what_begins_with_weight_stays_as_it_was_drawn() -> None:
    network = timm.create_model("vit_tiny_patch16_224", depth=2)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    assert awaken(network) == []
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())


def test_factors_become_one_and_weights_of_nothing_are_drawn() -> None:
    scaled = timm.create_model("convnext_atto")
    assert awaken(scaled) == [f"stages.{s}.blocks.{b}.gamma" for s in range(4) for b in range((2, 2, 6, 2)[s])]
    assert all((block.gamma == 1).all() for stage in scaled.stages for block in stage.blocks)
    layer = nn.Sequential(nn.Linear(4, 3))
    nn.init.zeros_(layer[0].weight)
    assert awaken(layer) == ["0.weight"] and layer[0].weight.unique().numel() == 12
    assert awaken(StarReLU()) == [], "a factor inside an activation function is none of a branch"


def test_what_has_no_storage_is_left_alone() -> None:
    with torch.device("meta"):
        assert awaken(timm.create_model("resnet10t")) == []
