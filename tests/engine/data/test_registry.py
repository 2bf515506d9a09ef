"""Data sets: the right picture under every number, damage reported, nothing read outside what was opened."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from engine.core import config
from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.once import one_request
from engine.data import registry
from engine.data.formats.folder import Folder
from engine.data.formats.photos import Photos
from engine.data.formats.scenes import Scenes
from engine.data.registry import dataset_names, open_dataset, paths_may_be_typed

KINDS = ("cat", "fire", "guitar")


def encoded(array: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def plain(value: int, size: tuple[int, int] = (96, 96)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


def scene(number: int) -> dict:
    """Scene `number`: a grey of ten times its number with a white square in rows 10-20, columns 30-50."""
    image, mask = plain(number * 10), np.zeros((96, 96), bool)
    alone = number == 3
    if not alone:
        image[10:20, 30:50] = 255
        mask[10:20, 30:50] = True
    left, top, right, bottom = (None,) * 4 if alone else (30, 10, 50, 20)
    return {
        "image": encoded(image, "WEBP", lossless=True),
        "mask": None if alone else encoded(mask),
        "box_left": left,
        "box_top": top,
        "box_right": right,
        "box_bottom": bottom,
        "kind": KINDS[number % 3],
        "kind_index": number % 3,
        "group": "animals",
        "place": "sea",
        "home_place": "grass",
        "variant": "place" if alone else "home",
        "set": number // 2,
        "tags": ["soft", "pet"],
        "caption": f"a {KINDS[number % 3]} on the sea",
    }


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "evaluation.parquet"
    pq.write_table(pa.Table.from_pylist([scene(number) for number in range(5)]), path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes with two and one images, and files that do not belong there."""
    folder = tmp_path / "photos"
    for name, value in (("dog/b.png", 20), ("dog/a.jpg", 10), ("cat/deep/c.webp", 30)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        kind = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}[name.rsplit(".")[-1]]
        (folder / name).write_bytes(encoded(plain(value), kind))
    (folder / "notes.txt").write_text("not an image")
    (folder / ".hidden.png").write_bytes(encoded(plain(99)))
    return folder


@pytest.fixture
def configured(monkeypatch, photos):
    settings = config.Settings(data_folders={"mine": photos})
    monkeypatch.setattr(registry, "settings", lambda: settings)


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


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_batches_hold_every_image_once_in_order_at_the_models_input_size(parquet, batch):
    seen = [*Scenes(parquet, "starter").batches((32, 48), batch)]
    assert all(images.dtype == np.uint8 and images.shape[1:] == (32, 48, 3) for _, images in seen)
    assert np.concatenate([indices for indices, _ in seen]).tolist() == [0, 1, 2, 3, 4]
    corners = np.concatenate([images[:, -1, 0, 0] for _, images in seen])
    assert corners.tolist() == [0, 10, 20, 30, 40]


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


def test_an_image_number_out_of_range_is_refused(parquet):
    for number in (-1, 5):
        with pytest.raises(BadRequest, match=f"starter has no image {number}: its 5 images"):
            Scenes(parquet, "starter").image(number)


def test_class_subfolders_are_labels_and_files_are_sorted(photos):
    folder = Folder(photos, "mine")
    assert folder.class_names == ("cat", "dog")
    assert [folder.describe(i)["name"] for i in range(len(folder))] == ["cat/deep/c.webp", "dog/a.jpg", "dog/b.png"]
    assert [folder.describe(i)["kind"] for i in range(len(folder))] == ["cat", "dog", "dog"]
    assert folder.labels().tolist() == [0, 1, 1]
    assert [abs(int(folder.image(i)[0, 0, 0]) - value) <= 2 for i, value in enumerate((30, 10, 20))] == [True] * 3
    assert folder.report() == [("notes.txt", "not named like a PNG, JPEG or WebP image")]


def test_a_flat_folder_has_no_labels(tmp_path):
    (tmp_path / "one.png").write_bytes(encoded(plain(7)))
    folder = Folder(tmp_path, "flat")
    assert (folder.class_names, folder.label(0), folder.labels().tolist()) == ((), None, [-1])
    assert "kind" not in folder.describe(0)


def test_damaged_files_are_left_out_of_batches_and_told_while_the_others_keep_their_numbers(photos):
    (photos / "dog" / "a.jpg").write_bytes(b"no picture")
    folder = Folder(photos, "mine")
    (indices, images), *rest = folder.batches((8, 8), 16)
    assert rest == []
    assert indices.tolist() == [0, 2]
    assert images[:, 0, 0, 0].tolist() == [30, 20]
    assert dict(folder.report())["dog/a.jpg"] == "a.jpg is not a PNG, JPEG or WebP image."


def test_links_out_of_the_folder_are_never_opened(photos, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded(plain(200)))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.png").write_bytes(encoded(plain(200)))
    (photos / "dog" / "link.png").symlink_to(secret)
    (photos / "dog" / "dangling.png").symlink_to(photos / "nowhere.png")
    (photos / "linked").symlink_to(tmp_path / "elsewhere")
    folder = Folder(photos, "mine")
    assert len(folder) == 3
    told = dict(folder.report())
    assert told["dog/link.png"] == "a link out of the data folder"
    assert told["dog/dangling.png"] == "not a file, or a link that leads nowhere"
    assert told["linked"] == "a link to a folder; links are not followed"
    (photos / "dog" / "a.jpg").unlink()
    (photos / "dog" / "a.jpg").symlink_to(secret)
    with pytest.raises(RefusedFile, match=r"a\.jpg leads out of the data folder"):
        folder.image(1)


def test_a_folder_that_changed_has_another_fingerprint(photos):
    before = Folder(photos, "mine").fingerprint
    assert Folder(photos, "other name").fingerprint == before
    os.utime(photos / "dog" / "a.jpg", (1, 1))
    touched = Folder(photos, "mine").fingerprint
    (photos / "dog" / "a.jpg").rename(photos / "cat" / "a.jpg")
    moved = Folder(photos, "mine").fingerprint
    assert len({before, touched, moved}) == 3


def test_names_that_are_not_utf8_are_shown_so_that_they_can_be_read(photos):
    before = Folder(photos, "mine").fingerprint
    odd = Path(os.fsdecode(bytes(photos) + b"/dog\xff"))
    odd.mkdir()
    (odd / os.fsdecode(b"a\xfe.png")).write_bytes(encoded(plain(40)))
    (odd / os.fsdecode(b"a\xfd.png")).write_bytes(b"no picture")
    (odd / os.fsdecode(b"\xfc.txt")).touch()
    folder = Folder(photos, "mine")
    assert folder.fingerprint != before
    assert folder.class_names == ("cat", "dog", "dog\\xff")
    assert folder.describe(4) == {"id": 4, "name": "dog\\xff/a\\xfe.png", "kind": "dog\\xff"}
    assert folder.image(4)[0, 0, 0] == 40
    assert next(folder.batches((8, 8), 16))[0].tolist() == [0, 1, 2, 4]
    told = dict(folder.report())
    assert told["dog\\xff/\\xfc.txt"] == "not named like a PNG, JPEG or WebP image"
    assert told["dog\\xff/a\\xfd.png"] == "a\\xfd.png is not a PNG, JPEG or WebP image."


def test_a_folder_that_cannot_be_read_is_named_rather_than_left_out(photos, monkeypatch):
    """Permissions stop nobody who runs tests as root, so the system's answer is played."""
    scandir = os.scandir

    def closed(*names):
        def looked(place="."):
            if Path(place).name in names:
                raise PermissionError(13, "Permission denied", os.fspath(place))
            return scandir(place)

        monkeypatch.setattr(os, "scandir", looked)

    closed("cat")
    with pytest.raises(
        BadRequest, match=r"“mine” cannot be used: “cat” in it cannot be read \(Permission denied\)\. \w"
    ):
        Folder(photos, "mine")
    closed("photos")
    with pytest.raises(BadRequest, match=r"“mine” cannot be used: it cannot be read"):
        Folder(photos, "mine")


def test_a_folder_that_may_not_be_entered_is_said(photos, monkeypatch):
    stat = Path.stat

    def closed(self, **options):
        if self.parent == photos:
            raise PermissionError(13, "Permission denied", str(self))
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", closed)
    refused = pytest.raises(BadRequest, match=r"it, or something in it, cannot be read \(Permission denied\)")
    with refused, paths_may_be_typed():
        open_dataset(str(photos), typed=True)


def test_what_vanishes_while_a_folder_is_listed_is_left_out(photos, monkeypatch):
    stat = Path.stat
    asked = []

    def vanishing(self, **options):
        if self.name == "a.jpg":
            asked.append(self)
            if len(asked) > 1:  # seen first, gone then
                raise FileNotFoundError(2, "No such file or directory", str(self))
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", vanishing)
    folder = Folder(photos, "mine")
    assert [folder.describe(number)["name"] for number in range(len(folder))] == ["cat/deep/c.webp", "dog/b.png"]
    assert len(asked) == 2


def test_an_empty_or_missing_folder_says_so(tmp_path):
    with pytest.raises(BadRequest, match="holds no PNG, JPEG or WebP images"):
        Folder(tmp_path, "empty")
    with pytest.raises(Unavailable, match="is missing or not a folder"):
        Folder(tmp_path / "gone", "gone")


def test_photos_carry_their_imagenet_class_and_the_content_is_the_fingerprint(photos):
    files = [("dog one", photos / "dog" / "a.jpg", 207), ("dog two", photos / "dog" / "b.png", 208)]
    two = Photos("photos", files)
    assert two.labels().tolist() == [207, 208]
    assert two.describe(1) == {"id": 1, "name": "dog two", "kind": "ImageNet class 208"}
    assert abs(int(two.image(0)[0, 0, 0]) - 10) <= 2
    os.utime(photos / "dog" / "a.jpg", (1, 1))
    assert Photos("photos", files).fingerprint == two.fingerprint
    assert Photos("photos", files[:1]).fingerprint != two.fingerprint


def test_data_sets_open_by_name(configured, parquet, monkeypatch):
    monkeypatch.setattr(registry, "STARTER", parquet)
    assert dataset_names() == ["starter", "photos", "mine"]
    assert len(open_dataset("starter")) == 5
    assert open_dataset("starter") is open_dataset("starter"), "opened once for the process"
    assert len(open_dataset("mine")) == 3


def test_a_path_opens_only_where_paths_may_be_typed_and_only_the_one_that_was(configured, photos, parquet):
    hostile = (str(photos), "../photos", "/etc", "nothing", "")
    with paths_may_be_typed():
        for name in hostile:
            with pytest.raises(BadRequest, match=r"There is no data set .* or the path of a folder"):
                open_dataset(name)
        assert len(open_dataset(str(photos), typed=True)) == 3
        assert len(open_dataset(str(parquet), typed=True)) == 5
        assert len(open_dataset(str(photos))) == 3, "now that somebody has typed it"
        with pytest.raises(BadRequest, match="or the path of a folder"):
            open_dataset(str(photos / "missing"), typed=True)
    for name in hostile:
        for typed in (False, True):
            with pytest.raises(BadRequest, match=r"Choose one of starter, photos, mine, or a folder added"):
                open_dataset(name, typed)


def test_a_path_that_one_thread_typed_stays_closed_to_the_others(configured, photos):
    refused = []

    def served() -> None:
        try:
            open_dataset(str(photos))
        except BadRequest as error:
            refused.append(error)

    with paths_may_be_typed():
        open_dataset(str(photos), typed=True)
        thread = threading.Thread(target=served)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_a_folder_is_listed_once_a_request_and_anew_for_the_next(configured, photos):
    with one_request():
        first = open_dataset("mine")
        (photos / "dog" / "c.png").write_bytes(encoded(plain(40)))
        assert open_dataset("mine") is first and len(first) == 3
    assert len(open_dataset("mine")) == 4


def test_a_file_is_read_once_for_the_process_until_it_changes(configured, parquet):
    with paths_may_be_typed():
        opened = open_dataset(str(parquet), typed=True)
        assert open_dataset(str(parquet)) is opened
        pq.write_table(pa.Table.from_pylist([scene(number) for number in range(3)]), parquet)
        assert len(open_dataset(str(parquet))) == 3
