"""The order in which found units are shown: the text's own first, then those that follow something else more, together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.core.request import Result
from pages.sections.concepts.search import beside, in_order


def found(words_above: list[int], most: list[int]) -> Result:
    table = pd.DataFrame({"words_above": words_above})
    return Result({}, {"words": np.array(most)[:, None]}, {"units": table})


def test_units_of_the_text_itself_come_first_and_the_others_by_what_they_follow_more() -> None:
    night, sea, music = 0, 1, 2
    result = found([3, 1, 0, 2, 0, 5], [night, sea, music, night, music, sea])
    assert in_order(result) == [2, 4, 0, 3, 1, 5]


def test_a_unit_says_what_it_follows_more() -> None:
    assert beside({"words_above": 0}, "music") == "Follows no word more closely than this text."
    assert beside({"words_above": 1}, "night") == "Follows “night” more closely than this text."
    assert beside({"words_above": 3}, "night") == "Follows “night” and 2 other words more closely than this text."
