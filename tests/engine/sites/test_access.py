"""Sites: the same names for every architecture, and every position at its own place on the image."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.core.errors import BadRequest
from engine.sites.access import discover, families, read, read_unit
from engine.sites.grid import Grid, spatial, to_maps
from tests.engine.sites.families import CNNS, SIZE, VITS, make, pictures


def seen_by_hook(model: nn.Module, place: str, images: torch.Tensor, side: str = "output") -> torch.Tensor:
    """What a plain hook on the module of that name sees during the whole forward pass: the second route."""
    seen = []
    module = model.get_submodule(place)
    if side == "input":
        handle = module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    else:
        handle = module.register_forward_hook(lambda _, __, out: seen.append(out))
    model(images)
    handle.remove()
    return seen[0]


def test_a_vit_names_its_sites_in_order_of_depth():
    sites = discover(make("vit"), SIZE)
    parts = ("attn.query", "attn.key", "attn.value", "attn.out", "mlp.hidden", "mlp.out", "residual")
    blocks = [f"blocks.{block}.{part}" for block in range(2) for part in parts]
    assert list(sites) == ["tokens.embed", *blocks, "head.logits"]
    assert [site.depth for site in sites.values()] == list(range(len(sites)))
    hidden = sites["blocks.1.mlp.hidden"]
    assert (hidden.units, hidden.grid, hidden.role, hidden.block) == (128, Grid(8, 12, 1), "mlp.hidden", "blocks.1")
    assert (sites["head.logits"].units, sites["head.logits"].grid) == (7, Grid(1, 1))


@pytest.mark.parametrize("family", VITS + CNNS)
def test_every_site_gives_what_its_description_says(family):
    model = make(family)
    sites = discover(model, SIZE)
    values = read(model, list(sites), pictures(2))
    assert list(values) == list(sites)
    for name, site in sites.items():
        assert values[name].shape == (2, site.grid.positions, site.units), name


def test_logits_are_what_the_model_returns():
    model, images = make("resnet"), pictures()
    torch.testing.assert_close(read(model, ["head.logits"], images)["head.logits"], model(images)[:, None])


def test_hidden_features_are_what_enters_the_last_layer_of_the_mlp():
    images = pictures()
    for family in ("vit", "swiglu", "registers"):
        model = make(family)
        expected = seen_by_hook(model, "blocks.1.mlp.fc2", images, "input")
        torch.testing.assert_close(read(model, ["blocks.1.mlp.hidden"], images)["blocks.1.mlp.hidden"], expected)
    convnext = make("convnext")
    expected = seen_by_hook(convnext, "stages.2.blocks.1.mlp.fc2", images, "input")
    site = "stages.2.blocks.1.mlp.hidden"
    torch.testing.assert_close(read(convnext, [site], images)[site], expected.reshape(3, 4 * 6, 64))


def test_query_key_and_value_are_thirds_of_the_fused_projection_before_heads_are_split():
    model, images = make("vit"), pictures()
    fused = seen_by_hook(model, "blocks.1.attn.qkv", images)
    for part, name in enumerate(("query", "key", "value")):
        site = f"blocks.1.attn.{name}"
        torch.testing.assert_close(read(model, [site], images)[site], fused[:, :, 32 * part : 32 * (part + 1)])


def test_fused_and_written_out_attention_give_the_same_features():
    model, images = make("vit"), pictures()
    sites = ["blocks.0.attn.out", "blocks.1.attn.query", "blocks.1.residual"]
    fused = read(model, sites, images)
    for block in model.get_submodule("blocks").children():
        block.attn.fused_attn = False
    plain = read(model, sites, images)
    for site in sites:
        torch.testing.assert_close(plain[site], fused[site], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "site", "place"),
    [
        ("resnet", "stages.3.blocks.0", "layer4.0"),
        ("efficientnet", "stages.5.blocks.1", "blocks.5.1"),
        ("convnext", "stages.2.blocks.1", "stages.2.blocks.1"),
    ],
)
def test_the_maps_of_a_deep_site_are_the_maps_of_its_module(family, site, place):
    model, images = make(family), pictures(2)
    maps = to_maps(read(model, [site], images)[site], discover(model, SIZE)[site].grid)
    torch.testing.assert_close(maps, seen_by_hook(model, place, images))


def test_prefix_tokens_come_first_in_every_vit_site():
    model = make("registers")
    site = discover(model, SIZE)["tokens.embed"]
    one, other = read(model, ["tokens.embed"], pictures(2))["tokens.embed"]
    assert torch.equal(one[: site.grid.prefix], other[: site.grid.prefix]), "no image has reached them yet"
    assert not torch.isclose(spatial(one[None], site.grid), spatial(other[None], site.grid)).any(dim=2).all()


def test_an_unknown_site_is_refused_with_its_nearest_names_and_what_there_is():
    model = make("vit")
    with pytest.raises(BadRequest, match=r"no site “blocks.1.mlp.hiden”. Did you mean blocks.1.mlp.hidden") as refusal:
        read(model, ["blocks.1.mlp.hiden"], pictures())
    assert "blocks.0-1.attn.query" in str(refusal.value)
    with pytest.raises(BadRequest, match=r"no site “blocks.7.residual”"):
        read_unit(model, "blocks.7.residual", pictures(1), torch.tensor([0]))


def test_site_names_that_differ_in_one_number_are_listed_as_one_family():
    assert families(["stem", "blocks.0.residual", "blocks.1.residual", "head.logits"]) == (
        "stem, blocks.0-1.residual, head.logits"
    )
