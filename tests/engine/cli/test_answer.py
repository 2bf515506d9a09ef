"""Answers as tables for people and as plain numbers for scripts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.cli.answer import plain, size, table


def test_a_table_has_straight_columns_and_shows_what_is_missing() -> None:
    text = table(("unit", "activation"), [(3, 1.23456), (12, float("nan"))])
    assert text == "unit  activation\n   3       1.235\n  12           -"


def test_numbers_of_numpy_become_plain_ones() -> None:
    found = plain({"a": np.float32(0.5), "b": [np.int64(2), (float("inf"),)], "c": Path("x")})
    assert found == {"a": 0.5, "b": [2, [None]], "c": "x"}


def test_sizes_are_written_for_people() -> None:
    assert [size(0), size(1500), size(4 << 30)] == ["0 bytes", "1.5 kB", "4.3 GB"]
