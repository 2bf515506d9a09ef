"""Splits and containers: never joined, never taken for classes, and which one is read is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import BadRequest
from engine.data.dataset import digest
from engine.data.formats.detect import is_there, open_path
from engine.data.formats.folder import Folder, facts_of
from engine.data.formats.splits import choose, is_split, of_file
from tests.engine.data.formats.on_disk import ilsvrc, masked
from tests.engine.world import png, scene, write


def pictures(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        write(root / f"{name}.png", png(scene(number)))
    return root


def names_of(path: Path) -> list[str]:
    found = open_path(path, "set")
    return [found.describe(number)["name"] for number in range(len(found))]


def test_splits_are_told_by_their_names() -> None:
    assert all(map(is_split, ("train", "Val", "val2017", "test_set", "validation", "dev")))
    assert not any(map(is_split, ("trainer", "trains", "cat", "tests", "value", "training wheels")))
    assert (
        of_file("train-00000-of-00002.parquet") == "train" and of_file("0000.parquet") == of_file("cats.parquet") == ""
    )
    assert choose(["train", "test", "val"], "", "x") == "val" and choose(["train", "test"], "train", "x") == "train"


def test_train_and_val_are_no_classes_and_only_the_held_out_one_is_read(tmp_path: Path) -> None:
    pictures(tmp_path, "train/cat/a", "train/dog/b", "val/cat/c", "val/dog/d", "val/dog/e")
    found = open_path(tmp_path, "set")
    assert found.class_names == ("cat", "dog") and found.labels().tolist() == [0, 1, 1]
    assert found.notes() == [
        "Of the splits train, val only val is read. For another, add its name to the path: .../train."
    ]
    train = open_path(tmp_path / "train", "set")
    assert train.class_names == ("cat", "dog") and len(train) == 2 and train.notes() == []


def test_splits_inside_of_the_classes_are_not_joined_either(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/train/a", "cat/test/b", "dog/train/c", "dog/test/d")
    assert names_of(tmp_path) == ["cat/test/b.png", "dog/test/d.png"]
    assert open_path(tmp_path, "set").class_names == ("cat", "dog")


def test_a_class_that_is_called_like_a_split_stays_one_beside_others(tmp_path: Path) -> None:
    found = open_path(pictures(tmp_path, "train/a", "car/b", "plane/c"), "vehicles")
    assert found.class_names == ("car", "plane", "train") and found.notes() == []


def test_a_folder_of_images_alone_is_no_class(tmp_path: Path) -> None:
    found = open_path(pictures(tmp_path, "images/a", "images/b"), "set")
    assert found.class_names == () and found.labels().tolist() == [-1, -1] and "labels" not in found.gives()


def test_a_single_class_is_said(tmp_path: Path) -> None:
    assert open_path(pictures(tmp_path, "cat/a"), "set").notes() == ["All images are of one class, “cat”."]


@pytest.mark.parametrize("inside", ["", "images/"])
def test_coco_has_neither_a_class_images_nor_classes_for_its_splits(tmp_path: Path, inside: str) -> None:
    pictures(tmp_path, f"{inside}train2017/0001", f"{inside}val2017/0002")
    write(tmp_path / "annotations/instances_val2017.json", json.dumps({"images": [], "annotations": []}))
    found = open_path(tmp_path, "coco")
    assert found.class_names == () and names_of(tmp_path) == [f"{inside}val2017/0002.png"]
    assert (
        "JSON annotations (COCO's and the like) are not read: they give no classes and no boxes here." in found.notes()
    )


def test_what_pascal_voc_and_yolo_keep_beside_the_images_is_not_read_and_said(tmp_path: Path) -> None:
    pictures(tmp_path / "voc", "JPEGImages/a", "SegmentationClass/a")
    write(tmp_path / "voc/ImageSets/Main/train.txt", "a")
    write(tmp_path / "voc/Annotations/a.xml", "<annotation/>")
    told = open_path(tmp_path / "voc", "voc").notes()
    assert any("ImageSets" in each for each in told) or any("XML" in each for each in told)
    pictures(tmp_path / "yolo", "images/train/a", "images/val/b")
    write(tmp_path / "yolo/labels/val/b.txt", "0 0.5 0.5 0.1 0.1")
    assert open_path(tmp_path / "yolo", "yolo").class_names == ()


def test_ilsvrc_reads_val_where_train_is_there_too_and_says_so(tmp_path: Path) -> None:
    ilsvrc(tmp_path, 4, "train")
    alone = open_path(tmp_path, "set")
    assert len(alone) == 4 and alone.notes() == []
    ilsvrc(tmp_path, 8, "val")
    both = open_path(tmp_path, "set")
    assert len(both) == 8 and "only val is read" in both.notes()[0]
    assert is_there(tmp_path / "train") and len(open_path(tmp_path / "train", "set")) == 4
    assert open_path(tmp_path / "train", "set").fingerprint == alone.fingerprint


def test_masks_go_with_the_split_of_their_images(tmp_path: Path) -> None:
    for split, count in (("train", 8), ("val", 4)):
        masked(tmp_path / split, count)
        for kind in ("images", "masks"):
            (tmp_path / "set" / kind).mkdir(parents=True, exist_ok=True)
            (tmp_path / split / kind).rename(tmp_path / "set" / kind / split)
    val, train = open_path(tmp_path / "set", "set"), open_path(tmp_path / "set/train", "set")
    assert (len(val), len(train)) == (4, 8) and len(val.class_names) == 4
    assert all(found.mask(number) is not None for found in (val, train) for number in range(4))
    assert val.report() == []


def shard(path: Path, *labels: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": [png(scene(label)) for label in labels], "label": list(labels)}), path)


def test_shards_of_two_splits_are_not_joined(tmp_path: Path) -> None:
    shard(tmp_path / "train-00000-of-00002.parquet", 0, 1)
    shard(tmp_path / "train-00001-of-00002.parquet", 2)
    alone = open_path(tmp_path, "hub")
    assert len(alone) == 3 and alone.notes() == []
    shard(tmp_path / "test-00000-of-00001.parquet", 3)
    both = open_path(tmp_path, "hub")
    assert both.labels().tolist() == [3] and "only test is read" in both.notes()[0]
    train = open_path(tmp_path / "train", "hub")
    assert train.labels().tolist() == [0, 1, 2] and train.fingerprint == alone.fingerprint != both.fingerprint
    with pytest.raises(BadRequest, match=r"has no split val. It has test, train"):
        type(train).open(tmp_path, "hub", "val")


def test_a_shard_that_names_no_split_is_not_joined_to_those_that_do(tmp_path: Path) -> None:
    shard(tmp_path / "train-00000-of-00001.parquet", 0, 1)
    shard(tmp_path / "birds.parquet", 2)
    found = open_path(tmp_path, "hub")
    assert found.labels().tolist() == [0, 1]
    assert found.report() == [("birds.parquet", "a shard that names no split, beside those of train")]


def rows(path: Path, *split: str | None, size: int = 2) -> Path:
    """A file whose images have the labels 0, 1, 2 ..., in row groups of this size, and such a column `split`."""
    labels = [*range(len(split))]
    table = pa.table({"image": [png(scene(label)) for label in labels], "label": labels, "split": list(split)})
    pq.write_table(table, path, row_group_size=size)
    return path


@pytest.mark.parametrize("size", [1, 2, 5])
def test_rows_of_which_a_column_says_train_or_test_are_not_joined(tmp_path: Path, size: int) -> None:
    file = rows(tmp_path / "a.parquet", "train", "test", "train", "test", "train", size=size)
    test, train = open_path(file, "hub"), open_path(file / "train", "hub")
    assert (
        test.notes()[0]
        == "Of the splits test, train only test is read. For another, add its name to the path: .../train."
    )
    assert (test.labels().tolist(), train.labels().tolist()) == ([1, 3], [0, 2, 4]) and len(test) == 2
    for found, labels in ((test, (1, 3)), (train, (0, 2, 4))):
        assert [found.label(number) for number in range(len(found))] == list(labels)
        assert all(np.array_equal(found.image(number), scene(label)) for number, label in enumerate(labels))
    assert len({test.fingerprint, train.fingerprint, digest([facts_of(file.name, file.stat())])}) == 3
    assert open_path(file / "test", "hub").fingerprint == test.fingerprint
    assert is_there(file / "train") and not is_there(file / "val")
    with pytest.raises(BadRequest, match=r"has no split val. It has test, train"):
        type(train).open(file, "hub", "val")
    inside = open_path(tmp_path / "train", "hub")
    assert inside.labels().tolist() == [0, 2, 4], "so are the rows of a folder of shards whose names tell none"


def test_rows_without_a_splits_name_are_left_out_where_others_have_one(tmp_path: Path) -> None:
    found = open_path(rows(tmp_path / "a.parquet", "train", None, "train", "unsure"), "hub")
    assert found.labels().tolist() == [0, 2]
    assert found.notes()[0] == "2 rows whose column “split” names no split are not read."
    folds = open_path(rows(tmp_path / "b.parquet", "a", "b"), "hub")
    assert len(folds) == 2 and "names no training or test split (a, b)" in folds.notes()[0]
    whole = open_path(rows(file := tmp_path / "c.parquet", "train", "train"), "hub")
    assert len(whole) == 2 and whole.notes() == [] and whole.fingerprint == digest([facts_of(file.name, file.stat())])
    with pytest.raises(BadRequest, match="neither its files nor a column"):
        type(whole).open(tmp_path / "b.parquet", "hub", "train")


def test_folders_without_splits_keep_their_fingerprint(tmp_path: Path) -> None:
    """That of the paths, sizes and times of change alone."""
    pictures(tmp_path, "cat/a", "dog/b")
    facts = [facts_of(name, (tmp_path / name).stat()) for name in ("cat/a.png", "dog/b.png")]
    assert Folder(tmp_path, "set").fingerprint == digest(facts)
    pictures(tmp_path / "in", "train/cat/a", "train/dog/b")
    facts = [facts_of(f"train/{name}", (tmp_path / "in/train" / name).stat()) for name in ("cat/a.png", "dog/b.png")]
    assert Folder(tmp_path / "in", "set").fingerprint != digest(facts), "train is no longer its class"
