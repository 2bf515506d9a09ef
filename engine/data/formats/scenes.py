"""Scenes: composed pictures in one Parquet file, of which everything is known exactly.

Invariant: what is known is read when the file is opened, the pictures stay encoded until one is asked for.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyarrow.parquet.core import ParquetFile

from engine.core.errors import RefusedFile, Unavailable
from engine.core.images import open_image
from engine.data.dataset import digest
from engine.data.formats.format import Format
from engine.data.formats.groups import numbered
from engine.data.masks import SAMPLE, Masks

_PICTURES = ("image", "mask")
WHOLE = ("home", "other")
VARIANTS = (*WHOLE, "object", "place")
_BOX = ("box_left", "box_top", "box_right", "box_bottom")
NEEDED = {"image", "kind", "kind_index", *_BOX}
"""The columns that make a Parquet file one of scenes."""


def first_words(error: Exception) -> str:
    """The beginning of what a library says, without a full stop: it stands inside a sentence."""
    return (str(error).splitlines() or [type(error).__name__])[0][:160].rstrip(". ")


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet files do, or is at least named like one (whoever reads it says what is wrong)."""
    if path.suffix.lower() == ".parquet" or not path.is_file():
        return path.is_file()
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


class Scenes(Format):
    """Scenes in one Parquet file: composed pictures of which mask, box, kind, place and caption are known exactly."""

    @classmethod
    def recognises(cls, path: Path) -> bool:
        if not is_parquet(path):
            return False
        try:
            with ParquetFile(path) as file:
                return set(file.schema_arrow.names) >= NEEDED
        except (pa.ArrowException, OSError):
            return False  # whoever reads it as a file of images says what is wrong

    @classmethod
    def open(cls, path: Path, name: str) -> Self:
        return cls(path, name)

    def __init__(self, path: Path, name: str) -> None:
        """Reads what is known about the scenes, not their pictures. Raises Unavailable or RefusedFile."""
        super().__init__()
        self.name, self._path = name, path
        try:
            with ParquetFile(path) as file:
                present = file.schema_arrow.names
                facts = file.read(columns=[column for column in present if column not in _PICTURES])
        except FileNotFoundError:
            raise Unavailable(f"The scenes of “{name}” are not here: {path} is missing.") from None
        except (pa.ArrowException, OSError) as error:
            raise RefusedFile(f"{path} is not a readable Parquet file: {first_words(error)}.") from None
        if missing := NEEDED - set(present):
            raise RefusedFile(f"{path} holds no scenes: the columns {', '.join(sorted(missing))} are missing.")
        self._facts: list[dict[str, Any]] = facts.to_pylist()
        kinds = {row["kind_index"]: row["kind"] for row in self._facts if row["kind_index"] is not None}
        self._stored = [column for column in _PICTURES if column in present]
        self.class_names = tuple(kinds.get(number, "") for number in range(max(kinds, default=-1) + 1))

    def _fingerprint(self) -> str:
        return digest([self._path.read_bytes(), *self._masks.mark()])

    @functools.cached_property
    def _pictures(self) -> pa.Table:
        """The pictures still encoded: a few megabytes."""
        with ParquetFile(self._path) as file:
            return file.read(columns=self._stored)

    def __len__(self) -> int:
        return len(self._facts)

    def image(self, index: int) -> np.ndarray:
        data = self._pictures["image"][self._checked(index)].as_py()
        return open_image(data or b"", f"Scene {index} of {self.name}")

    def mask(self, index: int) -> np.ndarray | None:
        data = self._pictures["mask"][self._checked(index)].as_py() if "mask" in self._stored else None
        return None if data is None else self._masks.read(data, f"The mask of scene {index}")

    @functools.cached_property
    def _masks(self) -> Masks:
        """How the masks are read: black and white, where the scenes are Vitrine's own."""
        given = self._pictures["mask"].drop_null() if "mask" in self._stored else []
        return Masks(given[place].as_py() for place in range(0, len(given), max(1, len(given) // SAMPLE)))

    def notes(self) -> list[str]:
        """What the masks mean, where that is not plain."""
        return self._masks.says()

    def boxes(self, index: int) -> list[tuple[int, int, int, int]] | None:
        box = self.describe(index)["box"]
        return None if box is None else [tuple(round(edge) for edge in box)]

    def gives(self) -> frozenset[str]:
        return self._given

    @functools.cached_property
    def _given(self) -> frozenset[str]:
        known = {"boxes"}
        known |= {"masks"} if "mask" in self._stored else set()
        known |= {"places"} if any(self.homes()) else set()
        known |= {"tags"} if any(row.get("tags") for row in self._facts) else set()
        return super().gives() | known | ({"matched sets"} if self.matched_sets() else set())

    def evaluated(self) -> np.ndarray:
        """The scenes where an object stands on a place: neither one alone."""
        whole = [row["kind_index"] is not None and row.get("variant", "home") in WHOLE for row in self._facts]
        return np.flatnonzero(whole).astype(np.int32)

    def matched_sets(self) -> list[dict[str, int]]:
        """Numbers of the scenes that share an object and its pose, by variant: one dict for each complete set of four."""
        sets: dict[int, dict[str, int]] = {}
        for number, row in enumerate(self._facts):
            if "set" in row and row.get("variant") in VARIANTS:
                sets.setdefault(row["set"], {})[row["variant"]] = number
        return [one for one in sets.values() if len(one) == len(VARIANTS)]

    def clusters(self) -> np.ndarray | None:
        """Scenes of one set share object and pose."""
        return numbered([row["set"] for row in self._facts]) if self._facts and "set" in self._facts[0] else None

    def homes(self) -> tuple[str, ...]:
        """The home place of each class, in the order of `class_names`; empty where none is known."""
        known = {row["kind_index"]: row.get("home_place") or "" for row in self._facts if row["kind_index"] is not None}
        return tuple(known.get(number, "") for number in range(len(self.class_names)))

    def label(self, index: int) -> int | None:
        return self._facts[self._checked(index)]["kind_index"]

    def describe(self, index: int) -> dict[str, Any]:
        """Every column but the pictures, with `id`, and `box` as (left, top, right, bottom) or None."""
        facts = self._facts[self._checked(index)]
        edges = tuple(facts[edge] for edge in _BOX)
        rest = {key: value for key, value in facts.items() if key not in _BOX}
        return {"id": index, **rest, "box": None if None in edges else edges}
