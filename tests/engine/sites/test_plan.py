"""The plan of a model: which sites there are, where their positions lie, and which structures are refused."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from engine.core import precision
from engine.core.errors import BadRequest
from engine.sites.access import discover, read
from engine.sites.grid import to_maps
from tests.engine.sites.families import CNNS, SIZE, make, pictures


@pytest.mark.parametrize(("family", "prefix"), [("vit", 1), ("registers", 5), ("swiglu", 1), ("no class token", 0)])
def test_prefix_tokens_are_counted_as_the_model_has_them(family, prefix):
    assert {site.grid.prefix for site in discover(make(family), SIZE).values() if site.role != "head.logits"} == {
        prefix
    }


def test_a_backbone_without_a_classifier_has_no_logits():
    assert "head.logits" not in discover(make("registers"), SIZE)
    headless = make("vit", num_classes=0)
    assert "head.logits" not in discover(headless, SIZE)


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


@pytest.mark.parametrize("model", [nn.Sequential(nn.Linear(3, 3)), nn.Module()], ids=["sequential", "empty"])
def test_a_structure_that_is_not_known_is_refused_with_the_families_that_are(model):
    with pytest.raises(BadRequest, match=r"vision transformers, MLP mixers and convolutional networks"):
        discover(model.eval(), SIZE)


def test_a_transformer_whose_positions_stand_in_another_order_is_refused_rather_than_misread():
    with pytest.raises(BadRequest, match=r"Hiera is not supported: its positions are not in row order"):
        discover(timm.create_model("hiera_tiny_224").eval(), (224, 224))


@pytest.mark.parametrize("axis", [1, 2], ids=["upside down", "mirrored"])
def test_positions_that_run_the_other_way_along_one_side_are_refused(axis):
    """From top to bottom they are right, or from left to right: one of two is not enough."""

    class Turned(timm.layers.patch_embed.PatchEmbed):
        def forward(self, images):
            return super().forward(images).unflatten(1, self.grid_size).flip(axis).flatten(1, 2)

    with pytest.raises(BadRequest, match="not in row order"):
        discover(timm.create_model("vit_tiny_patch16_224", depth=2, embed_layer=Turned).eval(), (224, 224))


def test_an_image_size_that_the_model_cannot_take_is_refused():
    with pytest.raises(BadRequest, match="cannot take images of 60 x 96 pixels"):
        discover(make("vit"), (60, 96))


def test_discovery_wants_eval_mode_because_a_probe_would_change_running_statistics():
    with pytest.raises(ValueError, match="eval mode"):
        discover(make("resnet").train(), SIZE)


class Fourier(nn.Module):
    """A mixer whose positions are mixed by a Fourier transform, which torch does not have in bfloat16 on a CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.act = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()
        self.more, self.last = nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        mixed = torch.fft.irfft2(torch.fft.rfft2(self.act(self.embed(images))))
        return self.last(self.more(mixed)).mean((2, 3))


def test_an_operation_that_bfloat16_lacks_is_called_that_and_no_fault_of_the_image() -> None:
    with pytest.raises(BadRequest, match=r"does not exist in bfloat16 .*precision = “float32”"):
        discover(Fourier().eval().bfloat16(), (32, 32))


def test_it_is_said_the_same_way_wherever_the_network_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "precision", lambda device: torch.bfloat16)
    cpu = torch.device("cpu")
    with pytest.raises(BadRequest, match="does not exist in bfloat16"), precision.autocast(cpu):
        raise RuntimeError("Unsupported dtype BFloat16")
    with pytest.raises(RuntimeError, match="another matter"), precision.autocast(cpu):
        raise RuntimeError("another matter")
