"""A person's own models and the starter's, by their cards: what is wrong with one is said and hides no other."""

from __future__ import annotations

import json
import math

import pytest
import timm
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


def test_a_starter_card_is_read_once_and_again_when_it_has_changed(monkeypatch, tmp_path):
    monkeypatch.setattr(cards, "STARTER", tmp_path)
    reads, read = [], cards.read_card
    monkeypatch.setattr(cards, "read_card", lambda *given: reads.append(given) or read(*given))
    (tmp_path / "starter-vit.safetensors").touch()
    for note in ("before", "afterwards"):
        (tmp_path / "starter-vit.json").write_text(json.dumps({"architecture": "test_vit", "note": note}))
        assert [catalog.find("starter-vit").note for _ in range(3)] == [note] * 3
    assert len(reads) == 2
    (tmp_path / "starter-vit.safetensors").unlink()
    assert not catalog.find("starter-vit").available


def test_names_of_classes_are_parsed_once_and_again_when_the_file_changes(folder, monkeypatch):
    parsed = []
    loads = json.loads
    monkeypatch.setattr(cards.json, "loads", lambda text: parsed.append(text) or loads(text))
    (folder / "names.json").write_text(json.dumps(["ant", "bee", "cow"]))
    card = {"architecture": "test_vit", "input_size": 160, "classes": "names.json"}
    assert [entry_of(folder, **card).class_names for _ in range(3)] == [("ant", "bee", "cow")] * 3
    assert len(parsed) == 1
    (folder / "names.json").write_text(json.dumps(["ant", "bee", "horse"]))
    assert entry_of(folder, **card).class_names == ("ant", "bee", "horse")


def entry_of(folder, **card):
    save_file(tiny(num_classes=3), folder / "mine.safetensors")
    write_toml(folder, name="mine", weights="mine.safetensors", **card)
    return catalog.find("local/mine")


def test_what_a_card_does_not_say_is_the_architectures_own_and_is_said(folder):
    entry = entry_of(folder, architecture="vit_small_patch16_224")
    assert (entry.mean, entry.std, entry.input_size) == ((0.5,) * 3, (0.5,) * 3, (3, 224, 224))
    assert entry.reading == (
        "Not in its card, so as usual for vit_small_patch16_224: input_size 3 224 224, mean 0.5 0.5 0.5, std 0.5 0.5 0.5.",
    )


@pytest.mark.parametrize(
    "name", ["resnet50", "swin_base_patch4_window12_384", "vit_base_patch14_dinov2.lvd142m", "beit_base_patch16_224"]
)
def test_the_data_configuration_is_the_one_that_timm_resolves(folder, name):
    entry, expected = (
        entry_of(folder, architecture=name),
        timm.data.resolve_data_config({}, pretrained_cfg=timm.get_pretrained_cfg(name).to_dict()),
    )
    assert (entry.mean, entry.std, entry.input_size) == tuple(expected[each] for each in ("mean", "std", "input_size"))


def test_what_a_card_says_stands_and_the_size_that_the_network_is_made_for(folder):
    save_file(tiny(img_size=96), folder / "w.safetensors")
    says = 'name = "small"\narchitecture = "test_vit"\nweights = "w.safetensors"\nmean = [0.1, 0.2, 0.3]\nstd = 0.25\n'
    (folder / "models.toml").write_text(f"[[model]]\n{says}kwargs = {{ img_size = 96 }}\n")
    entry = catalog.find("local/small")
    assert (entry.mean, entry.std, entry.input_size, entry.reading) == ((0.1, 0.2, 0.3), (0.25,) * 3, (3, 96, 96), ())


@pytest.mark.parametrize(("name", "mean"), [("ViT-B-32", 0.48145466), ("ViT-B-16-SigLIP", 0.5)])
def test_an_architecture_of_open_clip_has_open_clips_own(folder, name, mean):
    entry = entry_of(folder, architecture=f"open_clip/{name}")
    assert entry.mean[0] == mean and "mean" in entry.reading[0]


@pytest.mark.parametrize(
    ("key", "value"), [("mean", [123.675, 116.28, 103.53]), ("std", 58.395), ("mean", [-0.1, 0, 0])]
)
def test_a_mean_or_spread_of_pixels_up_to_255_is_refused(folder, key, value):
    entry = entry_of(folder, architecture="resnet50", **{key: value})
    assert not entry.available and f"{key} is" in entry.note and "255th part" in entry.note


def test_the_weights_that_a_card_names_are_read_and_have_their_own_fingerprint(folder):
    weights = tiny(num_classes=3)
    torch.save(
        {"model": {name: value + 1 for name, value in weights.items()}, "model_ema": weights}, folder / "run.pth"
    )
    marks = []
    for part in ("", "model", "model_ema"):
        (folder / "models.toml").unlink(missing_ok=True)
        write_toml(
            folder,
            name="run",
            architecture="test_vit",
            weights="run.pth",
            input_size=160,
            **({"part": part} if part else {}),
        )
        entry = catalog.find("local/run")
        assert f"{part or 'model_ema'} is read" in entry.reading[-1]
        same = torch.equal(head(catalog.load("local/run", "cpu")), weights["head.weight"])
        assert same == (part != "model")
        marks.append(catalog.fingerprint("local/run"))
    assert len(set(marks)) == 3
    (folder / "models.toml").unlink()
    write_toml(folder, name="run", architecture="test_vit", weights="run.pth", part="teacher")
    assert "called model_ema, model" in catalog.find("local/run").note


def test_a_byte_order_mark_is_no_letter_of_the_first_class(folder):
    (folder / "names.txt").write_text("ant\nbee\ncow\n", encoding="utf-8-sig")
    (folder / "names.json").write_text('["ant", "bee", "cow"]', encoding="utf-8-sig")
    for file in ("names.txt", "names.json"):
        (folder / "models.toml").unlink(missing_ok=True)
        assert entry_of(folder, architecture="test_vit", classes=file).class_names == ("ant", "bee", "cow")
    text = (folder / "models.toml").read_text()
    (folder / "models.toml").write_text(text, encoding="utf-8-sig")
    assert catalog.find("local/mine").available


def test_one_output_may_have_the_names_of_two_classes(folder):
    entry = entry_of(folder, architecture="test_vit", num_classes=1, classes=["no", "yes"])
    assert (entry.classes, entry.class_names) == (1, ("no", "yes"))
    (folder / "models.toml").unlink()
    assert "Make them agree" in entry_of(folder, architecture="test_vit", num_classes=2, classes=["a", "b", "c"]).note
