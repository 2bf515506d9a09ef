"""A comparison is told as a person would: who lies behind, by how much, and what could have been seen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.core.request import Result
from engine.evaluation.comparison import Aligned, align, paired
from engine.evaluation.telling import (
    between,
    cuts,
    empty,
    every_place,
    gap,
    halves,
    moved,
    points,
    sentence,
    shown,
    unseen,
    without_background,
)

VARIANTS = [["full", ""], ["foreground", "black"], ["background", "black"]]


def result(model: str, *right: np.ndarray) -> Result:
    """A result that is right on these images (n,) of each variant."""
    n = len(right[0])
    top = np.zeros((n, 3, 5), np.int32)
    top[..., 0] = ~np.stack(right, 1)
    arrays = {"images": np.arange(n), "labels": np.zeros(n, np.int32), "top": top, "loss": np.ones((n, 3), np.float32)}
    return Result({"model": model, "data": "made"}, arrays, {}, {"variants": VARIANTS})


def first(share: float, n: int = 1000) -> np.ndarray:
    return np.arange(n) < share * n


def pair(a: float, b: float, full: tuple[float, float] = (0.9, 0.9)) -> Aligned:
    """Two models, right whole on these shares of the images, and without background on the shares a and b."""
    none = first(0)
    return align([result("a", first(full[0]), first(a), none), result("b", first(full[1]), first(b), none)])


def test_of_backgrounds_alone_accuracy_is_told_only_where_nobody_knows_what_lives_at_a_place() -> None:
    """From a place alone hardly any kind can be named, so that no difference could have been seen in how often one is."""
    plain = pair(0.40, 0.52)
    assert [each.split(",")[0] for each in cuts(plain)] == [
        "With the background blacked out",
        "With the object blacked out",
    ]
    known = replace(plain, lives=np.zeros(plain.top1.shape, bool))
    assert cuts(known) == [sentence(known)]


def test_a_model_falls_behind_where_it_was_level_on_whole_images() -> None:
    told = sentence(pair(0.40, 0.52))
    assert told.startswith("With the background blacked out, a falls 12 points behind b (10 to 14). ")
    assert told.endswith("Among the 900 images that both get right whole, a is 13 points behind b (11 to 16).")
    assert sentence(pair(0.52, 0.40)).startswith("With the background blacked out, b falls 12 points behind a")


def test_the_model_that_loses_more_is_told_with_what_filled_the_hole() -> None:
    assert without_background(pair(0.40, 0.52)) == (
        "With the background blacked out, a loses 13 points more than b (11 to 16), of the images that both get right whole."
    )
    assert without_background(pair(0.52, 0.40)).startswith(
        "With the background blacked out, b loses 13 points more than a"
    )


def test_one_fill_is_told_and_it_is_the_first() -> None:
    """Black costs a more; noise, which comes later, costs b three times as much and is not what the sentence is about."""
    variants = [["full", ""], ["foreground", "black"], ["foreground", "noise"]]
    two = [result("a", first(0.9), first(0.4), first(0.8)), result("b", first(0.9), first(0.5), first(0.1))]
    for one in two:
        one.facts["variants"] = variants
    told = without_background(align(two))
    assert told.startswith("With the background blacked out, a loses 11 points more than b") and "leans" not in told


def test_of_three_models_the_sentence_says_which_two_it_is_about() -> None:
    three = align(
        [result(name, first(0.9), first(share), first(0)) for name, share in (("a", 0.5), ("b", 0.3), ("c", 0.6))]
    )
    told = without_background(three)
    assert told.startswith(
        "With the background blacked out (of 3 models, the two furthest apart), b loses 33 points more"
    )
    assert "than c" in told and "that all get right" in told


def test_where_no_loss_was_seen_to_be_larger_it_is_said_with_what_would_have_been_seen() -> None:
    told = without_background(pair(0.4, 0.4))
    assert told.startswith(
        "With the background blacked out, neither a nor b was seen to lose more of the images that both"
    )
    assert "would have been, in 80% of samples" in told
    assert without_background(pair(0.4, 0.4, full=(0.0, 0.9))) == "", "no image is right whole for both"


def test_a_model_that_was_behind_already_is_behind() -> None:
    assert "a is 12 points behind b" in sentence(pair(0.40, 0.52, full=(0.8, 0.95)))


def test_where_nothing_was_seen_it_is_said_once_with_what_could_have_been_seen() -> None:
    told = sentence(pair(0.4, 0.4), "background")
    assert told == (
        "With the object blacked out, no difference between a and b was seen (−0.3 to 0.3 points); one of 0.4 points would "
        "have been, in 80% of samples."
    )
    assert "+0.0" not in told and "significant" not in told


def test_of_several_models_those_furthest_apart_are_told() -> None:
    none, full = first(0), first(0.9)
    three = align([result(name, full, first(share), none) for name, share in (("a", 0.5), ("b", 0.3), ("c", 0.6))])
    assert sentence(three).startswith("With the background blacked out (of 3 models), b falls 30 points behind c")


def test_the_largest_of_several_differences_is_told_with_an_interval_that_allows_for_the_choice() -> None:
    """Four models that are equally good: a plain interval of the largest of their six differences often leaves out zero."""
    draws, seen = np.random.default_rng(5), 0
    for _ in range(200):
        right = [draws.random(400) < 0.6 for _ in range(4)]
        every = [result(name, first(1, 400), alone, first(0, 400)) for name, alone in zip("abcd", right, strict=True)]
        told = without_background(align(every))
        seen += "loses" in told
    assert seen <= 16, "5% of 200 and twice their spread"


def test_sentences_of_all_pairs_on_what_lives_at_a_place_rarely_find_a_difference_among_equals() -> None:
    """Four models whose answers live at the place equally often: six pairs, and one of them is told apart in 5% of draws."""
    draws, seen = np.random.default_rng(6), 0
    for _ in range(200):
        every = [result(name, first(1, 400), first(1, 400), first(0, 400)) for name in "abcd"]
        lives = np.repeat((draws.random((4, 400)) < 0.4)[..., None], 3, axis=2)
        told = every_place(replace(align(every), lives=lives))
        assert len(told) == 6
        seen += any("more often" in sentence for sentence in told)
    assert seen <= 16, "5% of 200 and twice their spread"


def test_of_two_models_nothing_is_chosen() -> None:
    two = pair(0.40, 0.52)
    row = next(row for row in paired(two) if row["variant"] == "foreground")
    assert points((-row["interval"][1], -row["interval"][0])) in sentence(two)


@pytest.mark.parametrize(
    ("variant", "fill", "said"),
    [
        ("full", "", "On whole images"),
        ("foreground", "blur", "With the background blurred"),
        ("background", "mean", "With the object replaced by its mean colour"),
    ],
)
def test_what_was_done_to_the_images_is_said_in_words(variant: str, fill: str, said: str) -> None:
    assert shown(variant, fill) == said


def test_points_have_a_decimal_place_only_where_the_interval_is_narrow() -> None:
    assert points((0.0812, 0.1623)) == "8 to 16" and points((-0.0072, 0.0072)) == "−0.7 to 0.7"
    row = {"a": "x", "b": "y", "difference": -0.118, "interval": (-0.163, -0.072), "smallest": 0.065}
    assert gap(row) == "12 points (7 to 16)"
    assert unseen({**row, "interval": (-0.05, 0.02)}).startswith(
        "no difference between x and y was seen (−5 to 2 points)"
    )


def test_cutoffs_are_told_apart_or_with_what_would_have_told_them_apart() -> None:
    row = {"a": "x", "b": "y", "level": 0.95, "half_cutoff": [-0.035, -0.041, -0.03]}
    assert halves(row) == "On the same images, x's cut-off is 0.035 of Nyquist (0.030 to 0.041) below y's."
    assert "y's cut-off is 0.035 of Nyquist" in halves(row | {"half_cutoff": [0.035, 0.03, 0.041]})
    assert halves(row | {"half_cutoff": [0.001, -0.007, 0.007]}) == (
        "No difference between the cut-offs of x and y was seen (−0.007 to 0.007); one of 0.010 of Nyquist would have been, in "
        "80% of samples."
    )
    assert "one of 0.009 of Nyquist" in halves(row | {"half_cutoff": [0.001, -0.007, 0.007], "level": 1 - 0.05 / 6}), (
        "an interval of a higher level reaches further, for the same spread"
    )
    assert halves(row | {"half_cutoff": None}) == ""


def test_an_open_interval_says_what_is_known_of_it() -> None:
    assert between(0.084, 0.0891) == "0.084 to 0.089" and between(-0.01, 0.02, 2) == "−0.01 to 0.02"
    assert between(-math.inf, 0.089) == "at most 0.089" and between(0.084, math.inf) == "at least 0.084"
    assert between(-math.inf, math.inf) == between(math.nan, math.nan) == "interval unknown"
    row = {"a": "x", "b": "y", "level": 0.95, "half_cutoff": [-0.035, -math.inf, -0.03]}
    assert halves(row) == "On the same images, x's cut-off is 0.035 of Nyquist (at least 0.030) below y's."
    told = halves(row | {"half_cutoff": [-0.035, -math.inf, 0.01]})
    assert "was seen (at most 0.010); which would have been is not known" in told


def test_what_moving_the_object_costs_is_told_of_the_one_that_loses_more_or_what_could_have_been_seen() -> None:
    row = {"a": "x", "b": "y", "difference": 0.05, "interval": (0.02, 0.08), "smallest": 0.04}
    assert moved(row) == "When the object is moved, x loses 5 points more than y (2 to 8)."
    turned = row | {"difference": -0.05, "interval": (-0.08, -0.02)}
    assert moved(turned) == "When the object is moved, y loses 5 points more than x (2 to 8)."
    assert moved(row | {"difference": -0.02, "interval": (-0.06, 0.01)}) == (
        "When the object is moved, no difference between x and y was seen (−6 to 1 points); one of 4 points would have been, "
        "in 80% of samples."
    )


def test_answers_to_empty_places_are_told_of_the_one_that_lives_there_more_often_or_what_could_have_been_seen() -> None:
    row = {"a": "x", "b": "y", "difference": -0.039, "interval": (-0.063, -0.014), "smallest": 0.035}
    assert empty(row) == "Shown the empty place, y names a kind that lives there 4 points more often (1 to 6) than x."
    assert empty(row | {"interval": (-0.063, 0.014)}).endswith("one of 4 points would have been, in 80% of samples.")
