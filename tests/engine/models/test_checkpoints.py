"""Weights files: what can be read safely is read, code never runs, and a misfit is explained."""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import zipfile
from collections import OrderedDict

import pytest
import timm
import torch
from safetensors.torch import save_file

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.models.checkpoints import digest, fit_weights, read_weights, sets_of_weights
from tests.conftest import ROOT

WEIGHTS = OrderedDict({"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.tensor([1.0, -2.0])})


class Payload:
    """Unpickling this runs a command that leaves a file behind: the marked token of these tests."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def network():
    return timm.create_model("test_vit", num_classes=5).eval()


def same(state) -> bool:
    return list(state) == list(WEIGHTS) and all(torch.equal(state[name], WEIGHTS[name]) for name in WEIGHTS)


def test_safetensors_are_read(tmp_path):
    save_file(WEIGHTS, tmp_path / "w.safetensors")
    assert {name: value.tolist() for name, value in read_weights(tmp_path / "w.safetensors").items()} == {
        name: value.tolist() for name, value in WEIGHTS.items()
    }


@pytest.mark.parametrize("new_format", [True, False])
def test_torch_files_are_read_in_both_of_their_formats(tmp_path, new_format):
    torch.save(WEIGHTS, tmp_path / "w.pth", _use_new_zipfile_serialization=new_format)
    assert same(read_weights(tmp_path / "w.pth"))


@pytest.mark.parametrize("nest", ["state_dict", "model", "model_state_dict", "state_dict_ema"])
def test_weights_are_found_inside_a_training_checkpoint(tmp_path, nest):
    torch.save({"epoch": 3, "args": argparse.Namespace(lr=0.1), nest: WEIGHTS}, tmp_path / "w.pth")
    assert same(read_weights(tmp_path / "w.pth"))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod."])
def test_the_prefixes_of_wrappers_are_taken_off(tmp_path, prefix):
    torch.save({prefix + name: value for name, value in WEIGHTS.items()}, tmp_path / "w.pth")
    assert same(read_weights(tmp_path / "w.pth"))


def test_a_prefix_that_only_some_names_have_stays(tmp_path):
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "w.pth")
    assert set(read_weights(tmp_path / "w.pth")) == {"module.a", "b"}


def test_the_payload_of_these_tests_would_run_if_it_were_unpickled(tmp_path):
    pickle.loads(pickle.dumps(Payload(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("write", ["plain", "torch", "torch_old", "nested"])
def test_a_pickle_with_code_is_refused_with_the_reason_and_does_not_run(tmp_path, write):
    file, ran = tmp_path / "w.pth", tmp_path / "ran"
    if write == "plain":
        file.write_bytes(pickle.dumps(Payload(ran)))
    else:
        content = {"state_dict": {"a": torch.ones(1)}, "extra": Payload(ran)} if write == "nested" else Payload(ran)
        torch.save(content, file, _use_new_zipfile_serialization=write != "torch_old")
    with pytest.raises(RefusedFile, match=r"system.*not loaded") as refused:
        read_weights(file)
    assert str(file) in str(refused.value)
    assert not ran.exists()


def test_a_pickle_named_safetensors_is_refused_too(tmp_path):
    file, ran = tmp_path / "w.safetensors", tmp_path / "ran"
    torch.save(Payload(ran), file)
    with pytest.raises(RefusedFile):
        read_weights(file)
    assert not ran.exists()


def test_files_that_are_no_weights_are_refused(tmp_path):
    save_file(WEIGHTS, whole := tmp_path / "whole.safetensors")
    torch.save(WEIGHTS, tmp_path / "whole.pth")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("hello.txt", "hello")
    files = {
        "empty": b"",
        "text": b"these are no weights at all",
        "cut.safetensors": whole.read_bytes()[:-5],
        "cut.pth": (tmp_path / "whole.pth").read_bytes()[:-200],
        "zip": (tmp_path / "other.zip").read_bytes(),
        "number": pickle.dumps(7),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RefusedFile, match=name):
            read_weights(tmp_path / name)


def test_a_checkpoint_without_tensors_is_refused(tmp_path):
    torch.save({"state_dict": {"epoch": 3}}, tmp_path / "w.pth")
    with pytest.raises(RefusedFile, match="no named tensors"):
        read_weights(tmp_path / "w.pth")


def test_numbers_that_are_not_finite_are_refused_with_how_many_tensors_have_them(tmp_path):
    broken = {**WEIGHTS, "a": torch.tensor([1.0, float("nan")]), "b": torch.tensor([float("inf")], dtype=torch.half)}
    torch.save(broken, tmp_path / "w.pth")
    with pytest.raises(RefusedFile, match=r"non-finite numbers in 2 of its 4 tensors: a, b\. "):
        read_weights(tmp_path / "w.pth")
    state = {"attn_mask": torch.tensor([0.0, -float("inf")]), "small": torch.ones(2).to(torch.float8_e4m3fn)}
    torch.save({**state, "count": torch.tensor(3)}, tmp_path / "masked.pth")
    assert set(read_weights(tmp_path / "masked.pth")) == {"attn_mask", "small", "count"}


def test_complex_weights_are_refused(tmp_path):
    torch.save({**WEIGHTS, "turned": torch.ones(2, dtype=torch.complex64)}, tmp_path / "w.pth")
    with pytest.raises(RefusedFile, match=r"complex numbers in 1 of its 3 tensors: turned\. "):
        read_weights(tmp_path / "w.pth")


def test_a_refused_pickle_comes_without_torchs_warning(tmp_path, python):
    """In a process of its own: the test runner sets the filters of warnings anew."""
    (tmp_path / "w.pth").write_bytes(pickle.dumps({"a": 1}, protocol=4))
    asked = "import sys; from engine.models.checkpoints import read_weights"
    script = f"{asked}\ntry: read_weights(sys.argv[1])\nexcept Exception as e: print(e)"
    done = subprocess.run(
        [python, "-c", script, tmp_path / "w.pth"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "holds no named tensors" in done.stdout or "not a weights file" in done.stdout
    assert done.stderr == ""


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Unavailable, match=r"nowhere\.pth"):
        read_weights(tmp_path / "nowhere.pth")


def test_half_precision_weights_become_the_modules_float32(network):
    state = {name: torch.full_like(value, 0.25).half() for name, value in network.state_dict().items()}
    fit_weights(network, state, "w")
    assert network.head.weight.dtype == torch.float32
    assert all((value == 0.25).all() for value in network.state_dict().values())


def test_a_class_count_that_differs_says_what_to_do(network):
    other = timm.create_model("test_vit", num_classes=7).state_dict()
    with pytest.raises(BadRequest, match=r"7 classes.*for 5.*num_classes = 7"):
        fit_weights(network, other, "w.pth")


def test_a_misfit_names_what_is_missing_unexpected_and_misshapen(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = {name: torch.zeros_like(value) for name, value in before.items()}
    del state["cls_token"]
    state["stranger"] = torch.ones(1)
    state["norm.weight"] = torch.ones(3)
    with pytest.raises(BadRequest) as error:
        fit_weights(network, state, "my.pth")
    for word in ("my.pth", "test_vit", "cls_token", "stranger", "norm.weight (3 instead of 64)"):
        assert word in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_digest_follows_the_files_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"one")
    first = digest(tmp_path / "a")
    assert digest(tmp_path / "b") == first and len(first) == 32
    (tmp_path / "a").write_bytes(b"three")
    assert digest(tmp_path / "a") != first


def several(path, **sets):
    torch.save({**sets, "optimizer": {"state": {0: {"step": torch.tensor(1)}}, "param_groups": []}, "epoch": 3}, path)
    return path


def test_of_several_sets_of_weights_one_is_read_and_another_can_be_chosen(tmp_path):
    other = OrderedDict((name, value + 1) for name, value in WEIGHTS.items())
    path = several(tmp_path / "run.pth", model=other, model_ema=WEIGHTS)
    assert sets_of_weights(path) == ("model_ema", "model")
    assert same(read_weights(path)) and same(read_weights(path, "model_ema"))
    assert torch.equal(read_weights(path, "model")["layer.bias"], other["layer.bias"])
    with pytest.raises(RefusedFile, match=r"no weights called teacher\. It has model, model_ema"):
        read_weights(path, "teacher")


def test_sets_whose_names_nobody_knows_are_asked_about(tmp_path):
    path = several(
        tmp_path / "dino.pth", student=WEIGHTS, teacher={f"module.{name}": value for name, value in WEIGHTS.items()}
    )
    assert sets_of_weights(path) == ("student", "teacher")
    with pytest.raises(RefusedFile, match=r"holds weights called student, teacher\. Choose with part = “student”"):
        read_weights(path)
    assert same(read_weights(path, "teacher"))


def test_a_file_of_one_set_has_none_to_choose_from(tmp_path):
    torch.save(WEIGHTS, tmp_path / "plain.pth")
    save_file(dict(WEIGHTS), tmp_path / "plain.safetensors")
    (tmp_path / "broken.pth").write_bytes(b"nothing at all")
    for name in ("plain.pth", "plain.safetensors", "broken.pth", "nowhere.pth"):
        assert sets_of_weights(tmp_path / name) == ()
    old = tmp_path / "old.pth"
    torch.save({"model": WEIGHTS, "model_ema": WEIGHTS}, old, _use_new_zipfile_serialization=False)
    assert sets_of_weights(old) == ("model_ema", "model"), "the older format of torch"


def test_what_torchs_averaging_adds_is_left_out(tmp_path):
    averaged = torch.optim.swa_utils.AveragedModel(torch.nn.Linear(3, 2))
    torch.save(averaged.state_dict(), tmp_path / "swa.pth")
    assert [*read_weights(tmp_path / "swa.pth")] == ["weight", "bias"]
