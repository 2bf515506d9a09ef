"""Pictures for texts: a goal is the cosine that the CLIP itself computes, on all images and in every recipe."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity

from engine.core import export
from engine.core.errors import BadRequest
from engine.core.request import Result
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest
from engine.models import catalog
from engine.visualization import objectives
from engine.visualization.activations import values_of
from engine.visualization.goals import TextSimilarity, measured
from engine.visualization.objectives import goal, heads_of
from engine.visualization.optimization.optimize import Run, maximize
from engine.visualization.recipes import RECIPES
from engine.visualization.request import VisualizeRequest
from engine.visualization.scoring.images import on_images
from tests.conftest import compute_in
from tests.engine.clips import Desk
from tests.engine.small import small_cnn, small_vit, wrapped

SITE = "head.embedding"
BOAT = "says(a red boat)"


@pytest.fixture
def clip(person) -> catalog.LoadedModel:
    return catalog.load("local/clip")


def by_open_clip(clip: catalog.LoadedModel, images: torch.Tensor, text: str) -> torch.Tensor:
    with torch.no_grad():
        tokens = clip.tokenizer([text])
        return cosine_similarity(clip.clip.encode_image(clip.normalize(images)), clip.clip.encode_text(tokens))


def images_of(name: str) -> torch.Tensor:
    dataset = open_dataset(name)
    return torch.from_numpy(np.stack([dataset.image(n) for n in range(len(dataset))])).permute(0, 3, 1, 2).float() / 255


def test_the_goal_is_the_cosine_that_the_clip_computes_itself(clip):
    images = torch.rand(3, 3, 32, 32)
    found = measured(clip, SITE, images, [goal(clip, SITE, BOAT)])
    torch.testing.assert_close(found, by_open_clip(clip, images, "a red boat"))


def test_all_images_are_scored_from_the_index_as_from_the_images_themselves(clip):
    index = Desk().compute(IndexRequest(model="local/clip", site=SITE, data="squares"))
    goals = [goal(clip, SITE, text) for text in (BOAT, "says(music)", "3")]
    found = on_images(clip, SITE, goals, "squares", index.arrays, Desk())
    for column, text in enumerate(("a red boat", "music")):
        expected = by_open_clip(clip, images_of("squares"), text)
        np.testing.assert_allclose(found[:, column], expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(found[:, 2], index.arrays["position_mean"][:, 3], atol=1e-6)


def test_an_image_whose_embedding_is_the_texts_comes_first(clip, monkeypatch):
    """Planted: the text tower answers with the embedding of image 17."""
    with torch.no_grad():
        planted = clip.clip.encode_image(clip.normalize(images_of("squares")[17:18]))
    monkeypatch.setattr(clip.clip, "encode_text", lambda tokens: planted.expand(len(tokens), -1))
    monkeypatch.setitem(RECIPES, "fast", RECIPES["fast"].model_copy(update={"steps": 2}))
    request = VisualizeRequest(model="local/clip", site=SITE, targets=(BOAT,), data="squares")
    result = request.run(Desk())
    assert result.arrays["target_top"][0, 0] == 17
    assert result.arrays["target_values"].max() == pytest.approx(1, abs=1e-5)
    assert result.tables["units"].unit.tolist() == [BOAT]
    Result.from_blob(result.to_blob())


class Colours(torch.nn.Module):
    """An image tower that sees the mean colour and nothing else: (B, 3, H, W) -> (B, 4), the last always the same."""

    embeds = True

    def __init__(self) -> None:
        super().__init__()
        self.visual = small_cnn().module  # layers, so that there are sites; they count for nothing

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        nothing = 0 * self.visual(images).sum(1, keepdim=True)
        return torch.cat([images.mean((2, 3)), nothing + 0.1], 1)


def colour_clip() -> catalog.LoadedModel:
    """A CLIP with a text tower that reads everything as red."""
    loaded = wrapped("colours", Colours())
    red = torch.tensor([1.0, -0.5, -0.5, 0.0])
    loaded.clip = SimpleNamespace(
        logit_scale=torch.tensor(100.0).log(), encode_text=lambda tokens: red.expand(len(tokens), 4)
    )
    loaded.make_tokenizer = lambda: lambda texts: torch.zeros(len(texts), 1, dtype=torch.int64)
    return loaded


@pytest.mark.parametrize("name", RECIPES)
def test_in_every_recipe_red_is_what_a_picture_for_red_has_more_of_than_one_against_it(name, monkeypatch):
    """Whatever the recipe's penalties: a cosine counts against them as the logit that the model makes of it."""
    compute_in(monkeypatch, "float32")
    clip, recipe = colour_clip(), RECIPES[name].model_copy(update={"steps": 6, "copies": 2})
    up, down = (maximize(clip, SITE, [goal(clip, SITE, BOAT)], recipe, 0, Run(way)) for way in (1, -1))
    assert up.curves[0, -1] > down.curves[0, -1]
    redder, other = (pictures.images[0].mean((1, 2)) @ [1, -0.5, -0.5] for pictures in (up, down))
    assert redder > other


def test_texts_and_units_share_a_request_and_no_picture_depends_on_its_company(clip, monkeypatch):
    monkeypatch.setitem(RECIPES, "fast", RECIPES["fast"].model_copy(update={"steps": 3}))
    desk = Desk()
    both = VisualizeRequest(model="local/clip", site=SITE, units=(5,), targets=(BOAT, "says(music)"), data="squares")
    alone = VisualizeRequest(model="local/clip", site=SITE, targets=("says(music)",), data="squares")
    together, single = desk.compute(both), desk.compute(alone)
    assert together.arrays["images"][2].tobytes() == single.arrays["images"][0].tobytes()
    names = [name for name, _ in export.pngs(together)]
    assert len(set(names)) == 3 and names[1].startswith("local_clip-head.embedding-unit-says_a_red_boat_")


def test_files_of_texts_have_names_of_their_own_in_any_script():
    result = Result({"model": "m", "site": SITE})
    names = [export.stem(result, f"says({text})") for text in ("红", "蓝", "x" * 300, "x" * 299)]
    assert len(set(names)) == 4 and max(map(len, names)) < 120


def test_where_no_text_can_be_compared_is_said(clip):
    with pytest.raises(BadRequest, match=r"choose the layer head.embedding, not blocks.1.residual"):
        goal(clip, "blocks.1.residual", BOAT)
    with pytest.raises(BadRequest, match="has no text tower, so text similarity is not available"):
        objectives.check(small_vit(), "head.logits", BOAT)


def test_a_text_is_checked_without_reading_it(clip, monkeypatch):
    monkeypatch.setattr(clip.clip, "encode_text", lambda tokens: pytest.fail("the text tower ran"))
    objectives.check(clip, SITE, BOAT)
    assert isinstance(clip.sites[SITE].units, int)


def test_the_order_of_words_is_another_text_and_the_spacing_is_not(clip):
    first, again, other = (
        goal(clip, SITE, f"says({text})") for text in ("dog bites man", " dog  bites man", "man bites dog")
    )
    assert isinstance(first, TextSimilarity) and isinstance(again, TextSimilarity) and isinstance(other, TextSimilarity)
    assert torch.equal(first.words, again.words) and not torch.equal(first.words, other.words)


def test_the_heads_of_a_rebuilt_block_are_known(clip):
    site = clip.sites["blocks.1.attn.key"]
    assert heads_of(clip, site) == 2
    images = torch.rand(2, 3, 32, 32)
    values = values_of(clip, site.name, images)
    expected = values[:, 1:, 16:].mean((1, 2))
    torch.testing.assert_close(measured(clip, site.name, images, [goal(clip, site.name, "head1")]), expected)
