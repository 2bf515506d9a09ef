"""A person's own models and the starter's, by their cards: what is wrong with one is said and hides no other."""

from __future__ import annotations

import json
import math

import pytest
import torch
from safetensors.torch import save_file

from engine.core.errors import BadRequest, Unavailable
from engine.models import catalog
from engine.models.sources import cards
from tests.engine.models.marked import head, tiny, write_toml


def test_a_model_in_models_toml_is_loaded_with_its_classes_and_preprocessing(folder):
    save_file(tiny(num_classes=3), folder / "mine.safetensors")
    (folder / "names.txt").write_text("ant\nbee\ncow\n")
    write_toml(
        folder,
        name="mine",
        architecture="test_vit",
        weights="mine.safetensors",
        classes="names.txt",
        input_size=160,
        mean=0.5,
        std=[0.1, 0.2, 0.4],
        licence="CC0",
        top1=0.75,
    )
    entry = catalog.find("local/mine")
    assert (entry.available, entry.licence, entry.top1, entry.classes) == (True, "CC0", 0.75, 3)
    model = catalog.load("local/mine", "cpu")
    assert model.class_names == ("ant", "bee", "cow")
    assert head(model).shape[0] == 3
    normal = model.normalize(torch.full((1, 3, 2, 2), 0.7))
    assert torch.allclose(normal[0, :, 0, 0], torch.tensor([2.0, 1.0, 0.5]))


def test_a_model_in_a_folder_of_its_own_is_found(folder):
    home = folder / "models" / "my-run"
    home.mkdir(parents=True)
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in tiny(num_classes=4).items()}}, home / "last.pth"
    )
    (home / "model.toml").write_text('architecture = "test_vit"\ninput_size = 160\n')
    model = catalog.load("local/my-run", "cpu")
    assert head(model).shape[0] == 4  # nobody said so: the weights did
    assert model.class_names is None


def test_another_input_size_makes_a_transformer_for_that_size(folder):
    save_file(tiny(img_size=96, num_classes=2), folder / "w.safetensors")
    write_toml(folder, name="small", architecture="test_vit", weights="w.safetensors", input_size=96)
    assert catalog.load("local/small", "cpu").sites["tokens.embed"].grid.height == 6


def test_half_precision_weights_are_computed_with_in_float32(folder):
    save_file({name: value.half() for name, value in tiny().items()}, folder / "w.safetensors")
    write_toml(folder, name="half", architecture="test_vit", weights="w.safetensors", input_size=160)
    model = catalog.load("local/half", "cpu")
    assert {tensor.dtype for tensor in model.module.parameters()} == {torch.float32}
    assert all((tensor == 0.125).all() for tensor in model.module.parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "test_vti"}, r"no architecture “test_vti”.*test_vit"),
        ({"architecture": "hf-hub:someone/something"}, "no architecture"),
        ({"num_classes": 5}, r"3 classes.*num_classes = 3"),
        ({"classes": ["a", "b"]}, r"3 classes.*for 2"),
        ({"classes": ["a", "b"], "num_classes": 3}, "3, but there are 2 class names"),
        ({"classes": "nowhere.txt"}, r"nowhere\.txt"),
        ({"weights": "nowhere.pth"}, r"no file .*nowhere\.pth"),
        ({"weights": 7}, "weights is missing"),
        ({"input_size": 96}, r"do not fit test_vit.*pos_embed"),
        ({"input_size": "large"}, "input_size"),
        ({"input_size": [1, 28, 28]}, "RGB"),
        ({"std": [1, 0, 1]}, "std"),
        ({"mean": "grey"}, "mean"),
        ({"mean": [math.nan, 0, 0]}, "mean"),
        ({"std": math.inf}, "std"),
        ({"architecture": "resnet18"}, r"do not fit resnet18.*conv1\.weight"),
        ({"colour": "blue"}, "colour is not a setting"),
    ],
)
def test_what_is_wrong_with_a_model_is_said_when_it_is_asked_for(folder, change, said):
    save_file(tiny(num_classes=3), folder / "w.safetensors")
    good = {"name": "mine", "architecture": "test_vit", "weights": "w.safetensors", "input_size": 160}
    write_toml(folder, **{**good, **change})
    write_toml(folder, **{**good, "name": "other"})
    with pytest.raises((BadRequest, Unavailable), match=said):
        catalog.load("local/mine", "cpu")
    assert catalog.find("local/other").available


def test_arguments_that_would_read_weights_another_way_are_refused(folder):
    save_file(tiny(num_classes=3), folder / "w.safetensors")
    (folder / "models.toml").write_text(
        '[[model]]\nname = "mine"\narchitecture = "test_vit"\nweights = "w.safetensors"\n'
        'kwargs = { checkpoint_path = "evil.pth" }\n'
    )
    with pytest.raises(Unavailable, match="checkpoint_path"):
        catalog.load("local/mine", "cpu")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"top1_interval": ["a", "b"]}, "top1_interval"),
        ({"top1_interval": [[], []]}, "top1_interval"),
        ({"top1": 10**400}, "too large"),
        ({"weights": "~nosuchuser/w.safetensors"}, "~nosuchuser"),
        ({"classes": "~nosuchuser/classes.txt"}, "~nosuchuser"),
        ({"weights": "a" * 300}, "too long for a path"),
    ],
)
def test_a_card_with_a_wrong_value_hides_no_other_model(folder, change, said):
    good = {"name": "mine", "architecture": "test_vit", "weights": "w.safetensors"}
    write_toml(folder, **{**good, **change})
    write_toml(folder, **{**good, "name": "other"})
    entries = {entry.name: entry for entry in catalog.entries()}
    assert not entries["local/mine"].available and said in entries["local/mine"].note
    assert {"starter-vit", "local/other"} <= set(entries)


@pytest.mark.parametrize("text", ["[[model", "model = 3", "\x00", 'model = ["a"]', "model = " + "[" * 100_000])
def test_a_broken_models_toml_hides_no_other_model(folder, text):
    (folder / "models.toml").write_text(text)
    names = {entry.name: entry for entry in catalog.entries()}
    assert "starter-vit" in names
    assert "models.toml" in names["local/models.toml"].note and not names["local/models.toml"].available


def test_starter_weights_that_are_missing_are_noted_and_said(monkeypatch, tmp_path):
    monkeypatch.setattr(cards, "STARTER", tmp_path)
    entry = catalog.find("starter-vit")
    assert not entry.available and "missing" in entry.note
    with pytest.raises(Unavailable, match="starter-vit"):
        catalog.load("starter-vit", "cpu")


def test_a_starter_card_that_names_a_home_folder_of_nobody_is_noted(monkeypatch, tmp_path):
    monkeypatch.setattr(cards, "STARTER", tmp_path)
    (tmp_path / "starter-vit.json").write_text(json.dumps({"architecture": "test_vit", "classes": "~nosuchuser/x"}))
    (tmp_path / "starter-vit.safetensors").touch()
    entry = catalog.find("starter-vit")
    assert not entry.available and "starter-vit.json cannot be used" in entry.note


def test_a_starter_model_is_loaded_by_its_card(monkeypatch, tmp_path):
    monkeypatch.setattr(cards, "STARTER", tmp_path)
    card = {"architecture": "test_vit", "kwargs": {"img_size": 96}, "input_size": [3, 96, 96], "top1": 0.83}
    card |= {"mean": [0.5] * 3, "std": [0.5] * 3, "classes_file": "kinds.json", "top1_interval": [0.81, 0.85]}
    (tmp_path / "kinds.json").write_text(json.dumps([{"name": "cat"}, {"name": "fire"}]))
    (tmp_path / "starter-vit.json").write_text(json.dumps(card | {"images_seen": 12}))
    save_file(
        {name: value.half() for name, value in tiny(img_size=96, num_classes=2).items()},
        tmp_path / "starter-vit.safetensors",
    )
    model = catalog.load("starter-vit", "cpu")
    assert model.class_names == ("cat", "fire") and model.input_size == (96, 96)
    assert catalog.find("starter-vit").top1_interval == (0.81, 0.85)
