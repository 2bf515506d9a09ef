"""Conclusions about purity claim no more than the intervals; labels are compared with known concepts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.concepts.purity.request import compare, difference, names_against_truth, too_few
from engine.core.errors import BadRequest
from engine.core.request import Result
from engine.core.statistics import Z, share


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The score interval that Newcombe's method 10 starts from."""
    at, spread = hits / n, Z * Z / n
    half = Z * (at * (1 - at) / n + spread / (4 * n)) ** 0.5
    return (at + spread / 2 - half) / (1 + spread), (at + spread / 2 + half) / (1 + spread)


def shares(beyond: int, n: int = 400) -> dict:
    low, high = wilson(beyond, n)
    row = {"units": n, "independent": n, "beyond_likeness": beyond / n}
    row |= {"beyond_likeness_low": low, "beyond_likeness_high": high}
    return {**row, "twin": 0.03, "directions": 0.07, "shuffled": 0.05}


def told(model: str, language: bool, beyond: int, images: int = 1698) -> Result:
    facts = {"language": language, "concepts": 148, "images": images}
    return Result({"model": model, "data": "starter"}, {}, {"overall": pd.DataFrame([shares(beyond)])}, facts)


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # Newcombe (1998), table II, first column, method 10: 56/70 against 48/80.
    ends = ("beyond_likeness_low", "beyond_likeness_high")
    rows = [{"beyond_likeness": a / n, **dict(zip(ends, wilson(a, n), strict=True))} for a, n in ((56, 70), (48, 80))]
    value, low, high = difference(*rows)
    assert (value, low, high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_the_sentence_holds_language_against_labels_in_whatever_order_they_come() -> None:
    clip, vit = told("clip", True, 160), told("vit", False, 80)
    said = compare([vit, clip])
    assert said == compare([clip, vit])
    assert said.startswith(
        "40.0% (35.3% to 44.9%) of clip's units follow a concept beyond likeness, 20.0% (16.4% to 24.2%) of vit's: +20.0 points"
    )
    assert "vit: untrained 3.0%, random directions 7.0%, shuffled tags 5.0%" in said
    assert said.endswith("The language-supervised clip has more such units than vit.")


def test_a_difference_that_is_not_seen_says_which_one_would_have_been() -> None:
    said = compare([told("clip", True, 80), told("vit", False, 76)])
    assert said.endswith(
        "No difference between the language-supervised clip and vit was seen; one of 7.9 points or more would have been, in "
        "80% of cases."
    )
    assert compare([told("clip", True, 80), told("vit", False, 160)]).endswith("clip has fewer such units than vit.")


def test_nothing_is_said_of_language_where_both_or_neither_have_it() -> None:
    assert "anguage" not in compare([told("vit", False, 160), told("cnn", False, 80)])
    assert compare([told("vit", False, 80)]).endswith("untrained 3.0%, random directions 7.0%, shuffled tags 5.0%.")


def test_results_of_different_images_are_not_compared() -> None:
    with pytest.raises(BadRequest, match="computed on different images"):
        compare([told("a", True, 1), told("b", False, 1, images=12)])
    with pytest.raises(BadRequest, match="No result"):
        compare([])


def naming(first: list[list[str]], abstained: list[bool], site: str = "s", model: str = "m") -> Result:
    words = sorted({word for names in first for word in names})
    numbers = np.array([[words.index(word) for word in names] for names in first], np.int32)
    return Result(
        {"model": model, "data": "starter", "site": site},
        {"words": numbers, "abstained": np.array(abstained)},
        facts={"words": words},
    )


def held(tags: list[str], concept: list[bool]) -> Result:
    units = pd.DataFrame({"site": "s", "unit": range(len(tags)), "tag": tags, "beyond_likeness": concept})
    names = {"fairy": "fairy, fairytale", "tree": "tree", "sea": "sea", "cold": "cold"}
    concepts = pd.DataFrame({"tag": [*names], "names": [*names.values()]})
    request = {"model": "m", "data": "starter", "role": "mlp.hidden"}
    return Result(request, tables={"units": units, "concepts": concepts})


def test_names_are_right_where_they_contain_the_concept_as_a_word() -> None:
    names = [
        ["Christmas tree", "x", "x", "x", "x"],  # right at once
        ["x", "a fairytale", "x", "x", "x"],  # right among five, by another tag of the same kinds
        ["seal", "x", "x", "x", "x"],  # not the word "sea"
        ["tree", "x", "x", "x", "x"],  # no concept unit
        ["cold", "x", "x", "x", "x"],  # has no name
    ]
    found = names_against_truth(
        naming(names, [False, False, False, False, True]),
        held(["tree", "fairy", "sea", "sea", "cold"], [True, True, True, False, True]),
    )
    assert (found["units"], found["named"], found["sayable"]) == (4, 3, 2)
    assert found["top1"] == pytest.approx(1 / 3)
    assert found["top5"] == pytest.approx(2 / 3)
    assert found["top1_interval"] == pytest.approx(share(1, 3))
    assert found["chance1"] == found["chance5"] == 0  # nobody else's names would have been right


def test_by_chance_names_are_right_as_often_as_others_names_are() -> None:
    names = [["tree", "sea"], ["tree", "x"], ["sea", "x"]]
    found = names_against_truth(naming(names, [False] * 3), held(["tree", "tree", "sea"], [True] * 3))
    assert found["top1"] == 1
    assert found["chance1"] == pytest.approx(2 / 6)  # the two trees have each other's names
    assert found["chance5"] == pytest.approx(3 / 6)  # and the sea has the first one's second name


def test_without_concept_units_nothing_is_claimed_of_their_names() -> None:
    found = names_against_truth(naming([["tree"], ["sea"]], [False, False]), held(["tree", "sea"], [False, False]))
    assert found["top1"] is None
    assert found["chance5"] is None
    assert found["top1_interval"] == [0.0, 1.0]


def test_names_and_truth_of_different_models_or_sites_are_refused() -> None:
    with pytest.raises(BadRequest, match="different model"):
        names_against_truth(naming([["tree"]], [False], model="n"), held(["tree"], [True]))
    with pytest.raises(BadRequest, match="is not one of them"):
        names_against_truth(naming([["tree"]], [False], site="t"), held(["tree"], [True]))


def test_how_few_concept_units_cannot_be_found_follows_from_permutations_and_units() -> None:
    def of(sizes: list[int], permutations: int) -> Result:
        facts = {"permutations": permutations, "level": 0.05}
        return Result({}, {}, {"layers": pd.DataFrame({"units": sizes})}, facts)

    assert too_few([of([768, 768], 1000)]).startswith("Fewer than 16 concept units of a layer of 768 cannot be found")
    assert too_few([of([768], 1000), of([96, 192], 1000)]).startswith(
        "Fewer than 2 to 16 concept units of a layer of 96 to 768"
    )
    assert "below 1/201, after" in too_few([of([40], 200)]) and too_few([of([40], 1000)]) == ""
