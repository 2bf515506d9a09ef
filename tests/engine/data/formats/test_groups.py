"""Which images belong together: by a column, by a file beside the images, by the sets of scenes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import RefusedFile
from engine.data.formats.folder import Folder
from engine.data.formats.groups import FILE, numbered
from engine.data.formats.parquet import ParquetImages
from engine.data.formats.scenes import Scenes
from tests.engine.world import png, scene, write


def test_equal_ones_belong_together_and_those_without_a_group_stand_alone():
    assert numbered(["a", "b", "a", None, None, ""]).tolist() == [0, 1, 0, 2, 3, 4]


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        write(tmp_path / "pictures" / "cat" / f"{number}.png", scene(number))
    return tmp_path / "pictures"


def test_a_folder_says_it_in_a_file_beside_the_images(folder):
    assert Folder(folder, "pictures").clusters() is None
    before = Folder(folder, "pictures").fingerprint
    (folder / FILE).write_text("file,group\ncat/0.png,anna\ncat/1.png,bert\ncat/2.png,anna\n")
    known = Folder(folder, "pictures")
    assert known.clusters().tolist() == [0, 1, 0, 2] and known.fingerprint != before
    assert not known.report(), "the file itself is nothing that was left out"
    (folder / FILE).write_text("name;who\n")
    with pytest.raises(RefusedFile, match="file and group"):
        Folder(folder, "pictures").clusters()
    (folder / FILE).write_text("file,group\ndog/0.png,anna\n")
    with pytest.raises(RefusedFile, match="names none"):
        Folder(folder, "pictures").clusters()


def test_a_parquet_file_says_it_in_a_column(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"image": png(scene(number)), "label": number % 2, "patient": number // 2} for number in range(4)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "with.parquet")
    assert ParquetImages(tmp_path / "with.parquet", "with").clusters().tolist() == [0, 0, 1, 1]
    pq.write_table(pa.Table.from_pylist(rows).drop(["patient"]), tmp_path / "without.parquet")
    assert ParquetImages(tmp_path / "without.parquet", "without").clusters() is None


def test_scenes_of_one_set_belong_together(parquet):
    scenes = Scenes(parquet, "starter")
    sets = [scenes.describe(number)["set"] for number in range(len(scenes))]
    clusters = scenes.clusters()
    np.testing.assert_array_equal(clusters[:, None] == clusters, np.equal.outer(sets, sets))
