"""What stands under small pictures of units."""

from __future__ import annotations

import pytest

from pages.common.units.tiles import tile_caption


def test_a_links_text_stands_under_small_pictures_as_it_is() -> None:
    facts = {"unit": "says([x](y))", "ratio_to_best_scene": 2.0, "failed": False}
    assert tile_caption(facts) == r"says\(\[x\]\(y\)\) · 2.0×"


@pytest.mark.parametrize(
    ("ratio", "low", "failed", "told"),
    [
        (2.04, 1.5, False, "5 · 2.0×"),
        (0.5, 0.3, True, "5 · :red[failed]"),
        (float("nan"), float("nan"), False, "5"),
        (95.9, -39.5, False, "5"),
    ],
)
def test_a_small_picture_says_its_unit_and_how_it_compares_with_the_scenes(
    ratio: float, low: float, failed: bool, told: str
) -> None:
    assert tile_caption({"unit": 5, "ratio_to_best_scene": ratio, "ratio_low": low, "failed": failed}) == told
