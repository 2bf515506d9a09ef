"""Image data sets in Parquet, as the Hub and package indexes publish them: one file or a folder of shards.

Invariant: what is small (labels, boxes) is read on opening; pictures are read a row group at a time when asked for.
"""

from __future__ import annotations

import functools
import json
import math
import threading
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyarrow.parquet.core import ParquetFile

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.images import open_image, orientation
from engine.core.paths import readable
from engine.data.dataset import digest
from engine.data.formats import splits
from engine.data.formats.annotated import TURNED
from engine.data.formats.folder import bits_marks, bits_of, bits_said, facts_of
from engine.data.formats.format import Format
from engine.data.formats.groups import COLUMNS, numbered
from engine.data.formats.scenes import first_words, is_parquet
from engine.data.masks import SAMPLE, Masks
from engine.data.turning import is_turned, upright_boxes, upright_mask, upright_size

PICTURE = ("image", "img", "picture", "jpg", "png", "webp")
LABEL = ("label", "labels", "fine_label", "class", "kind", "target", "wnid", "synset")
MASK = ("mask", "segmentation", "segmentation_mask")
EDGES = (("box_left", "box_top", "box_right", "box_bottom"), ("xmin", "ymin", "xmax", "ymax"))
BOXES = ("bbox", "bboxes", "boxes", "objects")


class ParquetImages(Format):
    """Columns are found by name: a picture (bytes, or a struct with `bytes`), a label (number or text; names from the Hub's
    own metadata where they are there), and, where there are any, a mask and boxes: four edges in columns of their own, or
    `bbox` / `objects.bbox` as lists of [left, top, width, height], COCO's way, or of edges where only that fits the images.
    Shards called train-..., test-... are splits, and so are rows whose column `split` says train or test: one is read."""

    has_splits = True

    @classmethod
    def recognises(cls, path: Path) -> bool:
        return any(path.glob("*.parquet")) if path.is_dir() else is_parquet(path)

    @classmethod
    def open(cls, path: Path, name: str, split: str = "") -> Self:
        return cls(path, name, split)

    def __init__(self, path: Path, name: str, split: str = "") -> None:
        super().__init__()
        self.name, self._read_as = name, list[str]()
        self._marks: list[bytes] = []  # for the fingerprint: what is read otherwise than it was
        self._kept = ""  # the split of whose rows only some are, where a column tells
        self._are_shards_split = False
        self._files = self._of_one_split(sorted(path.glob("*.parquet")), split) if path.is_dir() else [path]
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
        self._rows = np.arange(rows)  # of each image: its row in all files
        self._keep_split(split)
        self._first = np.array([first for first, _, _ in self._groups])
        self._labels, self.class_names = self._read_labels()

    def _of_one_split(self, files: list[Path], wanted: str) -> list[Path]:
        """The shards of one split, where their names tell. Those without one are read only where no other has one."""
        names = {splits.of_file(file.name) for file in files}
        known = names - {""}
        if not known or (len(names) == 1 and not wanted):
            return files
        self._are_shards_split, kept = True, splits.choose(known, wanted, self.name)
        self._read_as += [splits.says([*known], kept)] if len(known) > 1 else []
        for file in files:
            if not splits.of_file(file.name):
                self._skipped[readable(file.name)] = f"a shard that names no split, beside those of {kept}"
        return [file for file in files if splits.of_file(file.name) == kept]

    def _keep_split(self, wanted: str) -> None:
        """Keeps the rows of one split, where the column tells. Raises BadRequest where the one that is wanted is not there."""
        values = self._facts[self._split].to_pylist() if self._split else []
        known, others = splits.named(values), set(values)
        if self._are_shards_split and wanted not in known:
            wanted = ""  # the shards are those of it already
        if wanted and not known:
            raise BadRequest(f"“{self.name}” has no split {wanted}: neither its files nor a column “split” name one.")
        if not known and len(others) > 1:
            told = ", ".join(sorted(map(str, others))[:MOST_NAMED])
            self._read_as.append(f"The column “split” names no training or test split ({told}): all rows are read.")
        if not known or (len(others) == 1 and not wanted):
            return
        kept = splits.choose(known, wanted, self.name)
        rows = np.array([value == kept for value in values])
        self._read_as += [splits.says([*known], kept)] if len(known) > 1 else []
        if left_out := sum(value not in known for value in values):
            self._read_as.append(f"{left_out:,} rows whose column “split” names no split are not read.")
        if not rows.all():
            self._rows, self._facts, self._kept = np.flatnonzero(rows), self._facts.filter(pa.array(rows)), kept
            self._marks += [b"split", kept.encode()]

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
        self._split = splits.COLUMN if splits.COLUMN in names else ""
        self._group = next((name for name in COLUMNS if name in names), None)
        self._small = [name for name in (self._label, self._group, *self._edges, self._boxes, self._split) if name]
        self._names = _class_names(schema, self._label)

    def _read_labels(self) -> tuple[np.ndarray, tuple[str, ...]]:
        if self._label is None:
            return np.full(len(self), -1, np.int32), ()
        given = self._facts[self._label].to_pylist()
        self._marks += [b"labels"] if any(isinstance(value, float | list | dict) for value in given) else []
        values = [_class(value) for value in given]
        if any(isinstance(value, list | dict | float) for value in values):
            self._read_as.append(
                f"The column “{self._label}” holds several values an image, or no whole numbers: no labels."
            )
            return np.full(len(self), -1, np.int32), ()
        if all(value is None or isinstance(value, int) for value in values):
            most = max((value for value in values if value is not None), default=-1)
            names = self._names if len(self._names) > most else tuple(str(number) for number in range(most + 1))
            return np.array([-1 if value is None else value for value in values], np.int32), names
        names = tuple(sorted({str(value) for value in values if value is not None}))
        of = {kind: number for number, kind in enumerate(names)}
        return np.array([-1 if value is None else of[str(value)] for value in values], np.int32), names

    def notes(self) -> list[str]:
        """Splits, what masks and boxes mean, what EXIF turns and images of 16 bits."""
        boxes = f"Boxes ({self._boxes or ', '.join(self._edges)}) count whatever class they are of."
        edges = f"Boxes ({self._boxes}) are read as left, top, right, bottom: as COCO's they would leave the images."
        told = [*self._read_as, *(self._masks.says() if self._mask else [])]
        told += [boxes] if self._edges or self._boxes else []
        told += [edges] if self._boxes and self._are_edges else []
        told += [TURNED] if self._some["turned"] else []
        return [*told, *bits_said({name: used for name, (used, _) in self._some["bits"].items()})]

    @functools.cached_property
    def _masks(self) -> Masks:
        return Masks(data for row in self._looked_at() if (data := self._bytes(row, self._mask or "")) is not None)

    def _looked_at(self) -> list[int]:
        """Images of the first, the middle and the last row group: what is learned of how all are kept."""
        groups, firsts, counts = np.unique(
            np.searchsorted(self._first, self._rows, side="right"), return_index=True, return_counts=True
        )
        some = sorted({0, len(groups) // 2, len(groups) - 1}) if len(groups) else []
        return [int(firsts[each]) + place for each in some for place in range(min(SAMPLE // 3, counts[each]))]

    @functools.cached_property
    def _some(self) -> dict[str, Any]:
        """What `_look` finds, once for the process."""
        key = (*(facts_of(file, file.stat()) for file in self._files), self._kept.encode())
        if key not in _SEEN:
            _SEEN[key] = self._look()
        return _SEEN[key]

    def _look(self) -> dict[str, Any]:
        """Of the rows that are looked at: `sizes` of the pictures, how many EXIF has `turned`, and `bits` as `bits_of`."""
        pictures = {row: self._bytes(row, self._picture) or b"" for row in self._looked_at()}
        headers = {row: orientation(data) for row, data in pictures.items()}
        return {
            "sizes": {row: upright_size(*header) for row, header in headers.items()},
            "turned": sum(is_turned(turned) for turned, _ in headers.values())
            if self._edges or self._boxes or self._mask
            else 0,
            "bits": {f"image {row}": bits_of(data) for row, data in pictures.items()},
        }

    @functools.cached_property
    def _are_edges(self) -> bool:
        """Whether lists of four numbers are edges: as COCO's some would leave their images, as edges none does."""
        coco, edges = 0, 0
        for row, (wide, tall) in self._some["sizes"].items():
            for left, top, third, fourth in self._lists(row):
                coco += left + third > wide + 1 or top + fourth > tall + 1
                edges += not (left < third <= wide + 1 and top < fourth <= tall + 1)
        return bool(coco) and not edges

    def _lists(self, row: int) -> list[list[float]]:
        """The lists of four numbers in a row."""
        found = self._facts[self._boxes][row].as_py() if self._boxes else None
        found = found.get("bbox") if isinstance(found, dict) else found
        return [] if not found else [*found] if isinstance(found[0], list | tuple) else [found]

    def _fingerprint(self) -> str:
        found = [(file.name, file.stat()) for file in self._files]
        marks = [b"edges"] if self._boxes and self._are_edges else []
        marks += [b"turned by EXIF"] if self._some["turned"] else []
        marks += bits_marks(self._some["bits"])
        return digest(
            [
                *(facts_of(name, about) for name, about in found),
                *self._marks,
                *marks,
                *(self._masks.mark() if self._mask else []),
            ]
        )

    def __len__(self) -> int:
        return len(self._rows)

    def image(self, index: int) -> np.ndarray:
        return open_image(self._bytes(index, self._picture) or b"", f"Image {index} of {self.name}")

    def mask(self, index: int) -> np.ndarray | None:
        data = self._bytes(index, self._mask) if self._mask else None
        if data is None:
            return None
        return upright_mask(self._masks.read(data, f"The mask of image {index}"), *self._orientation(index))

    def _orientation(self, index: int) -> tuple[int, tuple[int, int]]:
        return orientation(self._bytes(index, self._picture) or b"")

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
            found = [] if None in edges else [(round(edges[0]), round(edges[1]), round(edges[2]), round(edges[3]))]
        elif self._boxes and self._are_edges:
            found = [(int(left), int(top), int(right), int(bottom)) for left, top, right, bottom in self._lists(row)]
        else:
            found = [(int(x), int(y), int(x + width), int(y + height)) for x, y, width, height in self._lists(row)]
        return upright_boxes(found, *self._orientation(row), None) if found else None

    def clusters(self) -> np.ndarray | None:
        return None if self._group is None else numbered(self._facts[self._group].to_pylist())

    def gives(self) -> frozenset[str]:
        boxes = {"boxes"} if self._edges or self._boxes else set()
        return super().gives() | boxes | ({"masks"} if self._mask else set())

    def _bytes(self, index: int, column: str) -> bytes | None:
        """The encoded picture in a row: whole row groups are read, and the last one is kept."""
        row = self._rows[self._checked(index)]
        place = int(np.searchsorted(self._first, row, side="right")) - 1
        first, file, group = self._groups[place]
        with self._lock:
            if self._held is None or self._held[0] != (file, group):
                columns = [name for name in (self._picture, self._mask) if name]
                with ParquetFile(self._files[file]) as opened:
                    self._held = ((file, group), opened.read_row_group(group, columns=columns))
            value = self._held[1][column][row - first].as_py()
        return value.get("bytes") if isinstance(value, dict) else value


def _class_names(schema: pa.Schema, label: str | None) -> tuple[str, ...]:
    """The names of the classes, from the metadata that the Hub's libraries write; empty where there are none."""
    try:
        about = json.loads((schema.metadata or {})[b"huggingface"])
        return tuple(about["info"]["features"][label]["names"])
    except (KeyError, ValueError, TypeError):
        return ()


MOST_NAMED = 8
"""Values of a column that are told."""
_SEEN: dict[tuple[bytes, ...], dict[str, Any]] = {}


def _class(value: Any) -> Any:
    """A label as a number or text. Tables that had to leave some out keep whole numbers as floats, and NaN for none."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else int(value) if value.is_integer() else value
