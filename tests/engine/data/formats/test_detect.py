"""Which format a path has, what each gives, and a format of one's own beside those that Vitrine brings."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import RefusedFile, Unavailable
from engine.data.formats import detect
from engine.data.formats.detect import open_path
from tests.engine.cli.conftest import ask as ask
from tests.engine.world import box, png, scene, write, xml

TOY = '''
"""Grey images from a text file: the brightness and the class of one image on each line."""

import numpy as np

from engine.data.dataset import digest
from engine.data.formats.detect import register_format
from engine.data.formats.format import Format


@register_format
class Greys(Format):
    @classmethod
    def recognises(cls, path):
        return path.suffix == ".greys"

    @classmethod
    def open(cls, path, name):
        return cls(path, name)

    def __init__(self, path, name):
        super().__init__()
        self.name, self._text = name, path.read_text()
        self._rows = [line.split() for line in self._text.splitlines()]
        self.class_names = tuple(sorted({kind for _, kind in self._rows}))

    def _fingerprint(self):
        return digest([self._text.encode()])

    def __len__(self):
        return len(self._rows)

    def image(self, index):
        return np.full((32, 32, 3), int(self._rows[index][0]), np.uint8)

    def label(self, index):
        return self.class_names.index(self._rows[index][1])

    def describe(self, index):
        return {"id": index, "kind": self._rows[index][1]}

    def gives(self):
        return super().gives() | {"boxes"}

    def boxes(self, index):
        return [(8, 8, 24, 24)]
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A format registered by a module that is no part of Vitrine."""
    monkeypatch.setattr(detect, "FORMATS", [*detect.FORMATS])
    write(tmp_path / "elsewhere" / "greys_format.py", TOY.encode())
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    importlib.import_module("greys_format")
    yield
    del sys.modules["greys_format"]


def test_a_format_of_ones_own_is_opened_by_path_on_the_command_line(
    toy: None, ask: Callable[..., dict[str, Any]], own_store: Path, tmp_path: Path
) -> None:
    write(tmp_path / "mine.greys", b"10 dark\n250 light\n240 light\n")
    answer = ask("index", "--model", "starter-cnn", "--site", "head.logits", "--data", str(tmp_path / "mine.greys"))
    assert answer["images"] == 3
    opened = open_path(tmp_path / "mine.greys", "mine")
    assert opened.gives() == {"labels", "boxes"} and opened.cuts() == ("box",)


def test_a_format_of_ones_own_can_stand_in_a_folder_that_would_pass_for_images(toy: None, tmp_path: Path) -> None:
    write(tmp_path / "folder.greys" / "a.png", png(scene(0)))
    with pytest.raises(IsADirectoryError):
        open_path(tmp_path / "folder.greys", "mine")


def images(folder: Path, where: str) -> None:
    for number in range(2):
        write(folder / where / "cat" / f"{number}.png", png(scene(number)))


def plain(folder: Path) -> None:
    images(folder, ".")


def masks(folder: Path) -> None:
    images(folder, "images")
    write(folder / "masks/cat/0.png", png(np.zeros((32, 32, 3), np.uint8)))


def boxes(folder: Path) -> None:
    images(folder, "images")
    write(folder / "Annotations/cat/0.xml", xml(32, 32, [("cat", box(0))]))


def boxes_beside(folder: Path) -> None:
    images(folder, ".")
    write(folder / "cat/0.xml", xml(32, 32, [("cat", box(0))]))


def ilsvrc(folder: Path) -> None:
    images(folder, "Data/CLS-LOC/val")
    write(folder / "Annotations/CLS-LOC/val/cat/0.xml", xml(32, 32, [("cat", box(0))]))


def challenge(folder: Path) -> None:
    for variation in ("original", "no_fg"):
        write(folder / variation / "00_dog" / "a.png", png(scene(0)))


def parquet(folder: Path) -> None:
    rows = [{"image": png(scene(number)), "label": "cat", "bbox": [1, 2, 3, 4]} for number in range(2)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")


@pytest.mark.parametrize(
    ("made", "kind", "known"),
    [
        (plain, "Folder", {"labels"}),
        (masks, "MaskedFolder", {"labels", "masks"}),
        (boxes, "BoxedFolder", {"labels", "boxes"}),
        (boxes_beside, "BoxedFolder", {"labels", "boxes"}),
        (ilsvrc, "Ilsvrc", {"labels", "boxes"}),
        (challenge, "Challenge", {"labels", "variations"}),
        (parquet, "ParquetImages", {"labels", "boxes"}),
    ],
)
def test_each_format_is_known_by_what_lies_in_the_folder_and_says_what_it_gives(
    made: Callable[[Path], None], kind: str, known: set[str], tmp_path: Path
) -> None:
    made(tmp_path)
    opened = open_path(tmp_path, "mine")
    assert (type(opened).__name__, opened.gives()) == (kind, known)
    assert len(opened) == (1 if kind == "Challenge" else 2)


def test_what_is_in_no_format_is_refused_and_what_is_not_there_is_said(tmp_path: Path) -> None:
    write(tmp_path / "notes.txt", b"hello")
    with pytest.raises(RefusedFile, match="neither a folder of images nor a Parquet file"):
        open_path(tmp_path / "notes.txt", "mine")
    with pytest.raises(Unavailable, match="is missing"):
        open_path(tmp_path / "gone", "mine")
