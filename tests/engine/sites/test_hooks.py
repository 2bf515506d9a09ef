"""Reading: stops where it may, leaves nothing behind, keeps threads apart, and its short way gives the same values."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import timm
import torch
from torch import nn

from engine.core.errors import BadRequest
from engine.sites.access import discover, read, read_unit
from engine.sites.hooks import check_units, placed
from engine.sites.plan import plan


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def build(name: str, **options) -> nn.Module:
    """A small model with random biases too: timm starts them at zero, where a lost bias would not show."""
    torch.manual_seed(0)
    model = timm.create_model(name, **options).eval().requires_grad_(False)
    for key, parameter in model.named_parameters():
        if key.endswith("bias"):
            nn.init.normal_(parameter, std=0.5)
    return model


def vit(name: str = "vit_tiny_patch16_224", **options) -> nn.Module:
    sizes = {"img_size": 32, "patch_size": 8, "depth": 3, "embed_dim": 32, "num_heads": 2, "num_classes": 7}
    return build(name, **{**sizes, **options})


def convnext(name: str = "convnext_tiny") -> nn.Module:
    return build(name, depths=(1, 1, 1, 1), dims=(8, 12, 16, 24))


def resnet() -> nn.Module:
    return build("resnet10t", channels=(8, 16, 24, 32))


MODELS = {
    "vit": vit,
    "vit with a norm inside its mlp": lambda: vit(scale_mlp_norm=True),
    "vit with a gated mlp": lambda: vit(name="vit_giant_patch14_dinov2"),
    "vit with a learned activation": lambda: vit(act_layer=nn.PReLU),
    "separate projections": lambda: vit(name="vit_small_patch16_dinov3", num_classes=0),
    "convnext": convnext,
    "convnext with convolutions": lambda: convnext("convnext_atto"),
    "convnext v2": lambda: convnext("convnextv2_atto"),
    "resnet": resnet,
}


def pictures(count: int = 3, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def ready(model: nn.Module) -> nn.Module:
    """The model after its probes have run, so that a test sees only the pass that it asks for."""
    discover(model, (32, 32))
    return model


def hooks(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def count_calls(module: nn.Module, calls: list[str], name: str) -> None:
    module.register_forward_hook(lambda *_: calls.append(name))


def test_a_read_ends_right_after_the_deepest_site():
    model, calls = ready(vit()), []
    for index, block in enumerate(model.get_submodule("blocks").children()):
        count_calls(block.norm1, calls, f"start {index}")
        count_calls(block.mlp.fc2, calls, f"end {index}")
    read(model, ["blocks.1.mlp.hidden", "tokens.embed"], pictures())
    assert calls == ["start 0", "end 0", "start 1"]


@pytest.mark.parametrize("name", MODELS)
def test_stopping_early_and_reading_one_at_a_time_change_nothing(name):
    model, images = MODELS[name](), pictures()
    sites = list(discover(model, (32, 32)))
    together = read(model, [*sites, "head.logits"] if "head.logits" in sites else sites, images)
    for site in sites:
        torch.testing.assert_close(read(model, [site], images)[site], together[site], rtol=1e-5, atol=1e-5)


def test_sites_come_back_in_the_order_asked_for():
    assert list(read(vit(), ["blocks.1.residual", "tokens.embed"], pictures())) == ["blocks.1.residual", "tokens.embed"]


@pytest.mark.parametrize("name", MODELS)
def test_one_unit_for_each_image_equals_reading_everything_and_picking(name):
    model, images = MODELS[name](), pictures(4)
    sites = discover(model, (32, 32))
    everything = read(model, list(sites), images)
    for site, facts in sites.items():
        units = torch.tensor([0, facts.units - 1, facts.units // 2, facts.units // 3])
        expected = torch.stack([everything[site][image, :, unit] for image, unit in enumerate(units)])
        torch.testing.assert_close(read_unit(model, site, images, units), expected, rtol=1e-5, atol=1e-5, msg=site)


@pytest.mark.parametrize("name", ["vit", "vit with a gated mlp", "convnext", "convnext with convolutions"])
def test_gradients_of_the_short_way_equal_those_of_the_full_way(name):
    model = MODELS[name]()
    sites = discover(model, (32, 32))
    roles = {"mlp.hidden", "attn.query", "attn.key", "attn.value"}
    for site in [name for name, facts in sites.items() if facts.role in roles]:
        units = torch.tensor([1, 5, 2])
        gradients = []
        for short in (True, False):
            images = pictures().requires_grad_()
            if short:
                values = read_unit(model, site, images, units)
            else:
                full = read(model, [site], images)[site]
                values = torch.stack([full[image, :, unit] for image, unit in enumerate(units)])
            gradients.append(torch.autograd.grad(values.mean(dim=1).sum(), images)[0])
        scale = gradients[1].abs().max()
        assert scale > 0
        assert (gradients[0] - gradients[1]).abs().max() <= 1e-5 * scale, site


def test_a_leak_changes_no_value_and_adds_its_share_of_the_gradient_before_the_activation():
    """d(act(z) + leak z) = d act(z) + leak dz, where z is what enters the activation: the same module without one."""
    model, images, units, site = vit(), pictures().requires_grad_(), torch.tensor([1, 5, 2]), "blocks.1.mlp.hidden"

    def gradient(leak: float) -> tuple[torch.Tensor, torch.Tensor]:
        values = read_unit(model, site, images, units, leak)
        return values.detach(), torch.autograd.grad(values.sum(), images)[0]

    (plain, without), (leaky, with_leak) = gradient(0.0), gradient(0.25)
    assert torch.equal(plain, leaky)
    model = vit()
    model.get_submodule("blocks.1.mlp").act = nn.Identity()
    _, before_the_activation = gradient(0.0)
    torch.testing.assert_close(with_leak, without + 0.25 * before_the_activation)


def test_a_silent_unit_of_a_cnn_gets_the_gradient_before_its_activation_and_others_keep_theirs():
    """ReLU written in place: unit 3 is silent everywhere, unit 5 is not."""
    model, images, units, site = resnet(), pictures(2).requires_grad_(), torch.tensor([3, 5]), "stages.1.blocks.0"
    block = model.get_submodule("layer2.0")
    with torch.no_grad():
        block.bn2.bias[3] = -1000
        block.bn2.bias[5] = 10

    def gradient(leak: float) -> tuple[torch.Tensor, torch.Tensor]:
        values = read_unit(model, site, images, units, leak)
        return values.detach(), torch.autograd.grad(values.sum(), images)[0]

    (plain, without), (leaky, with_leak) = gradient(0.0), gradient(0.25)
    assert torch.equal(plain, leaky) and (plain[0] == 0).all() and (plain[1] > 0).any()
    assert not without[0].any() and torch.equal(with_leak[1], without[1])
    block.act2 = nn.Identity()
    _, before_the_activation = gradient(0.0)
    torch.testing.assert_close(with_leak[0], 0.25 * before_the_activation[0])


def test_an_activation_is_a_sites_own_only_where_nothing_stands_between():
    acts = {name: point.act for name, point in plan(resnet(), (32, 32)).points.items()}
    assert isinstance(acts["stages.0.blocks.0"], nn.ReLU) and acts["stem"] is None  # a pooling follows the stem's
    widened = {name: point.act for name, point in plan(build("test_efficientnet"), (32, 32)).points.items()}
    assert isinstance(widened["stages.1.blocks.0.mlp.hidden"], nn.SiLU)
    assert widened["stages.3.blocks.0.mlp.hidden"] is None  # squeezed and excited after it


def test_the_short_way_never_runs_the_layer_whose_units_it_picks():
    model, calls = ready(vit()), []
    count_calls(model.get_submodule("blocks.1.mlp.fc1"), calls, "fc1")
    count_calls(model.get_submodule("blocks.1.attn.qkv"), calls, "qkv")
    read_unit(model, "blocks.1.attn.key", pictures(1), torch.tensor([3]))
    assert calls == []
    read_unit(model, "blocks.1.mlp.hidden", pictures(1), torch.tensor([3]))
    assert calls == ["qkv"]


@pytest.mark.parametrize(
    "name", ["vit with a norm inside its mlp", "vit with a gated mlp", "vit with a learned activation"]
)
def test_a_norm_a_gate_or_a_learned_activation_takes_the_full_way(name):
    model, calls = ready(MODELS[name]()), []
    count_calls(model.get_submodule("blocks.1.mlp.fc1"), calls, "fc1")
    read_unit(model, "blocks.1.mlp.hidden", pictures(1), torch.tensor([3]))
    assert calls == ["fc1"]


@pytest.mark.parametrize("site", ["blocks.1.mlp.hidden", "blocks.1.mlp.out", "head.logits"])
def test_a_unit_out_of_range_is_refused_with_the_range(site):
    model = vit()
    last = discover(model, (32, 32))[site].units - 1
    with pytest.raises(BadRequest, match=f"{site} has no unit {last + 1}: its units are 0 to {last}"):
        read_unit(model, site, pictures(2), torch.tensor([0, last + 1]))
    with pytest.raises(BadRequest, match="has no unit -1"):
        read_unit(model, site, pictures(1), torch.tensor([-1]))


def test_units_on_a_device_that_would_have_to_be_waited_for_are_not_looked_at():
    check_units("blocks.1.mlp.hidden", torch.zeros(2, dtype=torch.long, device="meta"), 3, pictures(2))


def test_each_image_needs_its_own_unit():
    with pytest.raises(BadRequest, match="3 images need one unit each, but 2 units were given"):
        read_unit(vit(), "blocks.1.mlp.hidden", pictures(3), torch.tensor([0, 1]))


def test_hooks_are_gone_after_success_and_after_failure():
    model = vit()
    read(model, ["blocks.0.mlp.hidden", "head.logits"], pictures())
    read_unit(model, "blocks.0.attn.query", pictures(1), torch.tensor([0]))
    with pytest.raises(BadRequest):
        read(model, ["nowhere"], pictures())
    with pytest.raises(BadRequest, match="cannot take images of 40 x 40 pixels"):
        read(model, ["head.logits"], torch.zeros(1, 3, 40, 40))
    assert hooks(model) == 0


def test_a_failure_inside_the_model_is_not_swallowed():
    model = ready(vit())

    def fail(*_):
        raise RuntimeError("out of memory")

    model.get_submodule("blocks.1").register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        read(model, ["blocks.2.residual"], pictures())
    assert hooks(model) == 1, "only the one that this test placed"


def test_nothing_keeps_a_model_alive_that_was_read():
    model = vit()
    read(model, ["blocks.1.residual", "head.logits"], pictures())
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_two_threads_on_one_model_each_see_only_their_own_images():
    model = ready(vit())
    wait = threading.Barrier(2, timeout=30)
    block = model.get_submodule("blocks.1")

    def meet(*_):
        wait.wait()  # both are inside at once, with hooks in place

    handle = block.register_forward_pre_hook(meet)
    images = [pictures(2, seed) for seed in (10, 11)]
    sites = ["blocks.2.mlp.hidden", "blocks.2.residual"]
    with ThreadPoolExecutor(2) as threads:
        results = [*threads.map(lambda job: read(model, [job[0]], job[1])[job[0]], zip(sites, images, strict=True))]
    handle.remove()
    for site, image, result in zip(sites, images, results, strict=True):
        torch.testing.assert_close(result, read(model, [site], image)[site])


def test_many_threads_placing_and_removing_hooks_do_not_lose_any():
    model = vit(depth=1)
    images = [pictures(1, seed) for seed in range(8)]
    expected = [read(model, ["blocks.0.mlp.hidden"], image)["blocks.0.mlp.hidden"] for image in images]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(10):
            results = threads.map(lambda image: read(model, ["blocks.0.mlp.hidden"], image), images)
            for result, value in zip(results, expected, strict=True):
                torch.testing.assert_close(result["blocks.0.mlp.hidden"], value)
    assert hooks(model) == 0


def test_gradients_flow_to_the_images_but_not_when_they_are_off():
    model, images = vit(), pictures().requires_grad_()
    assert read(model, ["blocks.1.mlp.out"], images)["blocks.1.mlp.out"].requires_grad
    with torch.no_grad():
        assert not read(model, ["blocks.1.mlp.out"], images)["blocks.1.mlp.out"].requires_grad


def test_hooks_are_gone_afterwards_also_where_placing_one_fails():
    layer = nn.Linear(2, 2)

    def failing():
        yield layer.register_forward_hook(print)
        raise RuntimeError("no second one")

    with placed([layer.register_forward_hook(print)]):
        assert len(layer._forward_hooks) == 1
    with pytest.raises(RuntimeError, match="no second one"), placed(failing()):
        pass
    assert not layer._forward_hooks
