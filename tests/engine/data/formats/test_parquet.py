"""Images in Parquet: labels as numbers or names, with and without names for them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

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
