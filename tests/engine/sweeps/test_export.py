"""A whole sweep in one folder or file: every picture, number and request that the results hold, and nothing that runs."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from engine.core import config
from engine.core.errors import BadRequest
from engine.core.request import build
from engine.jobs.runner import Runner
from engine.sweeps import export
from engine.sweeps.plan import plan
from engine.sweeps.request import SweepRequest
from engine.visualization import recipes


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> SweepRequest:
    """A sweep of which the first two of three parts are there."""
    few = recipes.FAST.model_copy(update={"steps": 2, "finish": None})
    monkeypatch.setitem(recipes.RECIPES, "fast", few)
    asked = build(
        SweepRequest, models=("small-vit",), sites=("mlp.hidden",), units="0-2", part=8, given={"data": "photos"}
    )
    for part in [*plan(asked).parts.values()][:2]:
        Runner(config.store()).fetch(part.request, lambda progress: None)
    return asked


def test_a_folder_has_every_picture_number_and_request(made: SweepRequest, tmp_path: Path) -> None:
    found, out = plan(made), tmp_path / "new" / "sweep"
    assert export.write(made, found, out) == 2
    assert len([*out.glob("pictures/*.png")]) == 6
    numbers = pd.read_csv(out / "numbers.csv")
    assert numbers["address"][:3].tolist() == [f"small-vit@blocks.0.mlp.hidden:{unit}" for unit in range(3)]
    about = json.loads((out / "sweep.json").read_text())
    assert about["sweep"] == made.id and [part["key"] for part in about["parts"]] == [*found.parts][:2]
    page = (out / "index.html").read_text()
    assert page.count("<img") == 6 and "1 parts are not made yet" in page and "<script" not in page
    result = Runner(config.store()).find([*found.parts][1])
    assert result is not None
    with Image.open(out / "pictures" / "small-vit-blocks.1.mlp.hidden-unit-2.png") as picture:
        assert np.array_equal(np.asarray(picture), result.arrays["images"][2])
    assert [path.name for path in out.parent.iterdir()] == ["sweep"], "nothing else is left"


def test_a_zip_file_holds_the_same_and_has_the_same_bytes_each_time(made: SweepRequest, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        export.write(made, plan(made), tmp_path / name)
    export.write(made, plan(made), tmp_path / "folder")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO((tmp_path / "a.zip").read_bytes())) as file:
        for name in file.namelist():
            assert (tmp_path / "folder" / name).read_bytes() == file.read(name)


def test_other_experiments_are_written_as_their_tables_and_arrays(tmp_path: Path) -> None:
    asked = build(
        SweepRequest, what="index", models=("small-vit",), sites=("blocks.0.mlp.hidden",), given={"data": "photos"}
    )
    for part in plan(asked).parts.values():
        Runner(config.store()).fetch(part.request, lambda progress: None)
    export.write(asked, plan(asked), tmp_path / "out")
    assert (tmp_path / "out" / "parts" / "small-vit-blocks.0.mlp.hidden" / "selectivity.npy").exists()


def test_what_is_there_is_not_written_over(made: SweepRequest, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(BadRequest, match="holds something already"):
        export.write(made, plan(made), tmp_path / "out")
    assert (tmp_path / "out" / "mine").read_text() == "mine"


def test_names_are_text_on_the_page(made: SweepRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SweepRequest, "title", property(lambda self: "<script>alert(1)</script>"))
    export.write(made, plan(made), tmp_path / "out")
    assert "<script" not in (tmp_path / "out" / "index.html").read_text()
