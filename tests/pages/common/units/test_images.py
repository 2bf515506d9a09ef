"""Images of a unit in one picture: each in its place, gaps see-through, a matched set only once."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pages.common import results
from pages.common.units import images


def test_four_images_stand_two_by_two_with_see_through_gaps() -> None:
    whole = images.together([np.full((2, 3, 3), 10 * number, np.uint8) for number in range(4)], across=2)
    assert whole.shape == (2 * 2 + images.GAP, 2 * 3 + images.GAP, 4)
    corners = [whole[0, 0, 0], whole[0, -1, 0], whole[-1, 0, 0], whole[-1, -1, 0]]
    assert corners == [0, 10, 20, 30]
    assert whole[2, 0, 3] == 0 and whole[0, 3, 3] == 0 and whole[0, 0, 3] == 255


def test_of_scenes_with_the_same_object_in_the_same_pose_only_the_strongest_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sets = {1: "a", 2: "a", 3: None, 4: None, 5: "b"}
    known = SimpleNamespace(describe=lambda number: {"set": sets[number], "kind": f"kind {number}"})
    monkeypatch.setattr(results, "dataset", lambda name: known)
    assert images.distinct([2, 1, 3, 4, 5], "squares", 4) == (2, 3, 4, 5)
    assert images.distinct([2, 1, 3, 4, 5], "squares", 2) == (2, 3)
    assert images.ranks([2, 1, 3, 4, 5], "squares", 4) == [0, 2, 3, 4]
    assert images.told("squares", [2, 3]) == "kind 2, kind 3"


def test_what_lacks_its_object_or_its_place_is_no_image_of_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    variants = {1: "object", 2: "place", 3: "home", 4: "other", 5: "home"}
    sets = {1: "a", 2: "b", 3: "a", 4: "a", 5: "b"}
    known = SimpleNamespace(describe=lambda number: {"set": sets[number], "variant": variants[number]})
    monkeypatch.setattr(results, "dataset", lambda name: known)
    assert images.distinct([1, 3, 2, 4, 5], "squares", 4) == (3, 5)
    assert images.distinct([1, 2], "squares", 4) == (1, 2), "where there is nothing else, they are better than nothing"


class Frames:
    """Sixty frames of three videos."""

    def __init__(self) -> None:
        self.groups: np.ndarray | None = np.arange(60) // 20
        self.sets: list[dict[str, int]] = []

    def __len__(self) -> int:
        return 60

    def clusters(self) -> np.ndarray | None:
        return self.groups

    def matched_sets(self) -> list[dict[str, int]]:
        return self.sets


def test_images_that_belong_together_are_one_and_controls_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty frames of three videos; then the first video's are objects alone."""
    frames = Frames()
    monkeypatch.setattr(results, "dataset", lambda name: frames)
    assert images.independent("frames", 60) == 3
    frames.sets = [{"object": number, "place": number} for number in range(20)]
    assert images.independent("frames", 40) == 2
    frames.groups = None
    assert images.independent("frames", 40) == 40
