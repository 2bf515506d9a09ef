"""Zero-shot: the probabilities are those that the model was trained to give, and each thing wrong is one sentence."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.concepts import zero_shot
from engine.concepts.zero_shot import ZeroShotRequest
from engine.core.errors import BadRequest, Unavailable
from engine.core.experiments import parse_request
from engine.core.request import Result, build
from engine.data import uploads
from engine.data.registry import open_dataset
from engine.models import catalog
from engine.models.text import scale
from tests.engine.clips import IMAGE_SUMS, SIGLIP, TEXT_SUMS, Desk, add_clip
from tests.engine.world import png
from tests.rounding import close, rounding

SUMS = (*IMAGE_SUMS, *TEXT_SUMS)
TEXTS = ("boat", "a dog that plays the guitar", "music")


def ask(reader: str = "local/clip", **fields) -> Result:
    asked = {"texts": TEXTS, "image": "17", "data": "squares"} | fields
    return Desk().compute(build(ZeroShotRequest, reader=reader, **asked))


def logits(reader: str) -> torch.Tensor:
    """The second route: open_clip's own logits of image 17 and the texts, the short ones in the template."""
    loaded = catalog.load(reader)
    image = torch.from_numpy(open_dataset("squares").image(17)).permute(2, 0, 1)[None] / 255
    tokens = loaded.tokenizer(["a photo of a boat", TEXTS[1], "a photo of a music"])
    with torch.no_grad():
        return loaded.clip.get_logits(loaded.normalize(image), tokens)[0][0]


def test_a_clips_probabilities_are_the_softmax_of_its_logits(person):
    result = ask()
    table = result.tables["texts"]
    close(table.probability, logits("local/clip").softmax(0), *SUMS, scale=result.facts["scale"] / 4)
    assert table.text.tolist() == list(TEXTS) and table.probability.sum() == pytest.approx(1)
    assert result.facts["function"] == "softmax" and result.facts["bias"] is None
    assert result.facts["best"] == table.text[table.probability.argmax()]
    Result.from_blob(result.to_blob())


def test_siglips_probabilities_are_the_sigmoid_of_its_logits_each_for_itself(person):
    add_clip(person, "siglip", SIGLIP)
    result = ask("local/siglip")
    close(result.tables["texts"].probability, logits("local/siglip").sigmoid(), *SUMS, scale=result.facts["scale"] / 4)
    assert result.facts["function"] == "sigmoid" and result.facts["bias"] == pytest.approx(-1.5, abs=1e-3)
    fewer = ask("local/siglip", texts=TEXTS[:2]).tables["texts"].probability
    close(fewer, result.tables["texts"].probability[:2], *TEXT_SUMS, scale=result.facts["scale"] / 4)


def test_the_text_that_says_what_is_there_wins(person, monkeypatch):
    """Planted: the text tower answers `boat` with the image's own embedding, and all else with its opposite."""
    loaded = catalog.load("local/clip")
    image = torch.from_numpy(open_dataset("squares").image(17)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        own = loaded.clip.encode_image(loaded.normalize(image))[0]
    boat = loaded.tokenizer(["a photo of a boat"])[0]
    answer = [-own, own]
    monkeypatch.setattr(
        loaded.clip, "encode_text", lambda tokens: torch.stack([answer[torch.equal(each, boat)] for each in tokens])
    )
    result = ask(texts=("music", "boat"))
    assert result.facts["best"] == "boat"
    assert result.tables["texts"].similarity.tolist() == pytest.approx([-1, 1], abs=rounding(*IMAGE_SUMS))
    assert result.tables["texts"].probability[1] > 0.999


def test_the_order_of_the_texts_changes_no_number(person):
    forth, back = ask().tables["texts"], ask(texts=TEXTS[::-1]).tables["texts"]
    sharpness = scale(catalog.load("local/clip"))
    close(
        forth.probability, back.probability[::-1], *TEXT_SUMS, scale=sharpness / 4
    )  # the slope of a softmax is 1/4 at most
    assert np.abs(np.diff(forth.probability)).min() > 10 * rounding(*TEXT_SUMS, scale=sharpness / 4)


def test_an_upload_is_read_as_the_same_image_of_a_data_set(person):
    digest = uploads.keep_image(png(open_dataset("squares").image(17)), "seventeen.png")
    there, here = ask(), ask(image=f"up-{digest}")
    assert here.tables["texts"].equals(there.tables["texts"])


def test_a_request_comes_back_from_its_own_text(person):
    request = ZeroShotRequest(texts=(" boat ", "boat", "a  red boat"), image="007")
    assert request.texts == ("boat", "a red boat") and request.image == "7"
    assert parse_request(request.canonical()) == request


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"texts": ("boat",)}, r"texts: 1 different texts were given\. Give 2 to 50"),
        ({"texts": ("boat", " boat ")}, r"1 different texts"),
        ({"texts": tuple(f"word {n}" for n in range(51))}, r"51 different texts"),
        ({"texts": ("boat", " ")}, r"No text given"),
        ({"texts": ("boat", "x" * 301)}, r"301 characters"),
        ({"image": "cat.png"}, r"image: The image is a number of the data set, or up-<digest>"),
        ({"template": "a photo"}, r"template"),
        ({"reader": "efficientnet-none"}, r"There is no model"),
        ({"data": "nowhere"}, r"nowhere"),
        ({"image": "4000"}, r"4000"),
    ],
)
def test_bad_input_is_one_sentence(person, fields, sentence):
    with pytest.raises(BadRequest, match=sentence):
        ask(**fields)


def test_a_model_without_a_text_tower_is_refused(person):
    with pytest.raises(BadRequest, match=r"starter-vit has no text tower"):
        ask("starter-vit")


def test_an_upload_that_is_not_here_is_said(person):
    with pytest.raises(Unavailable, match="is not on this machine"):
        ask(image="up-0123456789abcdef")


def test_the_seconds_are_those_that_passed(person, monkeypatch):
    clock = iter([100.0, 102.5])
    monkeypatch.setattr(zero_shot, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert ask().facts["seconds"] == 2.5


def heard(embeddings: np.ndarray, bias: float | None = None) -> tuple[Result, Result]:
    """A photo with these embeddings, and four words that each lie along an axis of their own."""
    words = Result({}, {"embedding": np.eye(4, dtype=np.float32)}, {}, {"words": ["red", "green", "blue", "white"]})
    return Result({}, {"embeddings": embeddings.astype(np.float32)}, {}, {"scale": 10.0, "bias": bias}), words


def test_of_all_words_the_planted_one_is_first_with_its_range_over_the_cuts() -> None:
    whole, cut = np.array([0, 0, 1, 0.0]), np.array([0, 0.6, 0.8, 0.0])
    photo, words = heard(np.stack([whole, cut]))
    said = zero_shot.said_of(photo, words, None, 3)
    assert said.words["word"].tolist()[0] == "blue" and len(said.words) == 3 and said.chance == 0.25
    sure = [np.exp(10 * row) / np.exp(10 * row).sum() for row in (whole, cut)]
    first = said.words.iloc[0]
    assert first["probability"] == first["high"] == pytest.approx(sure[0][2], abs=1e-6)
    assert first["low"] == pytest.approx(sure[1][2], abs=1e-6)
    assert said.closest == 1 and np.isnan(said.fits)


def test_a_photo_unlike_those_of_the_data_set_fits_its_words_less_well_than_they_do() -> None:
    words_of = {"known": np.eye(4)[:1], "strange": np.full((1, 4), 0.5)}
    images = np.concatenate([np.eye(4), np.full((1, 4), 0.25)])  # the last is as strange as a photo can be
    seen = Result({}, {"position_mean": images.astype(np.float32)}, {}, {})
    fits = {name: zero_shot.said_of(*heard(each), seen, 1).fits for name, each in words_of.items()}
    assert fits == {"known": pytest.approx(20), "strange": 0}


def test_a_siglips_words_stand_each_for_themselves_so_that_there_is_no_chance_level() -> None:
    photo, words = heard(np.eye(4)[1:2], bias=-5.0)
    said = zero_shot.said_of(photo, words, None, 4)
    assert np.isnan(said.chance)
    assert said.words["probability"].tolist() == pytest.approx([1 / (1 + np.exp(-5)), *[1 / (1 + np.exp(5))] * 3])
