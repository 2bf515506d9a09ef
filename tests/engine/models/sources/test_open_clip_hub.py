"""open_clip's models: the same door, the same sites, the same words; the image tower alone is looked into."""

from __future__ import annotations

import json
from typing import Any

import open_clip
import pytest
import torch
from open_clip.transformer import LayerScale
from safetensors.torch import save_file
from timm.models.vision_transformer import Block

from engine.core.errors import BadRequest, Unavailable
from engine.models import catalog
from engine.models.sources import cards, open_clip_hub
from engine.sites.access import discover, read, read_unit
from engine.sites.grid import Grid
from engine.visualization.goals import Unit
from engine.visualization.optimization.optimize import maximize
from engine.visualization.recipes import PAPER

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
TINY = {
    "tiny-vit": {"image_size": 64, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "tiny-custom": {
        "image_size": 64,
        "layers": 2,
        "width": 32,
        "head_width": 16,
        "patch_size": 16,
        "block_type": "custom",
    },
    "tiny-resnet": {"image_size": 64, "layers": [1, 1, 2, 1], "width": 8, "head_width": 16},
    "tiny-timm": {"image_size": 64, "timm_model_name": "test_vit", "timm_pool": "avg", "timm_proj": "linear"},
}


@pytest.fixture(scope="module")
def architectures(tmp_path_factory):
    """Small architectures under names of their own, as open_clip lets anybody add them."""
    folder = tmp_path_factory.mktemp("configs")
    for name, vision in TINY.items():
        (folder / f"{name}.json").write_text(json.dumps({"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT}))
    open_clip.add_model_config(folder)


@pytest.fixture(params=TINY)
def loaded(request, architectures, tmp_path, configured) -> catalog.LoadedModel:
    """A person's own weights of a small architecture, loaded through the catalog."""
    configured(models_toml="models.toml")
    torch.manual_seed(0)
    save_file(open_clip.create_model(request.param).state_dict(), tmp_path / "weights.safetensors")
    (tmp_path / "models.toml").write_text(
        f'[[model]]\nname = "mine"\narchitecture = "open_clip/{request.param}"\nweights = "weights.safetensors"\n'
        "input_size = 64\n"
    )
    return catalog.load("local/mine")


def test_the_image_tower_embeds_images_as_open_clip_does(loaded, request):
    """open_clip's own model of the same weights, which Vitrine has not touched."""
    torch.manual_seed(0)
    untouched = open_clip.create_model(request.node.callspec.params["loaded"]).eval().requires_grad_(False)
    images = torch.rand(2, 3, 64, 64)
    embedding = read(loaded.module, ["head.embedding"], images)["head.embedding"]
    assert loaded.sites["head.embedding"].grid == Grid(1, 1)
    torch.testing.assert_close(embedding[:, 0], untouched.encode_image(images))
    torch.testing.assert_close(loaded.clip.encode_image(images), untouched.encode_image(images))


def test_a_tower_that_answers_with_its_patches_too_is_read_at_its_embedding(architectures):
    torch.manual_seed(0)
    clip = open_clip.create_model("tiny-vit").eval().requires_grad_(False)
    clip.visual.output_tokens = True
    images = torch.rand(2, 3, 64, 64)
    pooled, _ = clip.visual(images)
    found = read(open_clip_hub.ImageTower(clip).eval(), ["head.embedding"], images)["head.embedding"]
    torch.testing.assert_close(found[:, 0], pooled)


def test_every_layer_of_a_rebuilt_tower_gives_what_open_clips_own_gives(architectures):
    """Also where a block scales what it adds, and nothing is left out where the last block is asked for itself."""
    torch.manual_seed(0)
    clip = open_clip.create_model("tiny-vit", force_quick_gelu=True).eval().requires_grad_(False)
    blocks: Any = clip.visual.transformer.resblocks
    blocks[1].ls_1 = LayerScale(32, 0.5)
    seen: list[torch.Tensor] = []
    for block in blocks:
        block.register_forward_hook(lambda _, __, output: seen.append(output))
        block.mlp.gelu.register_forward_hook(lambda _, __, output: seen.append(output))
    images = torch.rand(2, 3, 64, 64)
    embedding, untouched = clip.encode_image(images), [*seen]
    names = ["blocks.0.mlp.hidden", "blocks.0.residual", "blocks.1.mlp.hidden", "blocks.1.residual"]
    found = read(open_clip_hub.ImageTower(clip).eval(), [*names, "head.embedding"], images)
    assert type(blocks[0]) is Block
    for name, expected in zip(names, untouched, strict=True):
        torch.testing.assert_close(found[name], expected)
    torch.testing.assert_close(found["head.embedding"][:, 0], embedding)


def test_the_sites_are_the_same_words_as_everywhere(loaded):
    sites = discover(loaded.module, (64, 64))
    assert "head.logits" not in sites
    if "stem" in sites:
        assert sites["stages.2.blocks.1"].grid == Grid(4, 4) and sites["stages.2.blocks.1"].units == 128
        return
    block = {name for name, site in sites.items() if site.block == "blocks.1"}
    parts = ("attn.query", "attn.key", "attn.value", "attn.out", "mlp.hidden", "mlp.out", "residual")
    assert block == {f"blocks.1.{part}" for part in parts}
    assert sites["blocks.1.mlp.hidden"].grid == Grid(4, 4, 1)


@pytest.mark.parametrize("name", ["tiny-vit", "tiny-custom"])
def test_query_key_and_value_of_one_shared_projection_make_the_attention_that_is_computed(architectures, name):
    """The second route: attention written out from the three sites must give what its module gives, in a rebuilt block
    and in one that stays open_clip's own."""
    torch.manual_seed(0)
    tower = open_clip_hub.ImageTower(open_clip.create_model(name)).eval().requires_grad_(False)
    attention = tower.visual.transformer.resblocks[1].attn
    rebuilt = name == "tiny-vit"
    torch.nn.init.normal_(attention.qkv.bias if rebuilt else attention.in_proj_bias, std=0.5)
    images = torch.rand(2, 3, 64, 64)
    names = [f"blocks.1.attn.{part}" for part in ("query", "key", "value", "out")]
    found = read(tower, names, images)
    query, key, value = (found[name].unflatten(2, (2, 16)).transpose(1, 2) for name in names[:3])
    weights = (query @ key.transpose(2, 3) / 4).softmax(3)
    last = attention.proj if rebuilt else attention.out_proj
    expected = last((weights @ value).transpose(1, 2).flatten(2))
    torch.testing.assert_close(found[names[3]], expected, rtol=1e-4, atol=1e-5)


def test_one_unit_of_a_shared_projection_and_of_a_quick_gelu_is_read_the_short_way(architectures):
    torch.manual_seed(0)
    clip = open_clip.create_model("tiny-vit", force_quick_gelu=True)
    tower = open_clip_hub.ImageTower(clip).eval().requires_grad_(False)
    images, units = torch.rand(2, 3, 64, 64), torch.tensor([1, 30])
    for site in ("blocks.1.attn.key", "blocks.0.mlp.hidden"):
        everything = read(tower, [site], images)[site]
        picked = torch.stack([everything[0, :, 1], everything[1, :, 30]])
        torch.testing.assert_close(read_unit(tower, site, images, units), picked)
    inner = tower.visual.transformer.resblocks[0]
    hidden = inner.mlp.c_fc(inner.norm2(read(tower, ["blocks.0.residual"], images)["blocks.0.residual"]))
    assert hidden.shape[2] == 128
    plain = read(tower, ["blocks.0.mlp.hidden"], images)["blocks.0.mlp.hidden"]
    assert plain.min() > -0.18, "x * sigmoid(1.702 x) never goes below -0.164"


def test_a_unit_of_the_image_tower_can_be_visualised(loaded):
    site = "head.embedding"
    still = {"steps": 4, "copies": 1, "noise": "none", "colour_shift": "none", "jitter": 0}
    pictures = maximize(loaded, site, [Unit(2)], PAPER.model_copy(update=still), seed=0)
    assert pictures.images.shape == (1, 3, 64, 64) and pictures.curves[0, -1] > pictures.curves[0, 0]


def test_hub_models_are_known_by_architecture_and_tag_with_their_own_preprocessing():
    entry = catalog.find("open_clip/ViT-B-16/openai")
    assert (entry.kind, entry.input_size, entry.mean[0]) == ("open_clip", (3, 224, 224), 0.48145466)
    assert entry.kwargs == {"force_quick_gelu": True}, "OpenAI's models were trained with the quick GELU"
    assert catalog.find("open_clip/ViT-B-16-SigLIP/webli").mean == (0.5, 0.5, 0.5)
    assert catalog.find("open_clip/ViT-B-16/laion2b_s34b_b88k").kwargs == {}


@pytest.mark.parametrize("name", ["open_clip/ViT-B-16", "open_clip/ViT-B-16/nobody", "open_clip/", "open_clip/../x/y"])
def test_an_unknown_open_clip_name_is_refused_in_one_sentence(name):
    with pytest.raises(BadRequest, match="There is no model"):
        catalog.find(name)


def test_an_unknown_architecture_and_weights_that_do_not_fit_are_said(architectures, loaded):
    entry = catalog.find("local/mine")
    with pytest.raises(BadRequest, match="open_clip has no architecture “none”"):
        open_clip_hub.build(cards.replace(entry, architecture="open_clip/none"), {})
    with pytest.raises(BadRequest, match="do not fit"):
        open_clip_hub.build(entry, {"visual.proj": torch.zeros(2, 2)})


def test_without_network_the_missing_weights_are_said_with_what_to_do(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match=r"hf download timm/vit_base_patch16_clip_224.openai"):
        catalog.load("open_clip/ViT-B-16/openai")
