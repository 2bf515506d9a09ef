"""Colours: one for each model of a comparison, in both themes, and the same one see-through."""

from __future__ import annotations

import re

import pytest

from pages.common import colours


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_two_models_of_a_comparison_share_a_colour(theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colours, "theme", lambda: theme)
    drawn = [colours.model(number) for number in range(len(colours.MODELS))]
    assert len(set(drawn)) == len(colours.MODELS) == 8
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in drawn)
    assert drawn[0] == colours.of("a") and drawn[1] == colours.of("b")


def test_a_colour_can_be_seen_through() -> None:
    red, green, blue = (int(colours.of("a")[start : start + 2], 16) for start in (1, 3, 5))
    assert colours.tint("a", 0.16) == f"rgba({red},{green},{blue},0.16)" == colours.model(0, 0.16)
