"""What a unit does on images is the same from the index of its layer and from the result of its picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.core import config
from engine.core.images import to_png
from engine.core.request import Result
from pages.common import results
from pages.common.units.on_data import OnData, of_unit

UNITS, IMAGES, TOP = 4, 6, 3


@pytest.fixture
def stored(own_store: Path, tmp_path: Path, configured: Callable[..., None]) -> Result:
    """The index of a layer of four units on six images of as many greys."""
    folder = tmp_path / "greys"
    folder.mkdir()
    for number in range(IMAGES):
        (folder / f"{number}.png").write_bytes(to_png(np.full((8, 8, 3), 40 * number, np.uint8)))
    configured(data_folders={"greys": folder})
    results._listed.clear()
    results._result.clear()
    draw = np.random.default_rng(0)
    arrays = {
        "images": np.arange(IMAGES, dtype=np.int32),
        "position_mean": draw.normal(size=(IMAGES, UNITS)).astype(np.float32),
        "top_mean": np.stack([draw.permutation(IMAGES)[:TOP] for _ in range(UNITS)]).astype(np.int32),
        "top_mean_maps": draw.normal(size=(UNITS, TOP, 2, 2)).astype(np.float16),
    }
    return Result({"experiment": "index"}, arrays)


def picture_of(units: tuple[int, ...], index: Result) -> Result:
    """What the result of pictures of these units brings of the index."""
    whole, rows = index.arrays, list(units)
    arrays = {
        "unit_values": whole["position_mean"][:, rows].T.copy(),
        "on_images": whole["images"],
        "unit_top": whole["top_mean"][rows],
        "unit_top_maps": whole["top_mean_maps"][rows],
    }
    return Result({"experiment": "visualize", "units": list(units)}, arrays)


def test_the_picture_tells_the_same_of_its_units_as_the_index(stored: Result) -> None:
    config.store().put("picture.float32", picture_of((3, 1), stored).to_blob())
    alone = of_unit("index.float32", 1, "picture.float32")
    assert alone == OnData("picture.float32", 1, False)
    config.store().put("index.float32", stored.to_blob())
    whole = of_unit("index.float32", 1, "picture.float32")
    assert whole == OnData("index.float32", 1, True), "the index is the first to be asked"
    assert alone is not None and whole is not None
    for name in ("top", "maps", "values", "images"):
        assert (getattr(alone, name) == getattr(whole, name)).all(), name
    assert alone.scale == whole.scale and alone.ranks("greys", 2) == whole.ranks("greys", 2) == [0, 1]
    for mapped in (False, True):
        assert alone.scene(1, "greys", (8, 8), mapped) == whole.scene(1, "greys", (8, 8), mapped)
    grey = 40 * int(stored.arrays["top_mean"][1, 1])
    assert alone.scene(1, "greys", (8, 8), False) == to_png(np.full((8, 8, 3), grey, np.uint8))


def test_nothing_is_known_of_another_unit_nor_from_a_result_of_before(stored: Result) -> None:
    config.store().put("picture.float32", picture_of((3, 1), stored).to_blob())
    config.store().put("old.float32", Result({"experiment": "visualize", "units": [1]}).to_blob())
    assert of_unit("index.float32", 2, "picture.float32") is None
    assert of_unit("index.float32", 1, "old.float32") is None and of_unit("index.float32", 1) is None


def test_a_units_image_is_looked_up_anew_when_a_folder_has_changed(stored: Result, tmp_path: Path) -> None:
    config.store().put("index.float32", stored.to_blob())
    known = OnData("index.float32", 1, True)
    before = known.scene(0, "greys", (8, 8), False)
    (tmp_path / "greys" / "-first.png").write_bytes(to_png(np.full((8, 8, 3), 250, np.uint8)))
    results._listed.clear()  # seconds pass
    assert known.scene(0, "greys", (8, 8), False) != before
