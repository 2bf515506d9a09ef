"""Five scenes in a Parquet file, and a folder of photos of two classes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.engine.data.pictures import encoded, plain, scene


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
