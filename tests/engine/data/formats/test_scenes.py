"""Scenes: the right picture under every number, and beside it all that was planted in it."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import RefusedFile, Unavailable
from engine.data.dataset import KNOWN
from engine.data.formats.scenes import Scenes
from engine.data.registry import open_dataset
from tests.engine.data.pictures import KINDS, scene


def test_scenes_give_the_picture_and_all_that_is_known_about_it(parquet):
    scenes = Scenes(parquet, "starter")
    assert len(scenes) == 5
    assert scenes.image(2)[0, 0].tolist() == [20, 20, 20]
    assert scenes.image(2)[15, 40].tolist() == [255, 255, 255]
    assert scenes.class_names == KINDS
    assert scenes.labels().tolist() == [0, 1, 2, 0, 1]
    known = scenes.describe(2)
    assert known["id"] == 2
    assert (known["kind"], known["place"], known["home_place"], known["set"]) == ("guitar", "sea", "grass", 1)
    assert (known["tags"], known["box"]) == (["soft", "pet"], (30, 10, 50, 20))
    assert "image" not in known


def test_a_mask_covers_exactly_the_object_and_a_place_alone_has_none(parquet):
    scenes = Scenes(parquet, "starter")
    rows, columns = np.nonzero(scenes.mask(1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 30, 49)
    assert scenes.mask(3) is None
    assert scenes.describe(3)["box"] is None


def test_scenes_with_other_content_have_another_fingerprint(parquet, tmp_path):
    first = Scenes(parquet, "starter").fingerprint
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(parquet.read_bytes())
    os.utime(copy, (1, 1))
    assert Scenes(copy, "starter").fingerprint == first, "the content counts, not the file"
    pq.write_table(pa.Table.from_pylist([scene(number) for number in (0, 1, 2, 3, 5)]), copy)
    assert Scenes(copy, "starter").fingerprint != first


def test_a_parquet_file_that_is_damaged_or_about_something_else_is_refused(parquet, tmp_path):
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(parquet.read_bytes()[:-100])
    with pytest.raises(RefusedFile, match=r"broken\.parquet is not a readable Parquet file: .*[^.]\.$"):
        Scenes(broken, "broken")
    pq.write_table(pa.table({"price": [1]}), broken)
    with pytest.raises(RefusedFile, match=r"the columns .*image.* are missing"):
        Scenes(broken, "broken")
    with pytest.raises(Unavailable, match="is missing"):
        Scenes(tmp_path / "none.parquet", "none")


def test_the_starters_scenes_give_all_that_can_be_known_but_variations() -> None:
    assert open_dataset("starter").gives() == set(KNOWN) - {"variations"}
