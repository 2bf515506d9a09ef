"""Two-tower models described by a file of one's own: built from it, refused in one sentence, and never a way to fetch."""

from __future__ import annotations

import json
import re
import sys
from types import SimpleNamespace
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import load_file

from engine.core.errors import BadRequest, Unavailable
from engine.models import catalog, hub
from engine.models.sources import cards
from engine.models.sources.open_clip_config import MAX_BYTES
from engine.models.text import tokenizer_of
from engine.sites.access import read
from tests.engine.clips import HALF, SIGLIP, TEXT, TINY, add_clip
from tests.engine.small import small_vit


def changed(tower: str, **values: Any) -> dict[str, Any]:
    return TINY | {tower: TINY[tower] | values}


def said(person, text: str) -> str:
    """What the catalog says of a model whose config holds this text."""
    add_clip(person, "odd", TINY, text)
    entry = catalog.find("local/odd")
    assert not entry.available
    with pytest.raises(Unavailable):
        catalog.load("local/odd")
    return entry.note


def test_the_model_is_the_one_that_open_clip_makes_from_the_same_folder(person, tmp_path):
    loaded = catalog.load("local/clip")
    folder = tmp_path / "as-open-clip-has-it"
    folder.mkdir()
    (folder / "open_clip_config.json").write_text((person / "clip.json").read_text())
    (folder / "open_clip_model.safetensors").write_bytes((person / "clip.safetensors").read_bytes())
    theirs = open_clip.create_model(f"local-dir:{folder}").eval()
    images, tokens = torch.rand(2, 3, 32, 32), loaded.tokenizer(["a red boat", "music"])
    assert torch.equal(tokens, open_clip.get_tokenizer(f"local-dir:{folder}")(["a red boat", "music"]))
    with torch.no_grad():
        torch.testing.assert_close(
            read(loaded.module, ["head.embedding"], images)["head.embedding"][:, 0], theirs.encode_image(images)
        )
        torch.testing.assert_close(loaded.clip.encode_text(tokens), theirs.encode_text(tokens))


def test_size_and_preprocessing_come_from_the_config_and_a_card_may_only_say_the_same(person):
    assert catalog.load("local/clip").input_size == (32, 32) and catalog.load("local/clip").mean == (0.5, 0.5, 0.5)
    add_clip(person, "plain", TINY, json.dumps({"model_cfg": TINY}))
    assert catalog.find("local/plain").mean == pytest.approx((0.481, 0.458, 0.408), abs=1e-3), "open_clip's own"
    add_clip(person, "large", TINY, input_size=64)
    assert "image_size, 32 x 32. Leave input_size out" in catalog.find("local/large").note


def test_the_other_kinds_of_towers_work_too(person):
    vision = {"image_size": 64, "timm_model_name": "test_vit", "timm_pool": "avg", "timm_proj": "linear"}
    add_clip(person, "timm", TINY | {"vision_cfg": vision, "custom_text": True})
    add_clip(person, "siglip", SIGLIP)
    assert catalog.load("local/timm").input_size == (64, 64)
    assert catalog.load("local/siglip").clip.logit_bias is not None
    for name in ("local/timm", "local/siglip"):
        loaded = catalog.load(name)
        assert loaded.clip.encode_text(loaded.tokenizer(["a cat"])).shape == (1, 24)


def test_another_config_is_another_model(person):
    before = catalog.fingerprint("local/clip")
    (person / "clip.json").write_text(json.dumps({"model_cfg": TINY | {"quick_gelu": True}, "preprocess_cfg": HALF}))
    assert catalog.fingerprint("local/clip") != before


def test_a_starter_card_names_its_weights_and_its_config(person, tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "STARTER", tmp_path)
    assert "starter-clip.json is missing" in catalog.find("starter-clip").note
    folder = tmp_path / "starter-clip"
    folder.mkdir()
    (folder / "open_clip_config.json").write_bytes((person / "clip.json").read_bytes())
    card = {"architecture": "open_clip/starter-clip", "config": "starter-clip/open_clip_config.json"}
    card |= {"weights": "starter-clip/open_clip_model.safetensors", "images_seen": 1}
    (tmp_path / "starter-clip.json").write_text(json.dumps(card))
    assert "open_clip_model.safetensors is missing" in catalog.find("starter-clip").note
    (folder / "open_clip_model.safetensors").write_bytes((person / "clip.safetensors").read_bytes())
    assert [entry.name for entry in catalog.entries()][:3] == ["starter-vit", "starter-cnn", "starter-clip"]
    assert catalog.load("starter-clip").tokenizer(["a cat"]).shape == (1, 16)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("\xff", "has no object “model_cfg”|is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "has no object “model_cfg”"),
        ('{"model_cfg": 3}', "has no object “model_cfg”"),
        (json.dumps({"model_cfg": {}}), "has no object “vision_cfg”"),
        (json.dumps({"model_cfg": TINY, "more": " " * MAX_BYTES}), "larger than 256 KB"),
        (json.dumps({"model_cfg": TINY, "preprocess_cfg": []}), "preprocess_cfg is not an object"),
        (json.dumps({"model_cfg": TINY | {"embed_dim": "wide"}}), "embed_dim is not a number"),
        (json.dumps({"model_cfg": changed("vision_cfg", layers=10**6)}), "layers is 1000000, more than 256"),
        (json.dumps({"model_cfg": changed("vision_cfg", width=float("inf"))}), "width is inf, more than"),
        (json.dumps({"model_cfg": changed("vision_cfg", image_size="large")}), "image_size is not a number of pixels"),
        (json.dumps({"model_cfg": TINY, "preprocess_cfg": {"mean": "dark"}}), "mean is “dark”"),
    ],
)
def test_what_is_no_config_is_refused_in_one_sentence(person, text, sentence):
    note = said(person, text)
    assert re.search(sentence, note) and note.count(". ") <= 1, note


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (changed("text_cfg", hf_model_name="roberta-base"), "hf_model_name is a text tower that would be fetched"),
        (changed("vision_cfg", timm_model_name="hf-hub:someone/model"), "timm has no architecture “hf-hub:someone"),
        (changed("vision_cfg", timm_model_name="local-dir:/tmp"), "timm has no architecture"),
        (changed("text_cfg", hf_tokenizer_name="../../etc"), "no name of a repository"),
        (changed("text_cfg", hf_tokenizer_name="https://example.org/x"), "no name of a repository"),
        (changed("text_cfg", tokenizer_kwargs={"trust_remote_code": True}), "may not set trust_remote_code"),
        (changed("text_cfg", tokenizer_kwargs={"bpe_path": "/etc/passwd"}), "may not set bpe_path"),
        (TINY | {"multimodal_cfg": {}}, "writes captions"),
    ],
)
def test_a_config_cannot_make_anything_fetch_or_run(person, model, sentence):
    assert sentence in said(person, json.dumps({"model_cfg": model}))


def test_pretrained_weights_of_a_timm_tower_are_not_asked_for(person, monkeypatch):
    vision = {"image_size": 64, "timm_model_name": "test_vit", "timm_pool": "avg", "timm_proj": "linear"}
    config = {"model_cfg": TINY | {"vision_cfg": vision | {"timm_model_pretrained": True}}}
    add_clip(person, "timm", TINY | {"vision_cfg": vision}, json.dumps(config))
    assert catalog.load("local/timm").input_size == (64, 64), "the test would fail on a look at the network"


def test_a_config_that_asks_for_more_than_its_weights_hold_costs_no_memory(person):
    huge = changed("text_cfg", vocab_size=1 << 20, width=1 << 19)  # two terabytes
    add_clip(person, "huge", TINY, json.dumps({"model_cfg": huge}))
    with pytest.raises(BadRequest, match="do not fit"):
        catalog.load("local/huge")


def test_what_open_clip_cannot_make_is_said_with_its_reason(person):
    add_clip(person, "odd", TINY, json.dumps({"model_cfg": TINY | {"colour": 1}}))
    with pytest.raises(BadRequest, match=r"open_clip cannot create “odd” for local/odd: .*colour"):
        catalog.load("local/odd")


def test_a_card_cannot_open_other_doors_of_open_clip(person):
    add_clip(person, "both", TINY, kwargs=["not a table"])
    assert "kwargs and config do not go together" in catalog.find("local/both").note
    for name in ("pretrained_image_path", "weights_only", "cache_dir"):
        with pytest.raises(BadRequest, match=f"kwargs cannot hold {name}"):
            cards.read_card({"architecture": "open_clip/ViT-B-32", "kwargs": {name: "x"}}, person)
    with pytest.raises(BadRequest, match="so write architecture = “open_clip/resnet18”"):
        cards.read_card({"architecture": "resnet18", "config": "clip.json"}, person)


def test_a_missing_config_is_said(person):
    add_clip(person, "lost", TINY).unlink()
    assert "lost.json cannot be read: No such file" in catalog.find("local/lost").note


# --- tokenizers


def test_a_model_without_a_text_tower_cannot_read_words():
    with pytest.raises(BadRequest, match=r"small-vit has no text tower\. Choose a CLIP"):
        _ = small_vit().tokenizer


def test_a_text_that_is_too_long_is_cut_and_ends_as_it_should(person):
    tokens = catalog.load("local/clip").tokenizer(["boat " * 50])
    assert tokens.shape == (1, 16) and int(tokens[0, -1]) == int(tokens.max()) == 49407


def test_a_tower_of_too_few_tokens_is_said(person):
    add_clip(person, "few", changed("text_cfg", vocab_size=100))
    with pytest.raises(BadRequest, match="local/few knows 100 tokens"):
        _ = catalog.load("local/few").tokenizer


@pytest.fixture
def transformers(monkeypatch):
    """The package as far as open_clip uses it: a list of what it was asked for; nothing is on this machine."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def from_pretrained(name: str, **settings: Any) -> Any:
        asked.append((name, settings))
        if settings["local_files_only"]:
            raise OSError("not in the cache")
        return SimpleNamespace()

    module = SimpleNamespace(AutoTokenizer=SimpleNamespace(from_pretrained=from_pretrained), __spec__=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "transformers", module)
    return asked


def test_a_tokenizer_of_the_hub_is_looked_for_here_first_and_never_runs_code(transformers, monkeypatch):
    text = TEXT | {"hf_tokenizer_name": "someone/words", "tokenizer_kwargs": {"clean": "canonicalize"}}
    monkeypatch.setattr(hub, "answers", lambda: False)
    with pytest.raises(Unavailable, match="hf download someone/words"):
        tokenizer_of("local/clip", text)
    assert len(transformers) == 1, "nothing is fetched while the hub does not answer"
    monkeypatch.setattr(hub, "answers", lambda: True)
    tokenizer_of("local/clip", text)
    assert [settings["local_files_only"] for _, settings in transformers] == [True, True, False]
    assert all(settings["trust_remote_code"] is False for _, settings in transformers)


def test_without_the_package_a_tokenizer_of_the_hub_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setattr("engine.models.text.importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="pip install transformers"):
        tokenizer_of("open_clip/ViT-B-16-SigLIP/webli", TEXT | {"hf_tokenizer_name": "timm/ViT-B-16-SigLIP"})


def test_the_weights_are_stored_as_halves_and_read_as_they_are(person):
    stored = load_file(person / "clip.safetensors")
    loaded = [*catalog.load("local/clip").clip.state_dict().values()]  # under timm's names where blocks are rebuilt
    assert all(any(torch.equal(tensor, value.float()) for tensor in loaded) for value in stored.values())
    assert len(loaded) == len(stored)
