"""Models in a notebook: by name, or a person's own module, which nothing happens to."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from torch import nn

import vitrine
from engine.core.errors import VitrineError
from tests.test_contributing import examples
from tests.vitrine.own import HALF, Colours


def test_a_persons_own_module_tells_its_sites(desk, colours):
    model = vitrine.load(colours, HALF, class_names=["red", "green"])
    assert [(name, site.units) for name, site in model.sites.items()] == [("stages.0.blocks.0", 3), ("head.logits", 2)]
    assert model.class_names == ("red", "green") and model.input_size == (32, 32)
    assert model.name.startswith("mine/Colours-") and model.name in set(vitrine.models()["name"])


def test_what_is_read_of_a_site_is_what_the_module_makes_of_normalised_images(desk, colours):
    model = vitrine.load(colours, HALF)
    images = torch.rand(5, 3, 32, 32)
    with torch.no_grad():
        expected = colours.mix(2 * images - 1).flatten(2).transpose(1, 2).numpy()
    seen = model.read(images, "stages.0.blocks.0")
    assert seen.shape == (5, 32 * 32, 3) and seen.dtype == np.float32
    np.testing.assert_allclose(seen, expected, atol=1e-6)


def test_the_persons_module_stays_as_it_was_and_results_do_not_follow_later_changes(desk, colours):
    colours.train()
    model = vitrine.load(colours, HALF)
    red = torch.zeros(3, 32, 32)
    red[0] = 1
    before = model.read(red, "head.logits")
    assert colours.training and all(part.requires_grad for part in colours.parameters())
    with torch.no_grad():
        colours.mix.weight.mul_(7)
    np.testing.assert_array_equal(model.read(red, "head.logits"), before)
    assert vitrine.load(colours, HALF).name != model.name


def test_the_starters_models_are_read_as_the_engine_reads_them(desk):
    model = vitrine.load("starter-vit")
    prefix = model.sites["blocks.0.residual"].grid.prefix
    seen = model.read(np.zeros((96, 96, 3), np.uint8), "blocks.0.residual")
    assert seen.shape == (1, 144 + prefix, 192) and prefix == 1
    assert vitrine.load(model) is model and repr(model) == "vitrine.load('starter-vit')"
    assert "blocks.0.residual" in model._repr_html_()


def test_timms_own_preprocessing_is_understood(desk, colours):
    config = {
        "input_size": (3, 48, 64),
        "interpolation": "bicubic",
        "mean": (0.1, 0.2, 0.3),
        "std": (1, 1, 1),
        "crop_pct": 0.9,
    }
    loaded = vitrine.load(colours, config).loaded
    assert (loaded.input_size, loaded.mean, loaded.std) == ((48, 64), (0.1, 0.2, 0.3), (1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sise": 32}, "sise is not part of"),
        ({"size": 3}, "from 8 to 4096"),
        ({"size": (32, 32.5)}, "from 8 to 4096"),
        ({"mean": (0.5, 0.5)}, "one number or three"),
        ({"std": 0}, "one number or three"),
        ({"std": float("nan")}, "one number or three"),
    ],
)
def test_preprocessing_that_does_not_fit_is_refused_in_a_sentence(desk, colours, given, said):
    with pytest.raises(vitrine.VitrineError, match=said):
        vitrine.load(colours, given)


def test_what_is_no_model_is_refused_in_a_sentence(desk):
    with pytest.raises(vitrine.VitrineError, match=r"int is not a torch\.nn\.Module"):
        vitrine.load(7)  # type: ignore[arg-type]
    with pytest.raises(vitrine.VitrineError, match="only with your own modules"):
        vitrine.load("starter-vit", size=64)
    with pytest.raises(vitrine.VitrineError, match="Hand the same module over again"):
        vitrine.load("mine/Colours-0123456789ab")
    with pytest.raises(vitrine.VitrineError, match="is not supported: its layers cannot be located"):
        _ = vitrine.load(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4)), HALF).sites


def test_what_wraps_a_module_is_looked_through(desk, colours):
    assert vitrine.load(nn.DataParallel(colours), HALF).name == vitrine.load(Colours(), HALF).name


@pytest.mark.parametrize(
    "ask", [lambda: vitrine.models()["name"].to_list(), lambda: [vitrine.load("untrained/resnet10t").name]]
)
def test_the_models_of_a_plugin_are_known_in_a_notebook(tmp_path, plugins, ask):
    (tmp_path / "toy_for_notebooks.py").write_text(examples()["my_vitrine/untrained.py"])
    plugins("toy_for_notebooks")
    assert "untrained/resnet10t" in ask()


class LeNet(nn.Module):
    """Flattens its maps by `view`, as the older tutorials do: that reads tensors with the channels first only."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 8, 5)
        self.head = nn.Linear(8 * 5 * 5, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = nn.functional.max_pool2d(self.one(images).relu(), 2)
        maps = nn.functional.max_pool2d(self.two(maps).relu(), 2)
        return self.head(maps.view(-1, 8 * 5 * 5))


def test_a_network_that_flattens_by_view_is_indexed_and_gets_its_pictures(desk):
    torch.manual_seed(0)
    model = vitrine.load(LeNet().eval(), HALF)
    pictures = vitrine.visualize(f"{model.name}@head.logits:0-1", data=desk / "squares")
    assert len(pictures.images) == 2


def test_what_is_not_given_is_what_a_timm_module_says_and_is_told(desk) -> None:
    module = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=1)
    loaded = vitrine.load(module)
    assert loaded.input_size == (64, 64) and loaded.loaded.mean == (0.5, 0.5, 0.5)
    assert "as its pretrained_cfg says" in loaded.reading[0]
    given = vitrine.load(module, size=64, mean=0.5, std=0.5)
    assert given.name == loaded.name, "the same preprocessing, however it came about"
    assert vitrine.load(module, size=64, mean=0.25, std=0.5).reading == ()


def test_a_module_that_says_nothing_takes_imagenets_and_that_is_told(desk, colours) -> None:
    assert vitrine.load(colours, size=32).reading[0].startswith("Not given, so ImageNet's: mean (0.485")


def test_a_mean_of_pixels_up_to_255_is_refused(desk, colours) -> None:
    with pytest.raises(VitrineError, match="pixels from 0 to 1"):
        vitrine.load(colours, size=32, mean=(123.7, 116.3, 103.5))
