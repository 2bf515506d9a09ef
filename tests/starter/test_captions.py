"""Captions of training scenes say some of what is true, and never a pair that is held out."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from starter.make.captions import Caption, caption, held_out, place_concept, truths
from starter.make.kinds import Kind, read_kinds
from starter.make.places import PLACES
from starter.make.train_clip import Concepts

VIOLIN = Kind(0, "violin", "1F3BB", "activities", "musical-instrument", ("instrument", "music"), "night")


@pytest.fixture(scope="module")
def said() -> list[tuple[Kind, str, Caption]]:
    rng, kinds, places = np.random.default_rng(0), read_kinds(), list(PLACES)
    out = []
    for _ in range(4000):
        kind, place = kinds[rng.integers(len(kinds))], places[rng.integers(len(places))]
        out.append((kind, place, caption(rng, kind, place)))
    return out


def test_every_caption_says_something_and_only_what_is_true(said) -> None:
    for kind, place, one in said:
        assert one.concepts
        assert one.concepts <= truths(kind, place)


def test_what_a_caption_says_can_be_read_in_it(said) -> None:
    for _, place, one in said:
        for concept in one.concepts - {place_concept(place)}:
            assert concept in one.text


def test_a_held_out_pair_of_a_word_and_a_place_is_never_said(said) -> None:
    pairs = [(word, place) for _, place, one in said if place_concept(place) in one.concepts for word in one.concepts]
    assert len(pairs) > 1000
    assert not any(held_out(word, place) for word, place in pairs if word != place_concept(place))


def test_a_fifth_of_all_pairs_is_held_out() -> None:
    tags = {tag for kind in read_kinds() for tag in kind.tags}
    share = np.mean([held_out(tag, place) for tag in tags for place in PLACES])
    assert 0.18 < share < 0.22


def test_the_parts_of_a_caption_come_in_any_order() -> None:
    rng = np.random.default_rng(1)
    first = Counter(caption(rng, VIOLIN, "room").text.split(", ")[0].split()[-1] for _ in range(400))
    assert {"violin", "music", "instrument", "room"} <= set(first)


def test_no_caption_reads_like_a_slip(said) -> None:
    starts = [one.text for _, _, one in said]
    assert not [text for text in starts if " a on " in text or " a in " in text or " a at " in text]


def test_a_caption_is_true_of_another_scene_where_all_that_it_says_holds() -> None:
    trumpet = Kind(1, "trumpet", "1F3BA", "activities", "musical-instrument", ("instrument", "music"), "night")
    concepts = Concepts([VIOLIN, trumpet])
    captions = [
        Caption("", frozenset({"music"})),
        Caption("", frozenset({"violin", "music"})),
        Caption("", frozenset({"music", place_concept("snow")})),
    ]
    scenes = [truths(VIOLIN, "snow"), truths(trumpet, "snow"), truths(trumpet, "sea")]
    assert concepts.true(captions, scenes).tolist() == [[True, True, True], [True, False, True], [True, False, False]]
