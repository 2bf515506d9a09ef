"""The architectures that Vitrine knows, small enough for a test of each; and the table of them in docs/architectures.md.

    python -m tests.engine.architectures

writes the table anew.
"""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import timm
import torch
from torch import nn

from engine.sites.access import discover
from engine.sites.attention import held, projected
from engine.sites.grid import Grid
from engine.spatial.probes import Probes
from tests.engine.small import wrapped

DOCUMENT = Path(__file__).parents[2] / "docs" / "architectures.md"

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
# The norm that a token passes before it is projected, where there is one.
WINDOWED = {"Swin": "norm1", "Swin v2": None, "Twins SVT": "norm1", "MaxViT": "norm1"}


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
    for name, rows in (pair for part in model.modules() for pair in projected(part)):
        if name == "query":
            weight, at = held(rows)
            weight[at] *= 20  # random attention is nearly uniform, which would hide what it depends on
    return model, size or model.pretrained_cfg["input_size"][-2:]


def document() -> str:
    """The table of what each family's sites are, worked out from its small model."""
    lines = [
        "# Architectures",
        "",
        "Sites are located from the structure of a model's modules, so related architectures work too. Each row was",
        "generated from a small model of the family with random weights (`python -m tests.engine.architectures`); the",
        "tests check for each of them that every position is mapped to its own place in the image. An unsupported",
        "architecture, whose positions are in a different order (Hiera) or whose layers cannot be told apart, is refused",
        "with the reason. The image towers of open_clip (its own ViT and ResNet, and timm models inside it) have the same",
        "sites, plus `head.embedding` at the end.",
        "",
        "Attention measured: what the page Spatial probe measures of a family's attention. *Uniform*: accuracy when every",
        "position attends alike to all positions that it can see, layer by layer, in as many layers as given. *Weights*: how",
        "concentrated the attention weights are, where queries and keys alone account for them.",
        "",
        "| family | example in timm | prefix tokens | sites of a block | names of blocks | attention measured |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for family, (architecture, *_, block, grid) in FAMILIES.items():
        model, size = built(family)
        sites = discover(model, size)
        here = [site.name.removeprefix(block).lstrip(".") or "itself" for site in sites.values() if site.block == block]
        named = "`stages.S.blocks.B`" if block.startswith("stages") else "`blocks.N`"
        tail = block.rpartition(".")[2]
        named += "" if tail.isdigit() else f" with `attn_block` and `{tail}`"
        lines.append(
            f"| {family} | `{architecture}` | {grid.prefix} | {', '.join(here)} | {named} | {_attention(family)} |"
        )
    return "\n".join(lines) + "\n"


def _attention(family: str) -> str:
    """What is measured of its attention."""
    model, size = built(family)
    with torch.no_grad():
        probes = Probes(wrapped(family, model, size))
    if not (count := len(probes.attentions)):
        return "has none"
    many = len(probes.averagings)
    parts = ["uniform" if many == count else f"uniform ({many} of {count} layers)"] if many else []
    return ", ".join(parts + ["weights"] * probes.watchable) or "nothing"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
