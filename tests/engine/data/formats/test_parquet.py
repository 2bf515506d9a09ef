"""Images in Parquet: labels as numbers or names, with and without names for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import RefusedFile
from engine.data.formats.detect import open_path
from engine.data.formats.parquet import ParquetImages
from tests.engine.world import png, scene


def opened(folder: Path, labels: list[Any], names: list[str] | None = None) -> ParquetImages:
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


def test_whole_numbers_that_became_floats_are_classes_and_nan_is_none(tmp_path: Path) -> None:
    """As pandas writes a column of whole numbers in which one is missing."""
    found = opened(tmp_path, [1.0, float("nan"), 0.0], ["cat", "dog"])
    assert found.labels().tolist() == [1, -1, 0] and found.class_names == ("cat", "dog")


@pytest.mark.parametrize("values", [[[0, 1], [1]], [0.25, 0.5]], ids=["several an image", "measurements"])
def test_a_column_that_says_no_class_gives_no_labels_and_that_is_said(tmp_path: Path, values: list) -> None:
    found = opened(tmp_path, values)
    assert found.class_names == () and found.labels().tolist() == [-1, -1] and "no labels" in found.notes()[0]


def boxed(folder: Path, boxes: list[list[float]]) -> ParquetImages:
    rows = [{"image": png(scene(number)), "bbox": box} for number, box in enumerate(boxes)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    return ParquetImages(folder / "a.parquet", "mine")


def test_boxes_are_cocos_unless_only_edges_stay_within_the_images(tmp_path: Path) -> None:
    coco = boxed(tmp_path, [[1.0, 2.0, 10.0, 12.0], [20.0, 20.0, 12.0, 12.0]])
    assert coco.boxes(1) == [(20, 20, 32, 32)] and "edges" not in str(coco.notes()) and coco._are_edges is False
    edges = boxed(tmp_path, [[1.0, 2.0, 10.0, 12.0], [20.0, 20.0, 30.0, 31.0]])
    assert edges.boxes(1) == [(20, 20, 30, 31)] and "left, top, right, bottom" in " ".join(edges.notes())


def test_masks_of_0_and_1_in_a_column_are_read_as_such_and_said(tmp_path: Path) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[4:8] = 1
    pq.write_table(pa.table({"image": [png(scene(0))], "mask": [png(mask)]}), tmp_path / "a.parquet")
    found = ParquetImages(tmp_path / "a.parquet", "mine")
    assert np.array_equal(found.mask(0), mask == 1) and "1 is object" in found.notes()[0]


def test_what_is_read_as_ever_keeps_its_fingerprint(tmp_path: Path) -> None:
    from engine.data.dataset import digest
    from engine.data.formats.folder import facts_of

    found = opened(tmp_path, [1, 0], ["cat", "dog"])
    file = tmp_path / "a.parquet"
    assert found.fingerprint == digest([facts_of(file.name, file.stat())])
