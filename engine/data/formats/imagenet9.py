"""The ImageNet-9 Backgrounds Challenge as it is published (Xiao et al. 2020), and what its nine classes hold.

One folder a variation, in each (within `val`, as published, or not) one folder a class: `00_dog` to `08_fish`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from engine.data.dataset import Dataset, digest
from engine.data.formats.folder import Folder
from engine.data.formats.format import Format

VARIATIONS = ("original", "only_fg", "mixed_same", "mixed_rand", "mixed_next", "only_bg_b", "only_bg_t", "no_fg")
NINE = ("dog", "bird", "vehicle", "reptile", "carnivore", "insect", "instrument", "primate", "fish")

# ImageNet-1k's classes in each of the nine: ranges with both ends, after the mapping that the challenge publishes.
_MEMBERS: dict[str, tuple[int | tuple[int, int], ...]] = {
    "dog": ((151, 170), (173, 268)),
    "bird": ((7, 24), (87, 100), (127, 146)),
    "vehicle": (
        *(407, 408, 428, 436, 444, 468, 511, 547, 555, 561, 565, 569, 573, 586, 603, 609, 612, 627, 656, 661, 665),
        *(670, 671, 675, 690, 705, 717, 734, 751, 757, 791, 802, 803, 817, 820, 829, 847, 864, 866, 867, 870, 880),
    ),
    "reptile": ((33, 68),),
    "carnivore": ((269, 280), (286, 299), (356, 362), (387, 388)),
    "insect": ((300, 326),),
    "instrument": (
        *(401, 402, 420, 432, 486, 494, 513, 541, 546, 558, 566, 577, 579, 593, 594, 641, 642, 683, 684, 687, 699),
        *(776, 822, 875, 881, 889),
    ),
    "primate": ((365, 384),),
    "fish": ((0, 6), (389, 397)),
}


def to_nine() -> np.ndarray:
    """(1000,) int32: the challenge's class of each of ImageNet-1k's, -1 for those that belong to none."""
    found = np.full(1000, -1, np.int32)
    for number, name in enumerate(NINE):
        for member in _MEMBERS[name]:
            first, last = member if isinstance(member, tuple) else (member, member)
            found[first : last + 1] = number
    return found


class Variation(Folder):
    """One variation. Its class folders are called `00_dog` to `08_fish`, or `dog` to `fish`; others are of no class."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        self._nine = [_nine_of(kind) for kind in self.class_names]
        self.class_names = NINE

    def label(self, index: int) -> int | None:
        place = super().label(index)
        return None if place is None else self._nine[place]


class Challenge(Format):
    """The variations, each a folder data set of its own in `variations`. Taken as one data set it is its first variation:
    the original images, where they are there."""

    class_names = NINE

    def __init__(self, folder: Path, name: str) -> None:
        """Raises Unavailable or BadRequest for a variation without images."""
        super().__init__()
        self.name = name
        self._variations: dict[str, Variation] = {}
        for variation in VARIATIONS:
            place = folder / variation / "val" if (folder / variation / "val").is_dir() else folder / variation
            if place.is_dir():
                self._variations[variation] = Variation(place, f"{name}/{variation}")
            else:
                self._skipped[variation] = "this variation is not in the folder"
        self._main = next(iter(self._variations.values()))

    @classmethod
    def recognises(cls, path: Path) -> bool:
        return sum((path / variation).is_dir() for variation in VARIATIONS) >= 2

    @classmethod
    def open(cls, path: Path, name: str) -> Self:
        return cls(path, name)

    def gives(self) -> frozenset[str]:
        return super().gives() | {"variations"}

    @property
    def variations(self) -> Mapping[str, Dataset]:
        return self._variations

    def _fingerprint(self) -> str:
        return digest(f"{name}\0{folder.fingerprint}".encode() for name, folder in self._variations.items())

    def __len__(self) -> int:
        return len(self._main)

    def image(self, index: int) -> np.ndarray:
        return self._main.image(index)

    def label(self, index: int) -> int | None:
        return self._main.label(index)

    def describe(self, index: int) -> dict[str, Any]:
        return self._main.describe(index)

    def notes(self) -> list[str]:
        """What is to be said of any of the variations."""
        return [*dict.fromkeys(note for each in self._variations.values() for note in each.notes())]

    def report(self) -> list[tuple[str, str]]:
        inner = [(f"{name}/{what}", why) for name, each in self._variations.items() for what, why in each.report()]
        return [*self._skipped.items(), *inner]


def _nine_of(folder: str) -> int | None:
    """The challenge's class that a folder's name says (`00_dog`, or `dog`); None for another folder."""
    number, _, name = folder.partition("_")
    if number.isdecimal() and int(number) < len(NINE):
        return int(number)
    return NINE.index(number.lower()) if not name and number.lower() in NINE else None
