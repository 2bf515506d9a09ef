"""Shares in words, with known answers."""

from __future__ import annotations

import pytest

from engine.core import shares


@pytest.mark.parametrize(
    "value, digits, text",
    [(1.0, 0, "100%"), (0.997, 0, "99.7%"), (0.9999, 0, "over 99.9%"), (0.99996, 1, "over 99.99%"), (0.432, 0, "43%"),
     (0.0, 0, "0%"), (0.002, 0, "0.2%"), (0.0001, 0, "under 0.1%"), (0.9994, 1, "99.9%"), (-0.001, 0, "0%"),
     (-0.151, 0, "−15%"), (1.5, 0, "150%")],
)  # fmt: skip
def test_a_share_that_is_not_all_or_nothing_is_not_rounded_to_it(value: float, digits: int, text: str) -> None:
    assert shares.share(value, digits) == text


def test_a_share_stands_with_its_interval() -> None:
    assert shares.shares(0.43, 0.40, 0.998) == "43% (40 to 99.8%)"
    assert shares.shares(0.434, 0.4, 1.0, digits=1, to="–") == "43.4% (40.0–100.0%)"


@pytest.mark.parametrize(
    ("ratio", "low", "text"),
    [
        (2.34, 1.9, "2.3×"),
        (2.34, float("nan"), "2.3×"),
        (95.9, -39.5, ""),
        (2.34, 0.0, ""),
        (float("nan"), float("nan"), ""),
        (float("inf"), 1.0, ""),
    ],
)
def test_a_ratio_to_what_may_be_nothing_is_not_told(ratio: float, low: float, text: str) -> None:
    assert shares.times(ratio, low) == text
