"""The test on the held-out half: AUROC by two routes, its interval, and ranks among a null."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.heldout import Null, Searched, aurocs, compared, intervals, rank_of, searched
from engine.concepts.purity.ranking import mid_ranks

IMAGES, WORDS = 240, 12


def world(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(seed).normal(size=(IMAGES, WORDS)), np.eye(WORDS)


def test_the_auroc_is_the_share_of_pairs_in_which_the_strong_image_fits_better() -> None:
    images, words = world()
    units = searched(np.arange(5), np.random.default_rng(1).normal(size=(IMAGES, 5)).astype(np.float32))
    fits = images @ (words - words.mean(axis=0)).T
    found = aurocs(mid_ranks(fits), units.strong)
    for unit in range(5):
        strong = units.strong[:, unit] > 0
        pairs = fits[strong, unit][:, None] > fits[~strong, unit]
        assert found[unit, unit] == pytest.approx(pairs.mean(), abs=1e-6)


def test_the_interval_is_wider_where_the_images_of_a_kind_are_alike() -> None:
    images, words = world()
    activations = np.random.default_rng(1).normal(size=(IMAGES, 3)).astype(np.float32)
    four = [np.repeat(values[: IMAGES // 4], 4, axis=0) for values in (images, activations)]
    alone, together = np.arange(IMAGES), np.repeat(np.arange(IMAGES // 4), 4)
    units = Searched(np.arange(3), np.repeat(searched(np.arange(3), activations[: IMAGES // 4]).strong, 4, axis=0))
    apart, alike = (intervals(units, four[0], words, kinds)[0] for kinds in (alone, together))
    # Four copies tell as much as one; 6 kinds hold a strong image, where 24 images of their own did.
    assert alike / apart == pytest.approx(2 * np.sqrt(6 / 5 / (24 / 23)), abs=0.1)


def test_a_p_value_is_a_rank_among_the_null() -> None:
    null = np.arange(1.0, 100.0)
    assert rank_of(np.array([0.0, 99.0, 99.5, 50.0]), null) == pytest.approx([1, 0.02, 0.01, 0.51])


def test_a_p_value_below_the_least_that_there_is_needs_more_than_any_auroc() -> None:
    null = Null(np.array([0.5]), np.array([0.1]), np.linspace(-3, 3, 99))
    word = np.zeros(1, int)
    assert np.isinf(null.needed(word, 0.009))
    assert null.needed(word, 0.01) == pytest.approx(0.8) and null.needed(word, 0.02) < 0.8


def test_a_word_that_many_members_of_the_null_follow_needs_a_larger_auroc() -> None:
    """Word 0 is easy: most members of the null lean to it, more or less. Word 1 is followed by none of them."""
    images, words = world()
    draws = np.random.default_rng(2)
    leaning = draws.normal(size=200) * images[:, :1] + draws.normal(size=(IMAGES, 200))
    null = searched(np.zeros(200, int), leaning.astype(np.float32))
    both = images[:, :2] + 0.7 * draws.normal(size=(IMAGES, 2))
    told, of_null, known = compared(searched(np.array([0, 1]), both.astype(np.float32)), {"twin": null}, images, words)
    assert told.auroc == pytest.approx(told.auroc.mean(), abs=0.05)
    assert told.p["twin"][0] > 0.05 > 0.01 > told.p["twin"][1]
    assert known["twin"].needed(told.words, 0.05)[0] > known["twin"].needed(told.words, 0.05)[1] + 0.1
    assert np.mean(of_null["twin"].p["twin"] <= 0.05) == pytest.approx(0.05, abs=0.01)
