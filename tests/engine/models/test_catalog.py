"""The catalog: every model behind one door, and each thing that can be wrong said in a sentence."""

from __future__ import annotations

import http.server
import json
import math
import socket
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save, save_file

from engine.core import config
from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.models import catalog
from engine.models import hub as hub_of_models
from engine.models.sources import cards

TINY = "test_vit.r160_in1k"  # timm's own test model, 0.4 million weights at 160 pixels


def fill(module: torch.nn.Module, value: float) -> torch.nn.Module:
    """All weights become `value`: the marked token of these tests."""
    with torch.no_grad():
        for tensor in module.parameters():
            tensor.fill_(value)
    return module


def tiny(value: float = 0.125, **kwargs) -> dict[str, torch.Tensor]:
    return fill(timm.create_model("test_vit", **kwargs), value).state_dict()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder whose models.toml and `models` are a person's own for one test."""
    mine = config.settings().model_copy(update={"models_toml": tmp_path / "models.toml"})
    monkeypatch.setattr(cards, "settings", lambda: mine)
    return tmp_path


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty hub cache, and a hub that may be asked (nobody answers at its address)."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(hub_of_models, "_silent_until", 0.0)
    return tmp_path / "hub"


@pytest.fixture
def patience(monkeypatch) -> list[float]:
    """How many seconds each question to the hub was given."""
    given: list[float] = []
    ask = urllib.request.urlopen

    def noted(request, timeout):
        given.append(timeout)
        return ask(request, timeout=timeout)

    monkeypatch.setattr(hub_of_models.urllib.request, "urlopen", noted)
    return given


def head(model: catalog.LoadedModel) -> torch.Tensor:
    """The classifier's weights: (classes, width)."""
    return model.module.state_dict()["head.weight"]


def put_into_cache(hub: Path, name: str, file: str, content: bytes) -> None:
    """Lay a file where the hub's client keeps what it downloaded."""
    home = hub / f"models--timm--{name}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("abc123")
    (home / "snapshots" / "abc123").mkdir(parents=True)
    (home / "snapshots" / "abc123" / file).write_bytes(content)


def write_toml(folder: Path, **values) -> None:
    # TOML writes what is no number as JSON does, but for the case.
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    lines = [line.replace("NaN", "nan").replace("Infinity", "inf") for line in lines]
    with (folder / "models.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(["[[model]]", *lines, ""]))


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


def test_any_timm_model_with_pretrained_weights_is_known_with_its_preprocessing():
    entry = catalog.find("timm/vit_small_patch14_dinov2.lvd142m")
    assert (entry.architecture, entry.input_size, entry.classes) == ("vit_small_patch14_dinov2", (3, 518, 518), None)
    assert entry.licence == "apache-2.0"


def test_a_timm_name_without_tag_means_timms_default_weights():
    assert catalog.find("timm/resnet50").name == "timm/resnet50.a1_in1k"


# --- timm's weights: cached, downloaded, not to be had


def test_a_timm_model_in_the_hubs_cache_is_listed_and_loaded_without_network(hub):
    put_into_cache(hub, TINY, "model.safetensors", save(tiny(0.25)))
    entry = next(entry for entry in catalog.entries() if entry.name == f"timm/{TINY}")
    assert entry.available
    model = catalog.load(entry.name, "cpu")
    assert all((tensor == 0.25).all() for tensor in model.module.parameters())
    assert not model.module.training and not any(tensor.requires_grad for tensor in model.module.parameters())
    config: Any = model.module.pretrained_cfg
    assert "state_dict" not in config  # a second copy of the weights
    assert model.class_names is not None and len(model.class_names) == 1000
    assert model.class_names[0] == "tench, Tinca tinca"
    assert model.input_size == (160, 160) and "blocks.0.mlp.hidden" in model.sites


def test_a_pickle_with_code_in_the_hubs_cache_is_refused(hub, tmp_path):
    import pickle
    import subprocess

    class Payload:
        def __reduce__(self):
            return subprocess.call, (["touch", str(tmp_path / "ran")],)

    put_into_cache(hub, TINY, "pytorch_model.bin", pickle.dumps(Payload()))
    with pytest.raises(RefusedFile, match=r"subprocess\.call"):
        catalog.load(f"timm/{TINY}", "cpu")
    assert not (tmp_path / "ran").exists()


def test_timm_weights_that_do_not_fit_are_said(hub):
    put_into_cache(hub, TINY, "model.safetensors", save({"stranger": torch.ones(1)}))
    with pytest.raises(BadRequest, match=f"do not fit timm/{TINY}"):
        catalog.load(f"timm/{TINY}", "cpu")


def test_without_network_one_sentence_says_how_to_get_the_weights(hub, patience):
    with pytest.raises(Unavailable, match=rf"hub cannot be reached.*hf download timm/{TINY}.*models\.toml") as error:
        catalog.load(f"timm/{TINY}", "cpu")
    assert "\n" not in str(error.value)
    assert patience == [hub_of_models.SECONDS_TO_ANSWER], "asked once, and not waited for"


def test_a_hub_that_never_answers_is_given_up_within_seconds_and_not_asked_again_at_once(hub, monkeypatch, patience):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for _ in range(2):
            with pytest.raises(Unavailable, match="cannot be reached"):
                catalog.load(f"timm/{TINY}", "cpu")
    assert patience == [hub_of_models.SECONDS_TO_ANSWER] and hub_of_models.SECONDS_TO_ANSWER <= 5


def test_weights_are_downloaded_from_a_hub_that_answers(hub, monkeypatch):
    content, asked = save(tiny(0.5)), []

    class Hub(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append((self.command, self.path))
            known = self.path in ("/", f"/timm/{TINY}/resolve/main/model.safetensors")
            body = content if known and self.path != "/" else b""
            self.send_response(200 if known else 404)
            for key, value in {"ETag": '"e7a6"', "X-Repo-Commit": "c0ffee", "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET = answer

        def log_message(self, format, *args) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        files = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        model = catalog.load(f"timm/{TINY}", "cpu")
    finally:
        server.shutdown()
        server.server_close()
    assert all((tensor == 0.5).all() for tensor in model.module.parameters())
    assert ("GET", f"/timm/{TINY}/resolve/main/model.safetensors") in asked
    assert catalog.find(f"timm/{TINY}").available  # and now without the hub


# --- a person's own models


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


# --- the starter's models


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
