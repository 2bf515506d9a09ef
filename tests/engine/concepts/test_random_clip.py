"""open_clip's ViT-B-32 in full width and depth, with random weights: every way into a CLIP works on it without a network."""

from __future__ import annotations

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from engine.concepts.naming import NameUnitsRequest
from engine.concepts.pictures import PictureWordsRequest
from engine.concepts.search import FindUnitsRequest
from engine.concepts.words import FEWEST
from engine.concepts.zero_shot import ZeroShotRequest
from engine.core.request import Result, build
from engine.core.targets import text_target
from engine.data import uploads
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest
from engine.models import catalog
from engine.sites.grid import Grid
from engine.visualization.activations import values_of
from engine.visualization.objectives import heads_of
from engine.visualization.recipes import RECIPES
from engine.visualization.request import VisualizeRequest
from tests.engine.clips import Desk

pytestmark = pytest.mark.slow

NAME = "local/large"
SIDE = 96  # pixels, where the architecture is made for 224: a fifth of the work, all of the code
WORDS = b"boat\nred\ngreen square\nthe sea\na cat"
SITES = [f"blocks.10.attn.{part}" for part in ("query", "key", "value", "out")] + ["blocks.10.mlp.hidden"]


@pytest.fixture
def large(person, monkeypatch) -> catalog.LoadedModel:
    """The architecture that open_clip lists as ViT-B-32, as a person's own weights, and recipes of two steps."""
    for path in sorted((person / "squares").iterdir())[FEWEST:]:
        path.unlink()
    torch.manual_seed(0)
    save_file(
        open_clip.create_model("ViT-B-32", force_image_size=SIDE).half().state_dict(), person / "large.safetensors"
    )
    with (person / "models.toml").open("a") as file:
        file.write(
            '[[model]]\nname = "large"\narchitecture = "open_clip/ViT-B-32"\nweights = "large.safetensors"\n'
            f"input_size = {SIDE}\nkwargs = {{ force_image_size = {SIDE} }}\n"
        )
    monkeypatch.setitem(RECIPES, "fast", RECIPES["fast"].model_copy(update={"steps": 2}))
    return catalog.load(NAME)


def check_attention(large: catalog.LoadedModel) -> None:
    """Attention written out from its query, key and value gives what its module gives."""
    assert large.sites["blocks.10.attn.query"].grid == Grid(3, 3, 1) and len(large.sites) == 2 + 12 * 7
    assert heads_of(large, large.sites["blocks.10.attn.key"]) == 12
    images = torch.rand(1, 3, SIDE, SIDE)
    query, key, value, out = (values_of(large, site, images) for site in SITES[:4])
    query, key, value = (part.unflatten(2, (12, 64)).transpose(1, 2) for part in (query, key, value))
    mixed = (query @ key.transpose(2, 3) / 8).softmax(3) @ value
    attention = large.module.get_submodule("visual.transformer.resblocks.10.attn")
    torch.testing.assert_close(out, attention.proj(mixed.transpose(1, 2).flatten(2)), rtol=1e-3, atol=1e-4)


def check_pictures(desk: Desk) -> None:
    """Of each kind of site, of a head, and of a text."""
    for site in SITES[:4]:
        targets = ("head3",) if site == SITES[1] else ()
        made = desk.compute(build(VisualizeRequest, model=NAME, site=site, units=(5,), targets=targets, data="squares"))
        assert made.arrays["images"].shape == (1 + len(targets), SIDE, SIDE, 3)
        assert np.isfinite(made.arrays["curves"]).all() and np.ptp(made.arrays["images"]) > 0
    text = str(text_target("a red boat, at sea"))
    made = desk.compute(build(VisualizeRequest, model=NAME, site="head.embedding", targets=(text,), data="squares"))
    assert made.tables["units"].unit.tolist() == ["says(a red boat%2C at sea)"]
    assert np.abs(made.arrays["target_values"]).max() <= 1.0001


def check_zero_shot(desk: Desk, large: catalog.LoadedModel) -> None:
    """open_clip's own preprocessing of a square image differs from ours in rounding and resizing only."""
    texts = ("a diagram of a boat", "a photo of a cat at night")
    result = desk.compute(build(ZeroShotRequest, reader=NAME, texts=texts, image="17", data="squares"))
    picture = torch.from_numpy(open_dataset("squares").image(17)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        tokens = open_clip.get_tokenizer("ViT-B-32")(list(texts))
        logits = large.clip.get_logits(large.normalize(large.resize_to_input(picture)), tokens)[0][0]
    np.testing.assert_allclose(result.tables["texts"].probability, logits.softmax(0), atol=0.02)


def test_every_way_into_a_clip_works_on_open_clips_own_vit(large):
    desk = Desk()
    check_attention(large)
    vocabulary = f"voc-{uploads.keep_words(WORDS, 'words.txt')}"
    common = {"reader": NAME, "vocabulary": vocabulary, "data": "squares"}
    site = SITES[-1]
    named = desk.compute(build(NameUnitsRequest, model=NAME, site=site, **common))
    assert named.arrays["words"].shape == (3072, 5) and len(named.facts["words"]) == 5
    found = desk.compute(build(FindUnitsRequest, model=NAME, text="a red boat on the sea", **common))
    assert found.facts["searched"] == 12 * 3072 and len(found.tables["units"]) == 24
    starter = desk.compute(build(NameUnitsRequest, model="starter-vit", site="blocks.6.mlp.hidden", **common))
    assert starter.arrays["words"].shape == (768, 5), "any model's units are named by any reader"
    seen = desk.compute(build(PictureWordsRequest, model=NAME, site=site, units=(5, 9), **common))
    assert seen.tables["units"].consistency.between(-1, 1).all() and seen.arrays["picture_words"].shape == (2, 5)
    check_pictures(desk)
    check_zero_shot(desk, large)
    for result in (named, found, seen):
        Result.from_blob(result.to_blob())
    index = desk.compute(IndexRequest(model=NAME, site="head.embedding", data="squares"))
    assert index.arrays["position_mean"].shape == (FEWEST, 512)
