"""The measures: what a plain loop over units gives, planted words found, and nothing that hangs on an order."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts import matching
from engine.concepts.matching import match, matched, strongest
from engine.core.choices import MEASURES
from tests.engine.concepts.planted import IMAGES, WORDS, embeddings, following, random_units, truth


def looped(measure: str, activations: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """The definitions once more, unit by unit and word by word, in double precision."""
    similarity = similarity.astype(np.float64)
    relative = similarity - similarity.mean(axis=1, keepdims=True)
    rows = []
    for unit in activations.T.astype(np.float64):
        if measure == "soft-wpmi":
            says = np.exp(10 * similarity)
            says /= says.sum(axis=1, keepdims=True)
            order = np.argsort(-unit)[: min(100, len(unit) // 10)]
            belongs = 0.998 - (0.998 - 0.97) * np.arange(len(order)) / len(order)
            rows.append(np.log(1 - belongs[:, None] * (1 - says[order]) + 1e-7).sum(axis=0))
        elif measure == "correlation":
            rows.append([np.corrcoef(unit, word)[0, 1] for word in relative.T])
        else:
            a, b = ((values - values.mean(axis=0)) ** 3 for values in (unit, relative))
            rows.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b, axis=0))
    found = np.array(rows)
    return found - np.log(np.exp(found).mean(axis=0)) if measure == "soft-wpmi" else found


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("block", [512, 7])
def test_a_measure_over_all_units_at_once_is_the_plain_loop_over_them(measure, block, monkeypatch):
    monkeypatch.setattr(matching, "BLOCK", block)
    monkeypatch.setattr(matching, "TOGETHER", 3)
    activations = np.concatenate([following(truth(), [3, 9], noise=0.3), random_units(5)], axis=1)
    similarity = embeddings(truth())
    np.testing.assert_allclose(
        match(measure, activations, similarity), looped(measure, activations, similarity), rtol=2e-5, atol=2e-4
    )


@pytest.mark.parametrize("images", [IMAGES, 137])
def test_the_strongest_images_are_a_hundred_but_at_most_a_tenth(images):
    activations = np.random.default_rng(0).standard_normal((images * 2, 3))
    assert strongest(activations).shape == (min(100, images * 2 // 10), 3)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_unit_that_is_a_words_truth_fits_that_word_best(measure):
    units = list(range(0, WORDS, 3))
    scores = match(measure, following(truth(), units, noise=0.1), embeddings(truth()))
    assert scores.argmax(axis=1).tolist() == units


@pytest.mark.parametrize("measure", MEASURES)
def test_the_order_of_the_images_changes_nothing(measure):
    activations, similarity = random_units(6), embeddings(truth())
    mixed = np.random.default_rng(5).permutation(IMAGES)
    np.testing.assert_allclose(
        match(measure, activations, similarity), match(measure, activations[mixed], similarity[mixed]), atol=2e-5
    )


@pytest.mark.parametrize("measure", MEASURES)
def test_what_fits_every_word_alike_does_not_count(measure):
    activations, similarity = random_units(6), embeddings(truth())
    brighter = similarity + np.linspace(0, 2, IMAGES)[:, None]
    np.testing.assert_allclose(
        match(measure, activations, similarity), match(measure, activations, brighter), atol=2e-4
    )


def test_images_that_a_unit_likes_equally_come_in_an_order_of_chance():
    """Otherwise a unit that is silent but for a few images would be named after the first images of the data set."""
    activations = np.zeros((IMAGES, 2), np.float32)
    activations[[500, 7], 1] = 2, 1
    dead, rare = strongest(activations).T
    assert sorted(dead) != list(range(len(dead))) and abs(dead.mean() - IMAGES / 2) < 80
    assert rare[:2].tolist() == [500, 7]


@pytest.mark.parametrize("measure", ["correlation", "cos-cubed"])
def test_a_unit_that_never_changes_scores_nothing(measure):
    activations = np.full((IMAGES, 1), 0.1, np.float32)
    assert not match(measure, activations, embeddings(truth())).any()


@pytest.mark.parametrize("measure", MEASURES)
def test_embeddings_give_the_scores_that_the_table_of_their_products_gives(measure, monkeypatch):
    monkeypatch.setattr(matching, "BLOCK", 16)
    random = np.random.default_rng(0)
    images, words = (random.standard_normal((count, 8)).astype(np.float32) / 3 for count in (IMAGES, WORDS))
    blocks = list(matched(measure, random_units(4), images, words))
    assert [block.words for block in blocks] == [slice(0, 16), slice(16, 32), slice(32, 40)]
    together = np.concatenate([block.units for block in blocks], axis=1)
    np.testing.assert_allclose(together, match(measure, random_units(4), images @ words.T), atol=2e-4)
