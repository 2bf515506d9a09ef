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


def test_a_scene_is_called_after_its_object_and_an_empty_one_after_its_place() -> None:
    assert words.short({"id": 1, "kind": "owl", "place": "wood", "variant": "home"}) == "owl"
    assert words.short({"id": 2, "kind": "owl", "place": "wood", "variant": "place"}) == "wood"
    assert words.short({"id": 3, "name": "cat.jpg"}) == "cat.jpg"
    assert words.short({"id": 4, "kind": "open mailbox with raised flag"}) == "open mailbox…"
