"""Folders of images: classes and files in order, damage and links told, nothing read outside what was opened."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.data.dataset import digest
from engine.data.formats.folder import Folder, bits_marks, facts_of
from engine.data.registry import open_dataset, paths_may_be_typed
from tests.engine.data.pictures import encoded, plain, png16


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


def test_images_of_16_bits_that_are_scaled_each_by_its_own_depth_are_said_and_those_that_name_it_are_not(tmp_path):
    dark, bright = np.full((4, 4, 1), 900), np.full((4, 4, 1), 4001)
    own = Folder(_two(tmp_path / "own", png16(dark), png16(bright)), "own")
    assert [int(own.image(n)[0, 0, 0]) for n in (0, 1)] == [900 >> 2, 4001 >> 4]
    assert "use 10 or 12 of them" in own.notes()[-1] and "their brightness does not compare" in own.notes()[-1]
    named = Folder(_two(tmp_path / "named", png16(dark, 12), png16(bright, 12)), "named")
    assert [int(named.image(n)[0, 0, 0]) for n in (0, 1)] == [900 >> 4, 4001 >> 4]
    assert named.notes()[-1].endswith("use 12 of them (as “a.png”) and are read as such.")


def test_a_set_whose_files_name_their_bits_has_another_fingerprint_than_when_these_did_not_decide(tmp_path):
    """The same names, sizes and times: only what is read of the files is new."""
    assert bits_marks({"a": (12, 0), "b": (16, 0)}) == [b"bits"] and bits_marks({"a": (16, 0), "b": (0, 0)}) == []
    assert bits_marks({"a": (12, 12)}) == [b"bits", b"sBIT"] and bits_marks({"a": (16, 12)}) == [b"sBIT"]
    folder = _two(tmp_path / "set", png16(np.full((4, 4, 1), 900), 12), png16(np.full((4, 4, 1), 901), 12))
    facts = [facts_of(name, (folder / name).stat()) for name in ("a.png", "b.png")]
    assert Folder(folder, "set").fingerprint == digest([*facts, b"bits", b"sBIT"])


def _two(folder: Path, first: bytes, second: bytes) -> Path:
    folder.mkdir()
    for name, data in (("a.png", first), ("b.png", second)):
        (folder / name).write_bytes(data)
    return folder
