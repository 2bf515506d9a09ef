"""The 38 transformer variants of the paper, each visualised at its feed-forward hidden features (random weights, a few
steps): real widths, patches and image sizes; fewer blocks, so that all of them run in a minute or two."""

from __future__ import annotations

import warnings

import pytest
import timm
import torch

from engine.visualization.goals import Unit
from engine.visualization.optimization.optimize import maximize
from engine.visualization.recipes import PAPER
from tests.engine.small import wrapped

FEWER = {
    "deit": {"depth": 2},
    "convit": {"depth": 2, "local_up_to_layer": 1},
    "pit": {"depth": (1, 1, 1)},
    "swin": {"depths": (1, 1, 2, 1)},
    "twins": {"depths": (1, 1, 2, 1)},
    "coat": {"serial_depths": (1, 1, 1, 1)},
}

# name in timm: (image side, prefix tokens, units of the last block's hidden features)
VARIANTS = {
    "deit_base_patch16_224": (224, 1, 3072),
    "deit_base_patch16_384": (384, 1, 3072),
    "deit_base_distilled_patch16_384": (384, 2, 3072),
    "deit_tiny_distilled_patch16_224": (224, 2, 768),
    "deit_small_distilled_patch16_224": (224, 2, 1536),
    "deit_base_distilled_patch16_224": (224, 2, 3072),
    "coat_lite_mini": (224, 1, 2048),
    "coat_lite_small": (224, 1, 2048),
    "coat_lite_tiny": (224, 1, 1280),
    "coat_mini": (224, 1, 864),
    "coat_tiny": (224, 1, 608),
    "convit_base": (224, 1, 3072),
    "convit_small": (224, 1, 1728),
    "convit_tiny": (224, 1, 768),
    "pit_b_224": (224, 1, 4096),
    "pit_b_distilled_224": (224, 2, 4096),
    "pit_s_224": (224, 1, 2304),
    "pit_s_distilled_224": (224, 2, 2304),
    "pit_ti_224": (224, 1, 1024),
    "pit_ti_distilled_224": (224, 2, 1024),
    "pit_xs_224": (224, 1, 1536),
    "pit_xs_distilled_224": (224, 2, 1536),
    "swin_base_patch4_window7_224.ms_in1k": (224, 0, 4096),
    "swin_base_patch4_window7_224.ms_in22k": (224, 0, 4096),
    "swin_base_patch4_window12_384.ms_in1k": (384, 0, 4096),
    "swin_base_patch4_window12_384.ms_in22k": (384, 0, 4096),
    "swin_large_patch4_window7_224.ms_in22k_ft_in1k": (224, 0, 6144),
    "swin_large_patch4_window7_224.ms_in22k": (224, 0, 6144),
    "swin_large_patch4_window12_384.ms_in22k_ft_in1k": (384, 0, 6144),
    "swin_large_patch4_window12_384.ms_in22k": (384, 0, 6144),
    "swin_small_patch4_window7_224": (224, 0, 3072),
    "swin_tiny_patch4_window7_224": (224, 0, 3072),
    "twins_pcpvt_base": (224, 0, 2048),
    "twins_pcpvt_large": (224, 0, 2048),
    "twins_pcpvt_small": (224, 0, 2048),
    "twins_svt_base": (224, 0, 3072),
    "twins_svt_large": (224, 0, 4096),
    "twins_svt_small": (224, 0, 2048),
}


def test_the_paper_names_38():
    assert len(VARIANTS) == 38


@pytest.mark.parametrize("name", VARIANTS)
def test_the_hidden_features_of_the_last_block_can_be_visualised(name):
    side, prefix, units = VARIANTS[name]
    options = dict(FEWER[name.partition("_")[0]])
    if name in ("coat_mini", "coat_tiny"):
        options["parallel_depth"] = 1
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = timm.create_model(name, num_classes=10, **options)
    model = wrapped(name, module, (side, side))
    site = [site for site in model.sites.values() if site.role == "mlp.hidden"][-1]
    assert (site.units, site.grid.prefix) == (units, prefix)
    recipe = PAPER.model_copy(update={"steps": 3, "copies": 1, "noise": "none", "colour_shift": "none", "jitter": 0})
    pictures = maximize(model, site.name, [Unit(1)], recipe, seed=0)
    assert pictures.images.shape == (1, 3, side, side)
    assert pictures.curves[0, -1] > pictures.curves[0, 0]
