"""The catalog: every model behind one door, and each thing that can be wrong said in a sentence."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from engine.core import devices
from engine.core.errors import BadRequest, Unavailable
from engine.models import catalog
from tests.engine.models.marked import head, tiny, write_toml

# --- names


def test_every_entry_is_found_under_its_own_name():
    for entry in catalog.entries():
        assert catalog.find(entry.name) == entry


def test_the_list_has_all_kinds_and_no_name_twice():
    names = [entry.name for entry in catalog.entries()]
    assert len(names) == len(set(names))
    assert {"starter-vit", "starter-cnn", "efficientnet-lite0", "dinov2-s14-saliency"} < set(names)
    assert any(name.startswith("timm/deit") for name in names)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("starter-vti", "starter-vit"),
        ("resnet50", "timm/resnet50."),
        ("timm/vit_bas_patch16_224", "timm/vit_base_patch16_224."),
    ],
)
def test_an_unknown_name_is_answered_with_near_names(wrong, near):
    with pytest.raises(BadRequest, match=wrong) as error:
        catalog.find(wrong)
    assert near in str(error.value)


@pytest.mark.parametrize(
    "wrong", ["", "timm/", "timm/resnet50.no_such_tag", "local/", "local/../../etc/passwd", "x" * 5000]
)
def test_nonsense_names_are_refused_in_one_short_line(wrong):
    with pytest.raises(BadRequest) as error:
        catalog.find(wrong)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


# --- timm's weights: cached, downloaded, not to be had


# --- a person's own models


# --- the starter's models


# --- fingerprints and the pool


def test_a_fingerprint_changes_with_the_weights_and_with_the_preprocessing_only(folder):
    save_file(tiny(0.5, num_classes=3), folder / "a.safetensors")
    save_file(tiny(0.25, num_classes=3), folder / "b.safetensors")
    common = {"architecture": "test_vit", "input_size": 160}
    write_toml(folder, name="one", weights="a.safetensors", **common)
    write_toml(folder, name="same", weights="a.safetensors", note="another note", **common)
    write_toml(folder, name="other-weights", weights="b.safetensors", **common)
    write_toml(folder, name="other-mean", weights="a.safetensors", mean=0.4, **common)
    marks = [catalog.fingerprint(f"local/{name}") for name in ("one", "same", "other-weights", "other-mean")]
    assert marks[0] == marks[1] and len(set(marks)) == 3


def test_a_corrected_order_of_the_classes_makes_another_fingerprint_and_is_loaded_anew(folder):
    save_file(tiny(0.5, num_classes=3), folder / "a.safetensors")
    common = {"architecture": "test_vit", "weights": "a.safetensors", "input_size": 160}
    marks = []
    for names in ("abc", "cba"):
        write_toml(folder, name="one", classes=list(names), **common)
        marks.append(catalog.fingerprint("local/one"))
        assert catalog.load("local/one", "cpu").class_names == tuple(names)
        (folder / "models.toml").unlink()
    assert marks[0] != marks[1]


def test_weights_that_were_replaced_are_loaded_anew(folder):
    save_file(tiny(0.5, num_classes=3), folder / "a.safetensors")
    write_toml(folder, name="one", architecture="test_vit", weights="a.safetensors", input_size=160)
    before = catalog.load("local/one", "cpu")
    assert catalog.load("local/one", "cpu") is before
    save_file(tiny(0.25, num_classes=3), folder / "a.safetensors")
    after = catalog.load("local/one", "cpu")
    assert after.fingerprint != before.fingerprint
    assert (head(after) == 0.25).all() and (head(before) == 0.5).all()


def test_images_are_resized_whole_to_the_models_input(folder):
    save_file(tiny(num_classes=3), folder / "a.safetensors")
    write_toml(folder, name="one", architecture="test_vit", weights="a.safetensors", input_size=160)
    model = catalog.load("local/one", "cpu")
    halves = torch.zeros(1, 3, 320, 640)
    halves[..., 320:] = 1
    resized = model.resize_to_input(halves)
    assert resized.shape == (1, 3, 160, 160)
    assert resized.min() >= 0 and resized.max() <= 1
    assert (resized[..., :70] == 0).all() and (resized[..., 90:] == 1).all()


@pytest.fixture
def empty(monkeypatch):
    """No model is in memory."""
    pool = catalog.ModelPool(10**9)
    monkeypatch.setattr(catalog, "pool", lambda: pool)
    return pool


def test_a_model_that_takes_more_memory_than_is_free_is_refused_before_it_is_read(empty, monkeypatch):
    monkeypatch.setattr(catalog, "read_weights", lambda *_: pytest.fail("was read"))
    monkeypatch.setattr(devices, "memory", lambda device: (8_000_000_000, 2_000_000))
    with pytest.raises(Unavailable, match=r"starter-vit takes 0\.0 GB of memory, and this machine has 0\.0 GB free"):
        catalog.load("starter-vit", "cpu")
    monkeypatch.undo()
    assert catalog.load("starter-vit", "cpu").name == "starter-vit"


def test_what_is_only_held_to_save_time_is_let_go_before_a_model_is_refused(empty, monkeypatch):
    free = [2_000_000]
    monkeypatch.setattr(devices, "memory", lambda device: (8_000_000_000, free[0]))
    monkeypatch.setattr(devices, "free_memory", lambda: free.__setitem__(0, 4_000_000_000))
    assert catalog.load("starter-vit", "cpu").name == "starter-vit"


def test_a_model_larger_than_the_machine_puts_no_other_out(empty, monkeypatch):
    catalog.load("starter-cnn", "cpu")
    monkeypatch.setattr(devices, "memory", lambda device: (8_000_000, 8_000_000))
    with pytest.raises(Unavailable, match=r"this machine has 0\.0 GB\. Choose a smaller model"):
        catalog.load("starter-vit", "cpu")
    held = empty.keys()
    assert [key[0] for key in held] == ["starter-cnn"]


def test_an_untrained_model_counts_as_large_as_its_weights_will_be(empty, monkeypatch):
    monkeypatch.setattr(devices, "memory", lambda device: (16_000_000_000, 16_000_000_000))
    monkeypatch.setattr(catalog, "_load", lambda *_: pytest.fail("was built"))
    with pytest.raises(Unavailable, match=r"takes 2[67]\.\d GB of memory"):
        catalog.load("twin/timm/vit_7b_patch16_dinov3.lvd1689m", "cpu")
    monkeypatch.undo()
    for name in ("twin/starter-vit", "twin/starter-clip"):
        entry = catalog.find(name)
        loaded = catalog.load(name, "cpu")
        counted = sum(4 * weights.numel() for weights in (loaded.clip or loaded.module).parameters())
        assert catalog._needs(entry) == counted > 10**6
