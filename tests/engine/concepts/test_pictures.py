"""Words for pictures: what a reader sees in a unit's picture is held against what it sees in the unit's own images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.concepts.pictures import PictureWordsRequest, compared, consistency, embedded, of_strongest
from engine.concepts.words import WordsRequest, image_embeddings, reader_of
from engine.core.errors import BadRequest
from engine.core.experiments import parse_request
from engine.core.request import Request, Result, build
from engine.data import uploads
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest
from engine.visualization.recipes import RECIPES
from engine.visualization.request import VisualizeRequest
from tests.engine.clips import IMAGE_SUMS, Desk
from tests.rounding import close, rounding

ASKED = {"model": "local/clip", "site": "blocks.1.mlp.hidden", "data": "squares", "reader": "local/clip"}
WORDS = "\n".join(["boat", "red", "green square", *(f"word {number}" for number in range(40))]).encode()


class Painter(Desk):
    """Computes everything but pictures: those of a unit are the image of the data set that excites it most."""

    def compute(self, request: Request) -> Result:
        if not isinstance(request, VisualizeRequest):
            return super().compute(request)
        index = super().compute(IndexRequest(model=request.model, site=request.site, data=request.data))
        dataset = open_dataset(request.data)
        images = [dataset.image(int(index.arrays["top_mean"][unit, 0])) for unit in request.units]
        return Result({}, {"images": np.stack(images)})


def ask(desk: Desk, **fields) -> Result:
    return desk.compute(build(PictureWordsRequest, **{**ASKED, "units": (3, 8), "vocabulary": voc(), **fields}))


def voc() -> str:
    """A small list of words that a person gave."""
    return f"voc-{uploads.keep_words(WORDS, 'words.txt')}"


def test_consistency_is_the_correlation_of_the_two_score_vectors():
    rng = np.random.default_rng(0)
    pictures, images, words = rng.normal(size=(3, 6)), rng.normal(size=(5, 6)), rng.normal(size=(40, 6))
    found = consistency(pictures, images, words)
    expected = [[np.corrcoef(words @ picture, words @ image)[0, 1] for image in images] for picture in pictures]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_picture_is_held_against_the_images_of_all_other_units():
    found = np.array([[0.9, 0.1, 0.2, 0.3], [0.0, 0.5, 0.4, 0.8]])
    table = compared(found, np.array([0, 2]))
    assert table.consistency.tolist() == [0.9, 0.4]
    np.testing.assert_allclose(table.others, [0.2, (0.0 + 0.5 + 0.8) / 3])
    np.testing.assert_allclose(table.z[0], (0.9 - 0.2) / 0.1)
    np.testing.assert_allclose(table.percentile, [100, 100 / 3])


def test_with_fewer_than_three_other_units_nothing_is_said_of_chance():
    table = compared(np.array([[0.9, 0.1, 0.2]]), np.array([0]))
    assert table.consistency[0] == 0.9 and table[["others", "z", "percentile"]].isna().all(axis=None)


def test_the_images_of_a_unit_are_its_strongest_a_tenth_of_all_at_most_and_those_that_the_reader_saw():
    seen, numbers = np.eye(30, dtype=np.float32)[[4, 2, 9]], np.array([4, 2, 9])
    top = np.array([[9, 4, 2, 0], [2, 7, 9, 4]])
    index = Result({}, {"top_mean": top}, {}, {"images": 30})
    close(of_strongest(index, numbers, seen)[0], np.eye(30)[[9, 4, 2]].mean(0), 3)
    close(of_strongest(index, numbers, seen)[1], np.eye(30)[[2, 9]].mean(0), 2)
    with pytest.raises(BadRequest, match="could be read"):
        of_strongest(Result({}, {"top_mean": np.array([[7, 8]])}, {}, {"images": 30}), numbers, seen)


def test_a_picture_that_is_the_units_own_strongest_image_says_the_same_words(person, monkeypatch):
    """Planted: with the one strongest image for all of a unit's images, both sides see the same."""
    monkeypatch.setattr("engine.concepts.pictures.of_strongest", lambda index, numbers, seen: seen[strongest(index)])

    def strongest(index: Result) -> np.ndarray:
        return index.arrays["top_mean"][:, 0]

    result = ask(Painter())
    table = result.tables["units"]
    np.testing.assert_allclose(table.consistency, 1, atol=rounding(*IMAGE_SUMS, 40))
    assert (result.arrays["picture_words"] == result.arrays["image_words"]).all() and (table.shared == 5).all()
    assert (table.z > 0).all()


def test_words_and_scores_are_those_of_a_plain_loop_over_words(person):
    desk = Painter()
    result = ask(desk, top=7)
    words = desk.compute(WordsRequest(reader="local/clip", vocabulary=voc()))
    _, seen = image_embeddings(desk, "local/clip", "squares")
    index = desk.compute(IndexRequest(model="local/clip", site=ASKED["site"], data="squares"))
    for row, unit in enumerate((3, 8)):
        images = seen[index.arrays["top_mean"][unit, :4]]
        scores = [np.mean(images @ word) - np.mean(seen @ word) for word in words.arrays["embedding"]]
        close(np.sort(scores)[::-1][:7], result.arrays["image_scores"][row], *IMAGE_SUMS, 40, 24)
        named = np.array(scores)[result.arrays["image_words"][row]]
        close(named, result.arrays["image_scores"][row], *IMAGE_SUMS, 40, 24)
        picture = seen[index.arrays["top_mean"][unit, 0]]
        scores = [picture @ word - np.mean(seen @ word) for word in words.arrays["embedding"]]
        close(np.sort(scores)[::-1][:7], result.arrays["picture_scores"][row], *IMAGE_SUMS, 40, 24)
    assert result.facts["words"] == words.facts["words"]


def test_a_reader_sees_the_same_in_a_picture_as_in_the_same_image_of_the_data_set(person):
    _, seen = image_embeddings(Desk(), "local/clip", "squares")
    images = np.stack([open_dataset("squares").image(number) for number in (0, 17)])
    close(embedded(reader_of("local/clip"), images), seen[[0, 17]], *IMAGE_SUMS)


def test_pictures_are_made_by_the_same_request_as_on_their_own_page(person, monkeypatch):
    monkeypatch.setitem(RECIPES, "fast", RECIPES["fast"].model_copy(update={"steps": 2}))
    desk = Desk()
    request = build(PictureWordsRequest, **ASKED, units=(3, 8), vocabulary=voc())
    result = desk.compute(request)
    assert isinstance(request, PictureWordsRequest) and request.pictures().key() in desk.kept
    again = Desk().compute(request)
    assert {name: array.tobytes() for name, array in again.arrays.items()} == {
        name: array.tobytes() for name, array in result.arrays.items()
    }
    pd.testing.assert_frame_equal(again.tables["units"], result.tables["units"])
    Result.from_blob(result.to_blob())
    assert parse_request(request.canonical()) == request


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"units": ()}, "units"),
        ({"units": (-1,)}, r"Units are counted from 0"),
        ({"units": (4000,)}, r"there is no unit 4000"),
        ({"recipe": "best"}, r"There is no recipe “best”"),
        ({"site": "blocks.9.residual"}, r"has no site “blocks.9.residual”"),
        ({"reader": "starter-vit"}, r"starter-vit has no text tower"),
        ({"vocabulary": "none"}, r"There is no vocabulary “none”"),
        ({"template": "{} and {}"}, "template"),
    ],
)
def test_bad_input_is_one_sentence(person, fields, sentence):
    with pytest.raises(BadRequest, match=sentence):
        ask(Desk(), **fields)
