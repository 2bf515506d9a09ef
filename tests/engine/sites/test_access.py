"""Sites: the same names for every architecture, and every position at its own place on the image."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from engine.core.errors import BadRequest
from engine.sites.access import discover, families, read, read_unit
from engine.sites.grid import Grid, spatial, to_maps

SIZE = (64, 96)  # height and width differ, so that a transposed map cannot pass


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def make(name: str, **options) -> nn.Module:
    """A small, randomly initialised model of a family."""
    torch.manual_seed(0)
    vit = {"depth": 2, "embed_dim": 32, "num_heads": 2, "img_size": SIZE, **options}
    model = {
        "vit": lambda: timm.create_model("vit_tiny_patch16_224", patch_size=8, **{"num_classes": 7, **vit}),
        "registers": lambda: timm.create_model("vit_small_patch14_reg4_dinov2", patch_size=16, **vit),
        "swiglu": lambda: timm.create_model("vit_giant_patch14_dinov2", patch_size=16, init_values=0.5, **vit),
        "no class token": lambda: timm.create_model(
            "vit_tiny_patch16_224", patch_size=8, class_token=False, global_pool="avg", dynamic_img_size=True, **vit
        ),
        "separate projections": lambda: timm.create_model(
            "vit_small_patch16_dinov3", depth=1, embed_dim=32, num_heads=2, img_size=SIZE
        ),
        "resnet": lambda: timm.create_model("resnet10t", layers=(2, 1, 3, 1), channels=(8, 16, 24, 32), num_classes=5),
        "efficientnet": lambda: timm.create_model("tf_efficientnet_lite0", num_classes=5),
        "convnext": lambda: timm.create_model(
            "convnext_tiny", depths=(1, 1, 2, 1), dims=(8, 12, 16, 24), num_classes=5
        ),
        "convnext with convolutions": lambda: timm.create_model(
            "convnext_atto", depths=(1, 1, 2, 1), dims=(8, 12, 16, 24), num_classes=5
        ),
        "convnext v2": lambda: timm.create_model("convnextv2_atto", depths=(1, 1, 1, 1), dims=(8, 12, 16, 24)),
    }[name]()
    for layer in model.modules():  # layer scales start near zero, which would hide what a block does
        for parameter in (getattr(layer, "gamma", None), getattr(layer, "gamma_1", None)):
            if isinstance(parameter, nn.Parameter):
                nn.init.constant_(parameter, 0.7)
    return model.eval().requires_grad_(False)


VITS = ["vit", "registers", "swiglu", "no class token", "separate projections"]
CNNS = ["resnet", "efficientnet", "convnext", "convnext with convolutions", "convnext v2"]


def pictures(count: int = 3) -> torch.Tensor:
    return torch.randn(count, 3, *SIZE, generator=torch.Generator().manual_seed(1))


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


def test_cnn_sites_speak_the_same_words_whatever_the_modules_are_called():
    resnet = discover(make("resnet"), SIZE)
    blocks = [f"stages.{stage}.blocks.{block}" for stage, count in enumerate((2, 1, 3, 1)) for block in range(count)]
    assert list(resnet) == ["stem", *blocks, "head.logits"]
    assert resnet["stages.2.blocks.2"].grid == Grid(4, 6)
    assert resnet["stages.2.blocks.2"].units == 24
    convnext = discover(make("convnext"), SIZE)
    assert list(convnext)[1:3] == ["stages.0.blocks.0.mlp.hidden", "stages.0.blocks.0"]
    assert convnext["stages.0.blocks.0.mlp.hidden"].units == 32
    assert convnext["stages.0.blocks.0.mlp.hidden"].grid == Grid(16, 24)
    efficientnet = discover(make("efficientnet"), SIZE)
    assert "stages.1.blocks.0.mlp.hidden" in efficientnet
    assert "stages.0.blocks.0.mlp.hidden" not in efficientnet, "the first block has no expansion"


def test_a_stage_that_adds_something_after_its_blocks_is_a_site_of_its_own():
    cross_stage = timm.create_model("cspresnet50").eval()
    sites = discover(cross_stage, (32, 32))
    assert sites["stages.0"].role == "stage"
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    both = read(cross_stage, ["stages.0", "stages.0.blocks.2"], images)
    assert not torch.equal(both["stages.0"], both["stages.0.blocks.2"])


@pytest.mark.parametrize(("family", "prefix"), [("vit", 1), ("registers", 5), ("swiglu", 1), ("no class token", 0)])
def test_prefix_tokens_are_counted_as_the_model_has_them(family, prefix):
    assert {site.grid.prefix for site in discover(make(family), SIZE).values() if site.role != "head.logits"} == {
        prefix
    }


@pytest.mark.parametrize("family", VITS + CNNS)
def test_every_site_gives_what_its_description_says(family):
    model = make(family)
    sites = discover(model, SIZE)
    values = read(model, list(sites), pictures(2))
    assert list(values) == list(sites)
    for name, site in sites.items():
        assert values[name].shape == (2, site.grid.positions, site.units), name


def test_a_backbone_without_a_classifier_has_no_logits():
    assert "head.logits" not in discover(make("registers"), SIZE)
    headless = make("vit", num_classes=0)
    assert "head.logits" not in discover(headless, SIZE)


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


@pytest.mark.parametrize("family", ["vit", "registers", "no class token"])
def test_a_marked_patch_shows_up_at_its_own_token_and_nowhere_else(family):
    model, images = make(family), pictures(1)
    grid = discover(model, SIZE)["tokens.embed"].grid
    patch = SIZE[0] // grid.height
    for row, column in ((0, 0), (1, grid.width - 1), (grid.height - 1, 2)):
        marked = images.clone()
        marked[:, :, row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] += 3
        change = (
            read(model, ["tokens.embed"], marked)["tokens.embed"]
            - read(model, ["tokens.embed"], images)["tokens.embed"]
        )
        moved = change[0].abs().amax(dim=1) > 1e-6
        assert moved.nonzero().flatten().tolist() == [grid.prefix + row * grid.width + column]
        assert to_maps(change, grid)[0, :, row, column].abs().max() > 1e-3


@pytest.mark.parametrize("family", CNNS)
def test_a_marked_square_changes_a_cnn_most_at_its_own_place(family):
    model, images = make(family), pictures(1)
    fine = {name: site for name, site in discover(model, SIZE).items() if site.grid.height >= 8}
    assert any(site.role == "stage.block" for site in fine.values())
    before = read(model, list(fine), images)
    for top, left in ((0, 64), (32, 0)):
        marked = images.clone()
        marked[:, :, top : top + 32, left : left + 32] += 3
        after = read(model, list(fine), marked)
        for name, site in fine.items():
            change = to_maps(after[name] - before[name], site.grid)[0].square().sum(dim=0)
            row, column = divmod(int(change.argmax()), site.grid.width)
            cell = SIZE[0] / site.grid.height
            assert top <= (row + 0.5) * cell <= top + 32, name
            assert left <= (column + 0.5) * cell <= left + 32, name


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


@pytest.mark.parametrize("model", [nn.Sequential(nn.Linear(3, 3)), nn.Module()], ids=["sequential", "empty"])
def test_a_structure_that_is_not_known_is_refused_with_the_families_that_are(model):
    with pytest.raises(BadRequest, match=r"vision transformers, MLP mixers and convolutional networks"):
        discover(model.eval(), SIZE)


def test_a_transformer_whose_positions_stand_in_another_order_is_refused_rather_than_misread():
    with pytest.raises(BadRequest, match=r"positions of this Hiera do not stand row by row"):
        discover(timm.create_model("hiera_tiny_224").eval(), (224, 224))


def test_an_image_size_that_the_model_cannot_take_is_refused():
    with pytest.raises(BadRequest, match="cannot take images of 60 x 96 pixels"):
        discover(make("vit"), (60, 96))


def test_discovery_wants_eval_mode_because_a_probe_would_change_running_statistics():
    with pytest.raises(ValueError, match="eval mode"):
        discover(make("resnet").train(), SIZE)


class Plain(nn.Module):
    """A person's own network: two convolutions in a row, and a classifier that is called anything."""

    def __init__(self, shared: nn.Module | None = None) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        self.shared = shared
        self.verdict = nn.Linear(6, 2)

    def forward(self, images):
        act = self.shared or torch.relu
        return self.verdict(act(self.second(act(self.first(images)))).mean((2, 3)))


@pytest.mark.parametrize("shared", [None, nn.ReLU()], ids=["a function", "one module for both"])
def test_a_plain_networks_convolutions_are_sites_where_none_has_an_activation_of_its_own(shared):
    model = Plain(shared).eval()
    assert {name: site.units for name, site in discover(model, SIZE).items()} == {
        "stages.0.blocks.0": 4,
        "stages.0.blocks.1": 6,
        "head.logits": 2,
    }
    images = torch.rand(2, 3, *SIZE)
    seen = read(model, ["stages.0.blocks.0"], images)["stages.0.blocks.0"]
    torch.testing.assert_close(to_maps(seen, Grid(*SIZE)), model.first(images))
