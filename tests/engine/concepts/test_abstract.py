"""Abstract words among names: judged by a list, and only where the list says something."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.concepts.abstract import STARTER, abstract_shares, split_of, starter_split
from engine.core.errors import BadRequest
from engine.core.request import Result
from engine.core.statistics import share


def naming(firsts: list[str], abstained: list[bool], site: str = "a") -> Result:
    words = ["music", "dog", "nobody knows", "cold"]
    arrays = {"words": np.array([[words.index(first), 0] for first in firsts]), "abstained": np.array(abstained)}
    return Result({"model": "m", "site": site}, arrays, facts={"words": words})


def test_the_starters_split_judges_every_tag_kind_and_place_once() -> None:
    split = starter_split()
    kinds = json.loads((STARTER.parent / "kinds.json").read_text(encoding="utf-8"))
    said = {word for kind in kinds for word in [kind["name"], kind["home_place"], *kind["tags"]]}
    assert {word for word in said if split.abstract(word) is None} == set()
    lines = STARTER.read_text(encoding="utf-8").splitlines()[1:]
    assert len(lines) == len({line.rpartition(",")[0] for line in lines}) == len(said)
    assert all(split.abstract(word) for word in ("love", "music", "religion", "four", "10:30", "fast"))
    assert not any(split.abstract(word) for word in ("dog", "sand", "red", "moon", "street"))


def test_abstract_is_what_lies_below_the_middle_of_the_scores() -> None:
    split = split_of("ratings", ["Love", "dog", "air", "edge"], [1.0, 5.0, 3.5, 3.0])
    assert [split.abstract(word) for word in ("love", "LOVE", "dog", "air", "edge", "other")] == [
        True, True, False, False, False, None,
    ]  # fmt: skip


def test_a_list_that_cannot_split_words_is_refused_with_a_sentence() -> None:
    with pytest.raises(BadRequest, match="“words” has no scores"):
        split_of("words", ["a"], None)
    with pytest.raises(BadRequest, match="the same score"):
        split_of("words", ["a", "b"], [2.0, 2.0])
    for score in (float("nan"), float("inf")):
        with pytest.raises(BadRequest, match="not a finite number"):
            split_of("words", ["a", "b", "c"], [1.0, 2.0, score])


def test_shares_count_named_units_whose_word_is_judged() -> None:
    split = split_of("s", ["music", "cold", "dog"], [0.0, 0.0, 1.0])
    first = naming(["music", "dog", "dog", "nobody knows", "music"], [False, False, False, False, True])
    table = abstract_shares([first, naming(["dog"], [True], "b")], split)
    row = table.iloc[0]
    assert (row["units"], row["named"], row["judged"], row["abstract"]) == (5, 4, 3, 1)
    assert row["share"] == pytest.approx(1 / 3)
    assert (row["low"], row["high"]) == pytest.approx(share(1, 3))
    assert row["vocabulary"] == pytest.approx(2 / 3)
    assert table["site"].tolist() == ["a", "b"]
    assert np.isnan(table.iloc[1]["share"])
    assert (table.iloc[1]["low"], table.iloc[1]["high"]) == (0, 1)
