"""Images in Parquet: labels as numbers or names, with and without names for them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import RefusedFile
from engine.data.formats.detect import open_path
from engine.data.formats.parquet import ParquetImages
from tests.engine.world import png, scene


def opened(folder: Path, labels: list[int | None], names: list[str] | None = None) -> ParquetImages:
    table = pa.table({"image": [png(scene(number)) for number in range(len(labels))], "label": labels})
    if names is not None:
        about = {"info": {"features": {"label": {"names": names}}}}
        table = table.replace_schema_metadata({b"huggingface": json.dumps(about).encode()})
    pq.write_table(table, folder / "a.parquet")
    return ParquetImages(folder / "a.parquet", "mine")


def test_classes_that_are_numbers_without_names_are_called_by_their_numbers(tmp_path: Path) -> None:
    found = opened(tmp_path, [1, None, 4, 1])
    assert found.class_names == ("0", "1", "2", "3", "4")
    assert found.labels().tolist() == [1, -1, 4, 1]
    assert [found.describe(number).get("kind") for number in range(4)] == ["1", None, "4", "1"]


def test_names_are_taken_where_there_is_one_for_every_number(tmp_path: Path) -> None:
    assert opened(tmp_path, [2, 0], ["a", "b", "c"]).describe(0)["kind"] == "c"
    assert opened(tmp_path, [3, 0], ["a", "b", "c"]).describe(0)["kind"] == "3"


def test_parquet_columns_are_found_by_name_and_shards_that_differ_are_told(tmp_path):
    pictures = [np.full((8, 10, 3), value, np.uint8) for value in (10, 20, 30)]
    rows = [
        {"img": png(picture), "label": name, "objects": {"bbox": [[1.0, 2.0, 3.0, 4.0]]}}
        for picture, name in zip(pictures, "bab", strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=2)
    pq.write_table(pa.table({"price": [1]}), tmp_path / "b.parquet")
    found = open_path(tmp_path, "hub")
    assert isinstance(found, ParquetImages)
    assert found.class_names == ("a", "b") and found.labels().tolist() == [1, 0, 1]
    assert [int(found.image(number)[0, 0, 0]) for number in (2, 0, 1)] == [30, 10, 20]
    assert found.boxes(1) == [(1, 2, 4, 6)]
    assert found.report() == [("b.parquet", "a shard that cannot be read, or has other columns than the first")]
    with pytest.raises(RefusedFile, match="no column of pictures"):
        ParquetImages(tmp_path / "b.parquet", "b")
    assert isinstance(open_path(tmp_path / "a.parquet", "a"), ParquetImages)
