"""What a search says: the text's own units first, the others by what they follow more, each number beside chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.core.request import Result
from engine.data.dataset import Dataset
from pages.common import results
from pages.sections.concepts.search import against_chance, beside, finding, groups, independent, next_words, why
from pages.sections.concepts.view import ConceptsView

VIEW = ConceptsView(a="m", b="n", text="music")


def found(words_above: list[int], most: list[int], facts: dict | None = None) -> Result:
    table = pd.DataFrame({"words_above": words_above})
    known = {"words": ["night", "sea", "music"], **(facts or {})}
    return Result({}, {"words": np.array(most)[:, None]}, {"units": table}, known)


def with_own(units: int, above_chance: bool = True) -> Result:
    return Result({}, {}, {}, {"own": units, "found": above_chance})


def test_units_of_the_text_itself_stand_alone_and_the_others_by_what_they_follow_more_the_best_units_group_first() -> (
    None
):
    result = found([3, 1, 0, 2, 0, 5, 4], [0, 1, 2, 1, 2, 0, 1])
    assert groups(result) == ([2, 4], [("night", [0, 5]), ("sea", [1, 3, 6])])


def test_how_many_units_follow_the_text_most_is_said_of_each_model() -> None:
    said = finding(VIEW, {"a": with_own(1), "b": with_own(1200)})
    assert said == "1 unit of :blue[m] and 1,200 of :orange[n] correlate higher with “music” than with any other word"
    assert finding(VIEW, {"a": with_own(0), "b": with_own(0)}).startswith(
        "No unit of :blue[m] and none of :orange[n] correlate "
    )
    assert (
        finding(VIEW, {"a": with_own(1)})
        == "1 unit of :blue[m] correlates higher with “music” than with any other word"
    )


def test_a_text_that_nothing_follows_more_than_chance_has_no_units_of_its_own() -> None:
    nothing = with_own(0, above_chance=False)
    assert finding(VIEW, {"a": nothing, "b": nothing}) == "No unit follows “music” more than chance"
    assert "1 of :orange[n]" in finding(VIEW, {"a": nothing, "b": with_own(1)})


def test_a_unit_says_how_closely_it_follows_the_text_and_what_comes_before_or_after_it() -> None:
    follows = [("music", 0.61), ("song", 0.5), ("band", 0.4), ("night", 0.3)]
    own = why({"score": 0.61, "words_above": 0}, {"text": "music"}, follows, "a", 100)
    assert own == ":blue[***r* 0.61**] :small[(0.47 to 0.72)]  \n:small[then song 0.50, band 0.40]"
    other = why({"score": 0.45, "words_above": 2}, {"text": "music"}, follows[1:], "b", 100)
    assert other == ":orange[***r* 0.45**] :small[(0.28 to 0.59)]  \n:small[before it song 0.50, band 0.40]"


def of_the_text(scores: list[float], following: list[float]) -> Result:
    """Units that correlate highest with “music” and next with “night”, and one that correlates higher with “night”."""
    table = pd.DataFrame({"words_above": [*[0] * len(scores), 1], "score": [*scores, 0.2]})
    words = np.array([*[[2, 0]] * len(scores), [0, 2]])
    numbers = np.array([*([s, n] for s, n in zip(scores, following, strict=True)), [0.3, 0.2]], np.float32)
    facts = {"text": "music", "words": ["night", "sea", "music"], "own": len(scores)}
    return Result({}, {"words": words, "word_scores": numbers}, {"units": table}, facts)


def test_the_next_word_is_named_with_its_correlation_and_how_often_it_is_level() -> None:
    told = next_words(of_the_text([0.35, 0.34, 0.3], [0.346, 0.338, 0.2]))
    assert (
        "Of the 3 such units shown 2 have a next word less than 0.01 behind; that of the first is “night”, 0.35" in told
    )
    assert "Only the 256 units with the highest *r* of each site are compared with words." in told
    told = next_words(of_the_text([0.35], [0.2]))
    assert "The next word of the one such unit shown is “night”, 0.20 against 0.35." in told


def test_a_text_that_is_the_only_word_has_no_next_one() -> None:
    alone = of_the_text([0.35], [0.2])
    alone.arrays["words"] = alone.arrays["words"][:, :1]
    alone.arrays["word_scores"] = alone.arrays["word_scores"][:, :1]
    assert "The next word" not in next_words(alone) and "256 units" in next_words(alone)


def test_a_unit_says_on_hover_what_it_follows_more() -> None:
    music, night = [("music", 0.61), ("song", 0.5)], [("night", 0.5)]
    assert beside({"words_above": 0, "z": 20.0}, music).startswith("Follows no word more closely than this text. ")
    assert beside({"words_above": 0, "z": 20.0}, music).endswith("With words: music 0.61, song 0.50.")
    assert beside({"words_above": 1, "z": 20.0}, night).startswith("Follows “night” more closely than this text.")
    assert beside({"words_above": 3, "z": 20.0}, night).startswith("Follows “night” and 2 other words more closely")


class Kinds(Dataset):
    """Four images of each of 25 kinds."""

    name = "kinds"

    def _fingerprint(self) -> str:
        return "kinds"

    def __len__(self) -> int:
        return 100

    def image(self, index: int) -> np.ndarray:
        return np.zeros((8, 8, 3), np.uint8)

    def label(self, index: int) -> int:
        return index // 4

    def describe(self, index: int) -> dict:
        return {"id": index}


def test_images_of_a_kind_count_once_as_they_do_in_the_chance_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "dataset", lambda name: Kinds())
    assert independent("kinds", np.arange(100)) == 25
    assert independent("kinds", np.arange(0, 100, 4)) == 25


def test_the_intervals_of_the_best_units_are_said_not_to_be_corrected_for_their_choice() -> None:
    facts = {"found": True, "above": 12, "searched": 6144, "best": 0.6, "chance": 0.3}
    told = against_chance(found([3], [0], facts | {"own": 0}))
    assert "Which word" not in told, "no unit correlates highest with the text"
    assert "not corrected for the choice of the best among 6,144 units" in told
