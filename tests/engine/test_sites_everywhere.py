"""Every architecture that the paper visualised, and their relatives: the same words, and every position at its place."""

from __future__ import annotations

import functools
import warnings

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional

from engine.layout import Grid, to_maps
from engine.sites import discover, read, read_unit

SMALL = {"num_classes": 5}
ATTENTION = ("attn.query", "attn.key", "attn.value", "attn.out", "mlp.hidden", "mlp.out", "residual")

# name: (timm architecture, what makes it small, image (height, width) or None for its own, a block, the block's grid)
# fmt: off
FAMILIES: dict[str, tuple[str, dict, tuple[int, int] | None, str, Grid]] = {
    "ViT": ("vit_tiny_patch16_224", {"depth": 2, "img_size": (64, 96)}, (64, 96), "blocks.1", Grid(4, 6, 1)),
    "ViT with registers": ("vit_small_patch14_reg4_dinov2", {"depth": 2, "img_size": 70}, (70, 70), "blocks.1", Grid(5, 5, 5)),
    "SigLIP": (
        "vit_base_patch16_siglip_224", {"depth": 2, "embed_dim": 48, "num_heads": 2, "img_size": 64},
        (64, 64), "blocks.1", Grid(4, 4),
    ),
    "DeiT distilled": ("deit_tiny_distilled_patch16_224", {"depth": 2, "img_size": 64}, (64, 64), "blocks.1", Grid(4, 4, 2)),
    "CaiT": ("cait_xxs24_224", {"depth": 2, "img_size": 64}, (64, 64), "blocks.1", Grid(4, 4)),
    "BEiT": (
        "beit_base_patch16_224", {"depth": 2, "embed_dim": 48, "num_heads": 2, "img_size": 64},
        (64, 64), "blocks.1", Grid(4, 4, 1),
    ),
    "EVA": ("eva02_tiny_patch14_224", {"depth": 2, "img_size": 56}, (56, 56), "blocks.1", Grid(4, 4, 1)),
    "DINOv3": ("vit_small_patch16_dinov3", {"depth": 2, "embed_dim": 48, "num_heads": 2}, (64, 96), "blocks.1", Grid(4, 6, 5)),
    "XCiT": ("xcit_nano_12_p16_224", {"depth": 2}, (64, 96), "blocks.1", Grid(4, 6)),
    "ConViT": ("convit_tiny", {"depth": 3, "local_up_to_layer": 2, "img_size": 64}, (64, 64), "blocks.2", Grid(4, 4, 1)),
    "PiT distilled": ("pit_ti_distilled_224", {"depth": (1, 1, 1)}, None, "stages.1.blocks.0", Grid(14, 14, 2)),
    "Swin": (
        "swin_tiny_patch4_window7_224", {"depths": (2, 2), "embed_dim": 24, "num_heads": (2, 2), "img_size": (84, 112)},
        (84, 112), "stages.0.blocks.1", Grid(21, 28),
    ),
    "Swin v2": (
        "swinv2_tiny_window8_256", {"depths": (2, 2), "embed_dim": 24, "num_heads": (2, 2), "img_size": (64, 128)},
        (64, 128), "stages.0.blocks.1", Grid(16, 32),
    ),
    "Twins PCPVT": ("twins_pcpvt_small", {"depths": (1, 1, 1, 1)}, (128, 192), "stages.1.blocks.0", Grid(16, 24)),
    "Twins SVT": ("twins_svt_small", {"depths": (2, 1, 1, 1)}, (128, 192), "stages.0.blocks.0", Grid(32, 48)),
    "PVT v2": ("pvt_v2_b0", {"depths": (1, 1, 1, 1)}, (64, 96), "stages.1.blocks.0", Grid(8, 12)),
    "CoaT": ("coat_lite_tiny", {"serial_depths": (1, 1, 1, 1)}, None, "stages.1.blocks.0", Grid(28, 28, 1)),
    "MaxViT": ("maxvit_pico_rw_256", {"img_size": 128}, (128, 128), "stages.1.blocks.0.attn_grid", Grid(16, 16)),
    "MLP-Mixer": ("mixer_s32_224", {"img_size": 128}, (128, 128), "blocks.1", Grid(4, 4)),
    "gMixer": ("gmixer_24_224", {"img_size": 64}, (64, 64), "blocks.1", Grid(4, 4)),
    "ResMLP": ("resmlp_12_224", {"img_size": 64}, (64, 64), "blocks.1", Grid(4, 4)),
    "ResNet": ("resnet10t", {}, (64, 96), "stages.1.blocks.0", Grid(8, 12)),
    "CLIP ResNet": ("resnet50_clip", {"img_size": 64}, (64, 64), "stages.1.blocks.1", Grid(8, 8)),
    "ConvNeXt": ("convnext_atto", {}, (64, 96), "stages.1.blocks.0", Grid(8, 12)),
    "DenseNet": ("densenet121", {"block_config": (2, 2, 2, 2)}, (64, 96), "stages.1.blocks.1", Grid(8, 12)),
    "EfficientNet": ("tf_efficientnet_lite0", {}, (64, 96), "stages.1.blocks.0", Grid(16, 24)),
    "MobileNet v2": ("mobilenetv2_050", {}, (64, 96), "stages.2.blocks.0", Grid(8, 12)),
    "MobileNet v3": ("mobilenetv3_small_075", {}, (64, 96), "stages.1.blocks.0", Grid(8, 12)),
    "VGG": ("vgg11", {}, (64, 96), "stages.2.blocks.1", Grid(16, 24)),
    "Inception": ("inception_v3", {}, (107, 139), "stages.2.blocks.0", Grid(11, 15)),
    "RegNet": ("regnety_002", {}, (64, 96), "stages.1.blocks.0", Grid(8, 12)),
}
# fmt: on
TRANSFORMERS = [*FAMILIES][: [*FAMILIES].index("MLP-Mixer")]
CNNS = [*FAMILIES][[*FAMILIES].index("ResNet") :]
# The norm that a token passes before it is projected, where there is one.
WINDOWED = {"Swin": "norm1", "Swin v2": None, "Twins SVT": "norm1", "MaxViT": "norm1"}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@functools.cache
def built(family: str) -> tuple[nn.Module, tuple[int, int]]:
    """A small model of the family with random weights and biases, none of them near zero, and its image size."""
    architecture, options, size, _, _ = FAMILIES[family]
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = timm.create_model(architecture, **{**SMALL, **options}).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if "gamma" in name or "ls" in name.split(".")[-1]:
            nn.init.constant_(parameter, 0.5)  # layer scales start near zero, which would hide what a block does
        elif name.endswith("bias") or not parameter.any():  # a mixer's head starts at zero
            nn.init.normal_(parameter, std=0.2)
    return model, size or model.pretrained_cfg["input_size"][-2:]


def noise(size: tuple[int, int], count: int = 1) -> torch.Tensor:
    return torch.randn(count, 3, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_layout_is_what_the_architecture_says(family):
    model, size = built(family)
    *_, block, grid = FAMILIES[family]
    sites = discover(model, size)
    here = {name: site for name, site in sites.items() if site.block == block}
    assert here, f"{block} is not among {[*sites]}"
    assert {site.grid for site in here.values() if site.role not in ("attn.key", "attn.value")} == {grid}
    if family in TRANSFORMERS:
        assert [site.role for site in here.values()] == [*ATTENTION]
    values = read(model, list(sites), noise(size, 2))
    for name, site in sites.items():
        assert values[name].shape == (2, site.grid.positions, site.units), name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_marked_square_shows_up_at_its_own_place_in_every_early_map(family):
    """In the first blocks, where little has been mixed, the strongest change lies in the square that was marked. What
    attention gives out is left aside: with random weights it is the mean of all positions."""
    model, size = built(family)
    sites = {name: site for name, site in discover(model, size).items() if site.role != "head.logits"}
    blocks = [*dict.fromkeys(site.block for site in sites.values())][:3]
    mapped = {name: site for name, site in sites.items() if site.role != "attn.out" and site.grid.height >= 4}
    early = {name: site for name, site in mapped.items() if site.block in blocks}
    assert early
    images = noise(size)
    before = read(model, list(early), images)
    for row, column in ((0, 1), (1, 0), (1, 1)):
        top, left, tall, wide = row * size[0] // 2, column * size[1] // 2, size[0] // 2, size[1] // 2
        marked = images.clone()
        marked[:, :, top + tall // 4 : top + 3 * tall // 4, left + wide // 4 : left + 3 * wide // 4] += 4
        after = read(model, list(early), marked)
        for name, site in early.items():
            change = to_maps(after[name] - before[name], site.grid)[0].square().sum(0)
            quarters = functional.adaptive_avg_pool2d(change[None], 2)[0]
            assert divmod(int(quarters.argmax()), 2) == (row, column), name


@pytest.mark.parametrize("family", FAMILIES)
def test_the_gradient_of_every_site_reaches_the_image(family):
    model, size = built(family)
    sites = discover(model, size)
    images = noise(size).requires_grad_()
    last_block = [site.block for site in sites.values() if site.role != "head.logits"][-1]
    chosen = [name for name, site in sites.items() if site.block in ("tokens", FAMILIES[family][3], last_block, "head")]
    for name, value in read(model, chosen, images).items():
        (gradient,) = torch.autograd.grad(value[0].square().sum(), images, retain_graph=True)
        assert gradient.isfinite().all() and gradient.abs().max() > 0, name


@pytest.mark.parametrize("family", FAMILIES)
def test_stopping_early_and_picking_one_unit_change_nothing(family):
    model, size = built(family)
    sites = discover(model, size)
    images = noise(size, 2)
    everything = read(model, list(sites), images)
    last_block = [site.block for site in sites.values() if site.role != "head.logits"][-1]
    for name in [name for name, site in sites.items() if site.block in (FAMILIES[family][3], last_block)]:
        alone = read(model, [name], images)[name]
        torch.testing.assert_close(alone, everything[name], rtol=1e-5, atol=1e-5, msg=name)
        units = torch.tensor([1, sites[name].units - 1])
        picked = torch.stack([everything[name][0, :, units[0]], everything[name][1, :, units[1]]])
        torch.testing.assert_close(read_unit(model, name, images, units), picked, rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.parametrize("family", WINDOWED)
def test_inside_windows_a_query_is_the_projection_of_the_token_at_its_own_place(family):
    """The token-wise route: normalise and project every position where it stands, without any window."""
    model, size = built(family)
    norm, sites = WINDOWED[family], discover(model, size)
    for name in [name for name, site in sites.items() if site.role == "attn.query"][:4]:
        path = _module_path(family, name)
        block = model.get_submodule(path)
        entered: list[torch.Tensor] = []
        handle = block.register_forward_pre_hook(lambda _, args, entered=entered: entered.append(args[0]))
        query = read(model, [name], noise(size, 2))[name]
        handle.remove()
        tokens = entered[-1] if norm is None else block.get_submodule(norm)(entered[-1])
        expected = _query(block.attn, tokens).reshape(2, -1, query.shape[-1])
        torch.testing.assert_close(query, expected, rtol=1e-4, atol=1e-5)


def _module_path(family: str, site: str) -> str:
    """The module of a block in timm's words."""
    block = site.removesuffix(".attn.query")
    if family.startswith("Swin"):
        return block.replace("stages.", "layers.")
    return block.replace(".blocks.", ".").replace("stages.", "blocks.") if family.startswith("Twins") else block


def _query(attention: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    if getattr(attention, "q", None) is not None:
        return attention.q(tokens)
    weight, bias = attention.qkv.weight, attention.qkv.bias
    if getattr(attention, "head_first", False):
        width, heads = attention.dim_head, attention.num_heads
        weight = weight.view(heads, 3, width, -1)[:, 0].reshape(heads * width, -1)
        return functional.linear(tokens, weight, bias.view(heads, 3, width)[:, 0].flatten())
    third = weight.shape[0] // 3
    bias = attention.q_bias if getattr(attention, "q_bias", None) is not None else bias[:third]
    return functional.linear(tokens, weight[:third], bias)
