"""What pages read of results: the strongest scenes, each object once."""

from __future__ import annotations

import numpy as np
import pytest

from engine.experiment import Result
from pages.common import results


class Described:
    """A data set whose scenes 0 to 3 are one matched set, 4 to 7 the next; from 8 on they belong to none."""

    def describe(self, number: int) -> dict:
        return {"set": number // 4} if number < 8 else {}


def test_of_a_matched_set_only_the_strongest_scene_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "dataset", lambda name: Described())
    index = Result({}, {"top_mean": np.array([[2, 5, 0, 3, 9, 4, 8]])})
    assert results.top_ranks(index, 0, "any", 6) == [0, 1, 4, 6]
    assert results.top_ranks(index, 0, "any", 2) == [0, 1]
