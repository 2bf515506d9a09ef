"""Which images belong together: those of one subject, one video, one set. They tell less than as many independent ones."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.core.errors import RefusedFile
from engine.core.paths import readable

FILE = "groups.csv"
"""In a folder of images: a line an image, `file,group`, with paths relative to the folder."""
COLUMNS = (
    "group_id",
    "subject",
    "subject_id",
    "patient",
    "patient_id",
    "video",
    "video_id",
    "sequence_id",
    "set",
    "set_id",
)
"""Names of a Parquet file's column that says so."""


def numbered(values: Sequence[object]) -> np.ndarray:
    """(n,) int32: a number for each value, equal ones alike; what is None or empty stands for itself alone."""
    known: dict[object, int] = {}
    alone = ((None, place) if value is None or value == "" else value for place, value in enumerate(values))
    return np.array([known.setdefault(value, len(known)) for value in alone], np.int32)


def of_files(folder: Path, files: Sequence[Path]) -> np.ndarray | None:
    """The groups of a folder's image files; None where the folder has no `groups.csv`. Raises RefusedFile for one that
    cannot be read, or that knows none of the files."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            if not {"file", "group"} <= set(table.fieldnames or ()):
                raise KeyError("file, group")
            rows = {row["file"]: row["group"] for row in table}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error):
        raise RefusedFile(f"{readable(path.name)} is no table with the columns file and group.") from None
    found = [rows.get(each.as_posix()) for each in files]
    if not any(found):
        raise RefusedFile(f"{readable(path.name)} names none of the images.")
    return numbered(found)
