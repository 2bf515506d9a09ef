"""Numbers and scenes in words, with known answers."""

from __future__ import annotations

import pytest

from pages.common import words


@pytest.mark.parametrize("seconds, text", [(0.2, "1 s"), (42, "42 s"), (150, "2 min"), (4200, "1 h 10 min")])
def test_time_is_told_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize("count, text", [(0, "0 B"), (1500, "1.5 kB"), (340e6, "340 MB"), (23.51e9, "23.5 GB")])
def test_sizes_are_told_in_the_unit_that_fits(count: float, text: str) -> None:
    assert words.size(count) == text


def test_numbers_have_three_digits_and_a_real_minus() -> None:
    assert words.number(-0.123456) == "−0.123" and words.number(float("nan")) == "not a number"


@pytest.mark.parametrize(
    "percentile, text", [(99.96, "99.9% of 50"), (100.0, "all 50"), (40.0, "40.0% of 50"), (99.7, "99.7% of 50")]
)
def test_what_is_not_above_all_is_not_above_100_percent(percentile: float, text: str) -> None:
    assert words.among(percentile, "50") == text


@pytest.mark.parametrize(
    "parts",
    [
        *("basket-ball", "tooth-brush", "paint-brush", "flash-light", "skate-board", "screw-driver", "straw-berry"),
        *("water-melon", "micro-scope", "stetho-scope", "heli-copter", "thermo-meter", "auto-mobile", "fire-cracker"),
        *("depart-ment", "construc-tion", "hippo-potamus", "Motor-cycle"),
    ],
)
def test_long_words_may_break_where_a_syllable_begins(parts: str) -> None:
    assert words.breakable(parts.replace("-", "")) == parts.replace("-", words.SOFT_HYPHEN)


@pytest.mark.parametrize(
    "text", ["umbrella", "cityscape", "sunglasses", "eight-thirty", "IMG_0123456789.jpg", "strengths", ""]
)
def test_what_is_short_or_has_no_sound_place_stays_whole(text: str) -> None:
    assert words.breakable(text) == text


def test_names_under_small_pictures_may_break_but_are_no_shorter_for_it() -> None:
    assert words.short({"id": 5, "kind": "basketball"}) == "basket\u00adball"
    assert words.short({"id": 6, "kind": "red basketball!"}) == "red basket\u00adball!"
    assert words.scene({"id": 5, "kind": "basketball"}) == "basketball"


def test_a_scene_is_called_after_its_object_and_an_empty_one_after_its_place() -> None:
    assert words.short({"id": 1, "kind": "owl", "place": "wood", "variant": "home"}) == "owl"
    assert words.short({"id": 2, "kind": "owl", "place": "wood", "variant": "place"}) == "wood"
    assert words.short({"id": 3, "name": "cat.jpg"}) == "cat.jpg"
    assert words.short({"id": 4, "kind": "open mailbox with raised flag"}) == "open mailbox…"


def test_a_site_is_called_by_its_place() -> None:
    sites = ("blocks.11.mlp.hidden", "stages.2.blocks.1", "stem")
    assert [words.depth(site) for site in sites] == ["block 11", "stage 2, block 1", "stem"]


def test_images_are_called_scenes_only_where_they_are() -> None:
    assert words.shows("starter") == "scene" and words.shows("photos") == words.shows("mine") == "image"
