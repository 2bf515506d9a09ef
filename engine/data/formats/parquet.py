"""Image data sets in Parquet, as the Hub and package indexes publish them: one file or a folder of shards.

Invariant: what is small (labels, boxes) is read on opening; pictures are read a row group at a time when asked for.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyarrow.parquet.core import ParquetFile

from engine.core.errors import RefusedFile, Unavailable
from engine.core.images import open_image
from engine.core.paths import readable
from engine.data.dataset import digest
from engine.data.formats.folder import facts_of
from engine.data.formats.format import Format
from engine.data.formats.scenes import first_words, is_parquet

PICTURE = ("image", "img", "picture", "jpg", "png", "webp")
LABEL = ("label", "labels", "fine_label", "class", "kind", "target", "wnid", "synset")
MASK = ("mask", "segmentation", "segmentation_mask")
EDGES = (("box_left", "box_top", "box_right", "box_bottom"), ("xmin", "ymin", "xmax", "ymax"))
BOXES = ("bbox", "bboxes", "boxes", "objects")


class ParquetImages(Format):
    """Columns are found by name: a picture (bytes, or a struct with `bytes`), a label (number or text; names from the Hub's
    own metadata where they are there), and, where there are any, a mask and boxes: four edges in columns of their own, or
    `bbox` / `objects.bbox` as lists of [left, top, width, height], COCO's way."""

    @classmethod
    def recognises(cls, path: Path) -> bool:
        return any(path.glob("*.parquet")) if path.is_dir() else is_parquet(path)

    @classmethod
    def open(cls, path: Path, name: str) -> Self:
        return cls(path, name)

    def __init__(self, path: Path, name: str) -> None:
        super().__init__()
        self.name = name
        self._files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        self._lock = threading.Lock()
        self._held: tuple[tuple[int, int], pa.Table] | None = None
        tables: list[pa.Table] = []
        self._groups: list[tuple[int, int, int]] = []  # (first row, file, row group)
        rows = 0
        for number, file in enumerate(self._files):
            try:
                with ParquetFile(file) as opened:
                    if not tables:
                        self._find_columns(opened.schema_arrow, file)
                    facts = opened.read(columns=self._small)
                    if self._picture not in opened.schema_arrow.names or facts.schema != (tables or [facts])[0].schema:
                        raise KeyError(file.name)
                    tables.append(facts)
                    for group in range(opened.num_row_groups):
                        self._groups.append((rows, number, group))
                        rows += opened.metadata.row_group(group).num_rows
            except FileNotFoundError:
                raise Unavailable(f"The data set “{name}” is not here: {file} is missing.") from None
            except (pa.ArrowException, OSError, KeyError) as error:
                if not tables:
                    raise RefusedFile(f"{file} is not a readable Parquet file: {first_words(error)}.") from None
                self._skipped[readable(file.name)] = "a shard that cannot be read, or has other columns than the first"
        self._facts = pa.concat_tables(tables)
        self._size = rows
        self._first = np.array([first for first, _, _ in self._groups])
        self._labels, self.class_names = self._read_labels()

    def _find_columns(self, schema: pa.Schema, file: Path) -> None:
        names = schema.names
        picture = next((name for name in PICTURE if name in names), None)
        if picture is None:
            raise RefusedFile(f"{file.name} has no column of pictures; one of {', '.join(PICTURE)} is needed.")
        self._picture = picture
        self._label = next((name for name in LABEL if name in names), None)
        self._mask = next((name for name in MASK if name in names), None)
        self._edges = next((edges for edges in EDGES if set(edges) <= set(names)), ())
        self._boxes = "" if self._edges else next((name for name in BOXES if name in names), "")
        self._small = [name for name in (self._label, *self._edges, self._boxes) if name]
        self._names = _class_names(schema, self._label)

    def _read_labels(self) -> tuple[np.ndarray, tuple[str, ...]]:
        if self._label is None:
            return np.full(len(self), -1, np.int32), ()
        values = self._facts[self._label].to_pylist()
        if all(value is None or isinstance(value, int) for value in values):
            most = max((value for value in values if value is not None), default=-1)
            names = self._names if len(self._names) > most else tuple(str(number) for number in range(most + 1))
            return np.array([-1 if value is None else value for value in values], np.int32), names
        names = tuple(sorted({str(value) for value in values if value is not None}))
        of = {kind: number for number, kind in enumerate(names)}
        return np.array([-1 if value is None else of[str(value)] for value in values], np.int32), names

    def _fingerprint(self) -> str:
        found = [(file.name, file.stat()) for file in self._files]
        return digest(facts_of(name, about) for name, about in found)

    def __len__(self) -> int:
        return self._size

    def image(self, index: int) -> np.ndarray:
        return open_image(self._bytes(index, self._picture) or b"", f"Image {index} of {self.name}")

    def mask(self, index: int) -> np.ndarray | None:
        data = self._bytes(index, self._mask) if self._mask else None
        return None if data is None else open_image(data, f"The mask of image {index}")[..., 0] > 127

    def label(self, index: int) -> int | None:
        label = int(self._labels[self._checked(index)])
        return None if label < 0 else label

    def labels(self) -> np.ndarray:
        return self._labels

    def describe(self, index: int) -> dict[str, Any]:
        label = self.label(index)
        kind = {} if label is None else {"kind": self.class_names[label]}
        return {"id": index, "name": f"image {index}", **kind}

    def boxes(self, index: int) -> list[tuple[int, int, int, int]] | None:
        row = self._checked(index)
        if self._edges:
            edges = [self._facts[edge][row].as_py() for edge in self._edges]
            return None if None in edges else [(round(edges[0]), round(edges[1]), round(edges[2]), round(edges[3]))]
        found = self._facts[self._boxes][row].as_py() if self._boxes else None
        found = found.get("bbox") if isinstance(found, dict) else found
        if not found:
            return None
        many = found if isinstance(found[0], list | tuple) else [found]
        return [(int(x), int(y), int(x + width), int(y + height)) for x, y, width, height in many]

    def gives(self) -> frozenset[str]:
        boxes = {"boxes"} if self._edges or self._boxes else set()
        return super().gives() | boxes | ({"masks"} if self._mask else set())

    def _bytes(self, index: int, column: str) -> bytes | None:
        """The encoded picture in a row: whole row groups are read, and the last one is kept."""
        place = int(np.searchsorted(self._first, self._checked(index), side="right")) - 1
        first, file, group = self._groups[place]
        with self._lock:
            if self._held is None or self._held[0] != (file, group):
                columns = [name for name in (self._picture, self._mask) if name]
                with ParquetFile(self._files[file]) as opened:
                    self._held = ((file, group), opened.read_row_group(group, columns=columns))
            value = self._held[1][column][index - first].as_py()
        return value.get("bytes") if isinstance(value, dict) else value


def _class_names(schema: pa.Schema, label: str | None) -> tuple[str, ...]:
    """The names of the classes, from the metadata that the Hub's libraries write; empty where there are none."""
    try:
        about = json.loads((schema.metadata or {})[b"huggingface"])
        return tuple(about["info"]["features"][label]["names"])
    except (KeyError, ValueError, TypeError):
        return ()
