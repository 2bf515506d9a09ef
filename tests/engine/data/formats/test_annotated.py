"""Boxes in XML and masks in PNG: each belongs to the image of its name, and what is wrong with one is said of that one."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.core.errors import RefusedFile
from engine.data.dataset import Dataset, digest
from engine.data.formats.detect import open_path
from engine.data.formats.folder import facts_of
from tests.engine.data.formats.on_disk import ilsvrc, masked
from tests.engine.world import KINDS, SIDE, box, png, scene, write, xml


def test_ilsvrcs_flat_validation_images_take_their_class_from_the_xml(tmp_path):
    for number in range(8):
        write(tmp_path / f"Data/CLS-LOC/val/{number:03}.png", png(scene(number)))
        objects = [(KINDS[number % 4], box(number))]
        write(tmp_path / f"Annotations/CLS-LOC/val/{number:03}.xml", xml(SIDE, SIDE, objects))
    folder = open_path(tmp_path, "val")
    assert folder.class_names == tuple(sorted(KINDS))
    assert [folder.describe(number)["kind"] for number in range(8)] == [KINDS[number % 4] for number in range(8)]
    assert [folder.boxes(number) for number in range(8)] == [[box(number)] for number in range(8)]
    assert folder.drawn_on(0) == (SIDE, SIDE)


def test_an_image_whose_xml_names_no_single_class_has_none_and_is_told(tmp_path):
    for number, kinds in enumerate((["cat"], ["cat", "fire"], [])):
        write(tmp_path / f"images/{number}.png", png(scene(number)))
        write(tmp_path / f"Annotations/{number}.xml", xml(SIDE, SIDE, [(kind, box(number)) for kind in kinds]))
    write(tmp_path / "images/3.png", png(scene(3)))
    folder = open_path(tmp_path, "val")
    assert folder.labels().tolist() == [0, -1, -1, -1]
    assert dict(folder.report()) == {
        "1.png": "its XML names 2 classes instead of one",
        "2.png": "its XML names 0 classes instead of one",
        "3.png": "it has no XML that says its class",
    }


def test_boxes_are_those_of_the_images_own_class_alone(tmp_path):
    folder = open_path(ilsvrc(tmp_path / "set", 4), "boxes")
    names = [folder.describe(place)["name"] for place in range(4)]
    assert names == ["boat/003.png", "cat/000.png", "fire/001.png", "guitar/002.png"]
    assert [folder.boxes(place) for place in range(4)] == [[box(number)] for number in (3, 0, 1, 2)]


def test_what_is_lighter_than_middle_grey_is_object(tmp_path):
    write(tmp_path / "images/cat/a.png", png(scene(0)))
    levels = np.repeat(np.array([[0, 127, 128, 255]], np.uint8)[..., None], 3, axis=2)
    write(tmp_path / "masks/cat/a.png", png(levels))
    mask = open_path(tmp_path, "masks").mask(0)
    assert mask is not None and mask.tolist() == [[False, False, True, True]]


def test_annotations_count_for_the_fingerprint_and_those_without_an_image_are_told(tmp_path):
    root = masked(tmp_path / "set", 4)
    before = open_path(root, "masks").fingerprint
    (root / "masks/cat/000.png").unlink()
    assert open_path(root, "masks").fingerprint != before
    write(root / "masks/cat/lost.png", png(np.zeros((SIDE, SIDE), np.uint8)))
    assert open_path(root, "masks").report() == [("cat/lost.png", "there is no image of that name")]


def test_an_annotation_that_leads_out_of_its_folder_is_not_read(tmp_path):
    root = ilsvrc(tmp_path / "set", 4)
    inside = root / "Annotations/CLS-LOC/train/cat/000.xml"
    inside.rename(tmp_path / "outside.xml")
    inside.symlink_to(tmp_path / "outside.xml")
    folder = open_path(root, "linked")
    assert folder.describe(1)["name"] == "cat/000.png" and folder.boxes(1) is None


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + xml(SIDE, SIDE, [("cat", box(0))])
PLAIN = xml(SIDE, SIDE, [("cat", box(0))])


def boxes_of(folder: Dataset, number: int) -> list[tuple[int, int, int, int]] | None:
    try:
        return folder.boxes(number)
    except RefusedFile:
        return None


@pytest.mark.parametrize(
    "hostile",
    [
        BOMB.encode(),
        BOMB.encode("utf-16"),
        BOMB.encode("utf-16-be"),
        f'<?xml version="1.0" encoding="foo"?>{PLAIN}'.encode(),
        re.sub("<xmax>.*?</xmax>", "<xmax>1e999</xmax>", PLAIN).encode(),
    ],
    ids=["declarations", "declarations in UTF-16", "UTF-16 without its mark", "an unknown encoding", "an endless box"],
)
def test_hostile_xml_is_refused_and_the_other_images_keep_their_boxes(tmp_path, hostile):
    root = ilsvrc(tmp_path / "set", 8)
    write(root / "Annotations/CLS-LOC/train/cat/000.xml", hostile)
    folder = open_path(root, "hostile")
    with pytest.raises(RefusedFile, match=r"its boxes in 000\.xml cannot be read"):
        folder.boxes(next(n for n in range(8) if folder.describe(n)["name"] == "cat/000.png"))
    assert sum(boxes_of(folder, n) is not None for n in range(8)) == 7


def sideways(root: Path, way: int, noted: tuple[int, int] | None) -> Dataset:
    """An image stored 8 wide and 6 tall that EXIF turns, with a box on the stored pixels."""
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = way
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(buffer, "PNG", exif=exif)
    write(root / "images/cat/a.png", buffer.getvalue())
    text = xml(*(noted or (0, 0)), [("cat", (0, 0, 2, 3))])
    write(root / "Annotations/cat/a.xml", text if noted else re.sub("<size>.*</size>", "", text, flags=re.DOTALL))
    return open_path(root, "set")


def test_boxes_drawn_on_a_sideways_image_turn_with_it(tmp_path: Path) -> None:
    found = sideways(tmp_path / "stored", 6, (8, 6))
    assert found.image(0).shape == (8, 6, 3)
    assert found.boxes(0) == [(3, 0, 6, 2)] and found.drawn_on(0) == (6, 8)
    seen = sideways(tmp_path / "seen", 6, (6, 8))
    assert seen.boxes(0) == [(0, 0, 2, 3)] and seen.drawn_on(0) == (6, 8)
    assert "EXIF turns some of the images" in found.notes()[-1]


@pytest.mark.parametrize(("way", "noted"), [(6, None), (3, (8, 6))])
def test_boxes_of_which_nothing_tells_what_they_were_drawn_on_are_refused(tmp_path: Path, way: int, noted: Any) -> None:
    with pytest.raises(RefusedFile, match="nothing tells whether its boxes"):
        sideways(tmp_path, way, noted).boxes(0)


def test_only_what_is_read_otherwise_than_before_has_another_fingerprint(tmp_path: Path) -> None:
    def of(mask: np.ndarray) -> Dataset:
        write(tmp_path / "images/cat/a.png", png(scene(0)))
        write(tmp_path / "masks/cat/a.png", png(mask))
        return open_path(tmp_path, "set")

    def plain() -> str:
        files = [digest([facts_of("cat/a.png", (tmp_path / "images/cat/a.png").stat())]).encode()]
        return digest([*files, facts_of("cat/a.png", (tmp_path / "masks/cat/a.png").stat())])

    white = np.zeros((SIDE, SIDE), np.uint8)
    white[3:5] = 255
    assert of(white).fingerprint == plain()
    assert of(white // 255).fingerprint != plain()
