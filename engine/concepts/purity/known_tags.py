"""What is known about scenes: which kinds share which tags, so that units can be tested against ground truth.

Invariant: every scene of a kind has the kind's tags, so kinds can be permuted, but never single scenes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import BadRequest
from engine.data.dataset import Dataset

FEWEST_KINDS, FEWEST_GROUPS = 3, 2
"""A concept is a tag shared by at least this many kinds, of at least this many groups."""


@dataclass(frozen=True)
class Truth:
    """N scenes of K kinds, and the T concepts that some of the kinds share.

    - `numbers` (N,) int32: the scenes' numbers in the data set, rising; `kinds` (N,) int32: numbers into the next;
    - `kind_names`, `groups`, `subgroups` (K): of each kind; `places` (N): where each scene's object stands, "" if
      unknown;
    - `tags` (T): the concepts' names; `names` (T): every tag that the same kinds share, `tags` being the first of each;
    - `members` (K, T) bool: which kinds have which tag.
    """

    numbers: np.ndarray
    kinds: np.ndarray
    kind_names: tuple[str, ...]
    groups: tuple[str, ...]
    subgroups: tuple[str, ...]
    places: tuple[str, ...]
    tags: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    members: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """(N, T) bool: which scenes show which concept."""
        return self.members[self.kinds]

    @property
    def concept_groups(self) -> list[int]:
        """From how many groups each concept's kinds come."""
        return [len({self.groups[kind] for kind in np.flatnonzero(column)}) for column in self.members.T]


def tag_truth(dataset: Dataset, images: np.ndarray | None = None) -> Truth:
    """What is known about the scenes of a data set on which an object stands on a place; with `images`, of those among them.

    A concept is a tag that at least three kinds share, of at least two groups (one group alone could be one look), and
    not all kinds. Tags that exactly the same kinds share are one concept. A kind's tags are all that any of its scenes
    has. Raises BadRequest for a data set without tags, or where no tag is such a concept.
    """
    numbers = dataset.evaluated()
    if images is not None:
        numbers = np.intersect1d(numbers, images).astype(np.int32)
    facts = [dataset.describe(int(number)) for number in numbers]
    if not any(_tags(one) for one in facts):
        raise BadRequest(
            f"The images of “{dataset.name}” have no tags. Concepts need scenes with tags: choose starter."
        )
    labels = [dataset.label(int(number)) for number in numbers]
    known, kinds = np.unique(np.array(labels, np.int32), return_inverse=True)
    firsts = [facts[int(np.argmax(kinds == kind))] for kind in range(len(known))]
    tags: list[set[str]] = [set() for _ in known]
    for kind, one in zip(kinds, facts, strict=True):
        tags[kind].update(_tags(one))
    groups = _texts(firsts, "group")
    shared = _concepts(tags, groups)
    if not shared:
        raise BadRequest(
            f"No tag of “{dataset.name}” is shared by {FEWEST_KINDS} kinds of {FEWEST_GROUPS} groups, so it has no concepts."
        )
    members = np.zeros((len(known), len(shared)), bool)
    for column, holders in enumerate(shared):
        members[list(holders), column] = True
    return Truth(
        numbers,
        kinds.astype(np.int32),
        _texts(firsts, "kind"),
        groups,
        _texts(firsts, "subgroup"),
        _texts(facts, "place"),
        tuple(names[0] for names in shared.values()),
        tuple(tuple(names) for names in shared.values()),
        members,
    )


def _concepts(tags: list[set[str]], groups: tuple[str, ...]) -> dict[tuple[int, ...], list[str]]:
    """The concepts in alphabetical order: the kinds that share one, with the names it goes by."""
    holders: dict[str, list[int]] = {}
    for kind, names in enumerate(tags):
        for name in names:
            holders.setdefault(name, []).append(kind)
    concepts: dict[tuple[int, ...], list[str]] = {}
    for name in sorted(holders):
        kinds = holders[name]
        wide = len({groups[kind] for kind in kinds}) >= FEWEST_GROUPS
        if wide and FEWEST_KINDS <= len(kinds) < len(tags):
            concepts.setdefault(tuple(kinds), []).append(name)
    return concepts


def _tags(facts: dict[str, Any]) -> Iterable[str]:
    return facts.get("tags") or ()


def _texts(facts: list[dict[str, Any]], name: str) -> tuple[str, ...]:
    return tuple(str(one.get(name) or "") for one in facts)
