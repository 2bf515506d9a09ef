"""A comparison is told as a person would: who lies behind, by how much, and what could have been seen."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.request import Result
from engine.evaluation.comparison import Aligned, align
from engine.evaluation.telling import gap, leaning, points, sentence, shown, unseen

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
    """Two models, right in full on these shares of the images, and without background on the shares a and b."""
    none = first(0)
    return align([result("a", first(full[0]), first(a), none), result("b", first(full[1]), first(b), none)])


def test_a_model_falls_behind_where_it_was_level_on_whole_images() -> None:
    told = sentence(pair(0.40, 0.52))
    assert told.startswith("With the background blacked out, a falls 12 points behind b (10 to 14). ")
    assert told.endswith("Among the 900 images that both get right in full, a is 13 points behind b (11 to 16).")
    assert sentence(pair(0.52, 0.40)).startswith("With the background blacked out, b falls 12 points behind a")


def test_the_model_that_loses_more_without_the_background_leans_more_on_it() -> None:
    assert leaning(pair(0.40, 0.52)) == (
        "a leans more on the background than b: of the images that both get right in full it loses 13 points more (11 to 16) "
        "without it."
    )
    assert leaning(pair(0.52, 0.40)).startswith("b leans more on the background than a")


def test_where_neither_was_seen_to_lean_more_it_is_said_with_what_would_have_been_seen() -> None:
    told = leaning(pair(0.4, 0.4))
    assert told.startswith("Neither a nor b was seen to lean more on the background: no difference")
    assert leaning(pair(0.4, 0.4, full=(0.0, 0.9))) == "", "no image is right in full for both"


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
