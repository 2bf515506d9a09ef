"""Models compared on the same images: known differences, and a control that takes mere strength out of them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from engine.core.errors import BadRequest
from engine.core.request import Result
from engine.core.statistics import estimate, mcnemar
from engine.evaluation.comparison import align, disagreement, log_odds, matched, paired, robustness, telling
from engine.evaluation.telling import sentence

VARIANTS = [["full", ""], ["foreground", "black"], ["background", "black"]]


def result(model: str, right: np.ndarray, images: np.ndarray | None = None) -> Result:
    """A result whose answers are right (class 0) where `right` (n, 3) says so."""
    n = len(right)
    top = np.full((n, 3, 5), 9, np.int32)
    top[..., 0] = np.where(right, 0, 7)
    arrays = {
        "images": np.arange(n, dtype=np.int32) if images is None else images,
        "labels": np.zeros(n, np.int32),
        "top": top,
        "loss": np.where(right, 0.1, 3.0).astype(np.float32),
    }
    return Result({"model": model, "data": "made"}, arrays, {}, {"variants": VARIANTS})


def chances(n: int, full: float, behind: float, seed: int) -> np.ndarray:
    draws = np.random.default_rng(seed).random((n, 3))
    return draws < np.array([full, 0.5, behind])


def test_only_common_images_are_compared():
    whole = np.zeros((6, 3), bool)
    whole[::2] = True
    part = align([result("a", whole), result("b", whole[2:5], np.array([2, 3, 4], np.int32))])
    assert part.images.tolist() == [2, 3, 4]
    np.testing.assert_array_equal(part.top1[0], part.top1[1])
    with pytest.raises(BadRequest, match="no images in common"):
        align([result("a", whole), result("b", whole, np.arange(10, 16, dtype=np.int32))])


def test_paired_differences_are_those_of_the_images():
    a, b = np.zeros((100, 3), bool), np.zeros((100, 3), bool)
    a[:30, 2], b[:10, 2] = True, True
    rows = {row["variant"]: row for row in paired(align([result("a", a), result("b", b)]))}
    assert rows["background"]["difference"] == pytest.approx(0.2)
    low, high = rows["background"]["interval"]
    assert 0.1 < low < 0.2 < high < 0.3
    assert rows["background"]["p"] == pytest.approx(2 * 0.5**20)
    low, high = rows["full"]["interval"]
    assert rows["full"]["difference"] == 0 and low == -high < -0.02 and rows["full"]["p"] == 1, (
        "alike on 100 images only"
    )
    assert 0.1 < rows["background"]["smallest"] < 0.25


def test_a_model_that_is_merely_stronger_differs_before_the_control_and_not_after_it():
    """Both read the background right on the same share of the images that they get right: one is just right more often."""
    n = 3000
    draws = np.random.default_rng(4)
    strong, weak = draws.random(n) < 0.9, draws.random(n) < 0.5
    a = np.stack([strong, strong, strong & (draws.random(n) < 0.3)], 1)
    b = np.stack([weak, weak, weak & (draws.random(n) < 0.3)], 1)
    models = align([result("a", a), result("b", b)])
    raw = next(row for row in paired(models) if row["variant"] == "background")
    fair = next(row for row in matched(models)["paired"] if row["variant"] == "background")
    assert raw["interval"][0] > 0.05
    assert fair["interval"][0] < 0 < fair["interval"][1]
    assert fair["n"] == matched(models)["n"] == (strong & weak).sum()
    assert "right whole, no difference between a and b was seen (" in sentence(models, "background")
    assert "); one of 5 points would have been" in sentence(models, "background")


def test_a_model_that_relies_on_the_background_differs_after_the_control_too():
    a, b = chances(2000, 0.8, 0.5, 1), chances(2000, 0.8, 0.1, 2)
    told = sentence(align([result("a", a), result("b", b)]), "background")
    assert re.search(r"images that both get right whole, b is \d+ points behind a \(\d+ to \d+\)\.$", told)
    assert "No image is classified correctly whole by all" in sentence(align([result("a", a), result("b", b & False)]))


def test_effective_robustness_is_the_distance_from_the_line():
    """Three models on one line of log-odds and a fourth that is above it on background."""
    n = 1000

    def model(name: str, full: int, behind: int) -> Result:
        right = np.zeros((n, 3), bool)
        right[:full, 0], right[:behind, 2] = True, True
        return result(name, right)

    three = [model("a", 500, 200), model("b", 731, 400), model("c", 881, 640)]
    line = robustness(align(three))
    assert line["line"]["slope"] == pytest.approx(1, abs=0.05)
    assert max(abs(point["above"]) for point in line["points"]) < 0.05
    four = robustness(align([*three, model("d", 731, 700)]))
    assert four["points"][3]["above"] == max(point["above"] for point in four["points"]) > 0.5
    assert robustness(align(three[:2]))["line"] is None, "two points always lie on a line"
    assert log_odds(0.0, 100) == pytest.approx(-log_odds(1.0, 100)) == pytest.approx(np.log(0.005 / 0.995))


def test_results_of_other_data_are_not_compared():
    other = result("b", np.zeros((4, 3), bool))
    other.request["data"] = "else"
    with pytest.raises(BadRequest, match="These results differ in"):
        align([result("a", np.zeros((4, 3), bool)), other])


@pytest.mark.parametrize(("how", "values"), [("cut", ("box", "mask")), ("filter", ("ideal", "gaussian"))])
def test_results_made_in_another_way_are_not_compared(how, values):
    """The variants have the same names, whatever an object was cut by and whatever edge a filter has."""
    one, other = (result(name, np.ones((4, 3), bool)) for name in "ab")
    one.facts[how], other.facts[how] = values
    with pytest.raises(BadRequest, match="These results differ in"):
        align([one, other])
    other.facts[how] = one.facts[how]
    assert len(align([one, other]).images) == 4


def test_ratios_and_mcnemar_at_known_values():
    above = np.array([1, 0, 0, 0], bool)
    below = np.array([1, 1, 0, 0], bool)
    ratio = estimate(above, below)
    assert ratio.value == 0.5 and ratio.low == 0 and ratio.high > 1, "of four images"
    a, b = np.zeros(10, bool), np.zeros(10, bool)
    a[:5] = True
    assert mcnemar(a, b) == pytest.approx(2 / 32)
    assert mcnemar(a, a) == 1


def test_images_are_sorted_by_how_far_the_models_are_apart():
    a, b = np.ones((4, 3), bool), np.ones((4, 3), bool)
    b[1], b[2, 2] = False, False
    apart = disagreement(align([result("a", a), result("b", b)]))
    whole = np.exp(-0.1) - np.exp(-3.0)
    np.testing.assert_allclose(apart, [0, whole, whole / 3, 0], rtol=1e-6)


def test_the_first_images_show_how_models_differ_in_the_proportion_in_which_they_do():
    """Without background, b alone is right on 40 of 100 images and a alone on 20; on the first 10 b is wrong whole."""
    a, b = np.ones((100, 3), bool), np.ones((100, 3), bool)
    a[10:50, 1], b[50:70, 1], b[:10] = False, False, False
    order = telling(align([result("a", a), result("b", b)]))
    first = order[:6]
    assert sum((first >= 10) & (first < 50)) == 4 and sum((first >= 50) & (first < 70)) == 2
    assert sorted(order) == list(range(100)) and set(order[:60]) == set(range(10, 70))
