"""What a data set is: numbered images with what is known about each, whatever holds them.

Invariants: image i is the same picture on every page and in every stored result as long as the
fingerprint is the same; pictures are decoded when asked for and not kept.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from engine.core.errors import BadRequest, RefusedFile
from engine.core.images import to_input

KNOWN = ("labels", "boxes", "masks", "places", "tags", "matched sets", "variations")
"""What may be known of the images of a data set, besides the pictures themselves."""
ALONE = ("object", "place")
"""Of a matched set (see `Dataset.matched_sets`): an object without its place, a place without an object."""


class Dataset(ABC):
    """Images numbered from 0, some with a label. Subclasses say where they come from, and what they give.

    Whoever uses a data set asks what it `gives`, never which class it is.
    """

    name: str
    class_names: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._skipped: dict[str, str] = {}
        self._known_fingerprint = ""

    @property
    def fingerprint(self) -> str:
        """Digest that changes when the images do: part of every cache key that reads them."""
        # functools.cached_property of Python 3.11 has one lock for all objects: pages would wait for each other's files
        self._known_fingerprint = self._known_fingerprint or self._fingerprint()
        return self._known_fingerprint

    @abstractmethod
    def _fingerprint(self) -> str: ...

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def image(self, index: int) -> np.ndarray:
        """Image as uint8 (height, width, 3) in its own size. Raises RefusedFile when it cannot be decoded."""

    @abstractmethod
    def label(self, index: int) -> int | None:
        """Class of the image, an index into `class_names`; None where nobody has said it."""

    @abstractmethod
    def describe(self, index: int) -> dict[str, Any]:
        """Plain values for people: at least `id` and, where there is a label, `kind` with the class's name."""

    def gives(self) -> frozenset[str]:
        """What is known of these images, of KNOWN: a class that overrides a method below names here what that method tells."""
        return frozenset({"labels"}) if self.class_names else frozenset()

    def notes(self) -> list[str]:
        """How the files are read where they could be read otherwise, in sentences for whoever chooses them: which split,
        what masks mean, what is not read."""
        return []

    def mask(self, index: int) -> np.ndarray | None:
        """Where the object is, bool (height, width); None where that is not known."""
        return None

    def boxes(self, index: int) -> list[tuple[int, int, int, int]] | None:
        """Boxes around the objects of the image's own class: left, top, right, bottom in pixels of the image, right and
        bottom excluded. None where none are known. Raises RefusedFile where what says so is damaged."""
        return None

    def drawn_on(self, index: int) -> tuple[int, int] | None:
        """(width, height) of the image that its boxes were drawn on, where that was noted down."""
        return None

    def cuts(self) -> tuple[str, ...]:
        """What objects can be cut out by: `box`, `mask`, both or nothing."""
        known = self.gives()
        return (*(("box",) if "boxes" in known else ()), *(("mask",) if "masks" in known else ()))

    def matched_sets(self) -> list[dict[str, int]]:
        """Counterfactuals: numbers of the images that share an object and its pose, one dict a set. Their keys are `home`
        and `other` (the object on the place where its kind lives and on another), `object` and `place` (each alone)."""
        return []

    def homes(self) -> tuple[str, ...]:
        """The home place of each class, in the order of `class_names`, "" for a class without one; empty where no image's
        place is known."""
        return ()

    def clusters(self) -> np.ndarray | None:
        """(len,) int32: which images belong together (one set, one subject, one video) and so tell less than as many
        independent ones; None where nothing is known of that. Raises RefusedFile where what says so is damaged."""
        return None

    @property
    def variations(self) -> Mapping[str, Dataset]:
        """The same images changed in several ways, each a data set with the same classes; empty where there are none."""
        return {}

    def evaluated(self) -> np.ndarray:
        """Numbers of the images that accuracy is measured on: those with a label, where there is an object to name."""
        return np.flatnonzero(self.labels() >= 0).astype(np.int32)

    def labels(self) -> np.ndarray:
        """Every image's class, int32; -1 where there is none."""
        found = (self.label(index) for index in range(len(self)))
        return np.array([-1 if label is None else label for label in found], np.int32)

    def report(self) -> list[tuple[str, str]]:
        """What was left out so far, as (file, reason): files are only checked when they are opened."""
        return [*self._skipped.items()]

    def batches(self, size: tuple[int, int], batch: int, begin: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """All images from number `begin` on, in order, as a model sees them: (indices (b,), images uint8 (b, height, width, 3)),
        b <= batch.

        An image that cannot be decoded is left out and told by `report`.
        """
        indices: list[int] = []
        images: list[np.ndarray] = []
        for index in range(begin, len(self)):
            try:
                images.append(to_input(self.image(index), size))
            except RefusedFile as error:
                known = self.describe(index)
                self._skipped[str(known.get("name", index))] = str(error)
                continue
            indices.append(index)
            if len(images) == batch:
                yield np.array(indices), np.stack(images)
                indices, images = [], []
        if images:
            yield np.array(indices), np.stack(images)

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise BadRequest(f"{self.name} has no image {index}: its {len(self)} images are numbered from 0.")
        return index


def digest(parts: Iterable[bytes]) -> str:
    """Digest of byte strings: which bytes stand in which part counts."""
    total = hashlib.blake2b(digest_size=16)
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()
