"""What is known about scenes: concepts are tags that kinds of different groups share, and nothing else is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.concepts.purity.known_tags import tag_truth
from engine.core.errors import BadRequest
from engine.data.dataset import Dataset
from engine.data.registry import STARTER, open_dataset
from tests.engine.world import Squares


class Tagged(Dataset):
    """Scenes of which only the facts are looked at: (kind, group, tags) for each kind, two scenes a kind."""

    name = "tagged"

    def __init__(self, kinds: list[tuple[str, str, list[str]]]) -> None:
        super().__init__()
        self.kinds = kinds
        self.class_names = tuple(name for name, _, _ in kinds)

    def _fingerprint(self) -> str:
        return "tagged"

    def __len__(self) -> int:
        return 2 * len(self.kinds)

    def image(self, index: int) -> np.ndarray:
        raise AssertionError("nobody needs the pictures")

    def label(self, index: int) -> int | None:
        return index // 2

    def describe(self, index: int) -> dict:
        kind, group, tags = self.kinds[index // 2]
        return {"id": index, "kind": kind, "group": group, "subgroup": group, "tags": tags, "place": "sea"}


KINDS = [
    ("fish", "animals", ["sea", "ocean", "swim"]),
    ("whale", "animals", ["sea", "ocean", "swim"]),
    ("boat", "travel", ["sea", "ocean"]),
    ("gull", "animals", ["swim", "fly"]),
    ("plane", "travel", ["fly"]),
]


def test_a_concept_is_a_tag_of_three_kinds_of_two_groups() -> None:
    known = tag_truth(Tagged(KINDS))
    # "swim" has three kinds of one group, "fly" two kinds of two groups.
    assert known.names == (("ocean", "sea"),)
    assert known.tags == ("ocean",)
    assert known.members[:, 0].tolist() == [True, True, True, False, False]
    assert known.concept_groups == [2]


def test_every_scene_of_a_kind_has_the_kinds_tags() -> None:
    known = tag_truth(Tagged(KINDS))
    assert known.matrix[:, 0].tolist() == [True] * 6 + [False] * 4
    assert [known.kind_names[kind] for kind in known.kinds[::2]] == [name for name, _, _ in KINDS]


def test_images_that_are_left_out_leave_their_kinds_out() -> None:
    known = tag_truth(Tagged([*KINDS, ("eel", "animals", ["sea"])]), images=np.array([0, 2, 3, 4, 6, 11, 99]))
    assert known.numbers.tolist() == [0, 2, 3, 4, 6, 11]
    assert known.kind_names == ("fish", "whale", "boat", "gull", "eel")
    assert known.names == (("ocean",), ("sea",))


def test_a_tag_that_all_kinds_have_tells_nothing_apart() -> None:
    with pytest.raises(BadRequest, match="no concepts"):
        tag_truth(Tagged([(name, group, ["thing"]) for name, group, _ in KINDS]))


def test_a_data_set_without_tags_is_refused_with_a_sentence() -> None:
    with pytest.raises(BadRequest, match="The images of “squares” have no tags"):
        tag_truth(Squares())


def test_the_starters_concepts_are_those_of_its_list_of_kinds() -> None:
    known = tag_truth(open_dataset("starter"))
    kinds = json.loads((STARTER.parent / "kinds.json").read_text(encoding="utf-8"))
    holders: dict[str, set[int]] = {}
    for kind in kinds:
        for tag in kind["tags"]:
            holders.setdefault(tag, set()).add(kind["index"])
    wanted = {
        tag: held
        for tag, held in holders.items()
        if len(held) >= 3 and len({kinds[number]["group"] for number in held}) >= 2
    }
    found = {
        name: set(np.flatnonzero(known.members[:, column]).tolist())
        for column, names in enumerate(known.names)
        for name in names
    }
    assert found == wanted
    assert ("fairy", "fairytale", "tale") in known.names
    assert len(known.numbers) == 2 * len(kinds) == 1698
