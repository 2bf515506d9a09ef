"""A result in a notebook shows itself, and leaves it as files."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import vitrine
from engine.core.request import Result as StoredResult
from engine.jobs import keys
from vitrine.results import Result


def test_pictures_table_and_chart_are_within_reach(pictures):
    assert [image.size for image in pictures.images] == [(32, 32)] * 2
    assert pictures.table["unit"].tolist() == [0, 2] and pictures.table is pictures.tables["units"]
    drawn = pictures.figure()
    assert [line.name for line in drawn.data] == ["unit 0", "unit 2"]
    np.testing.assert_allclose(drawn.data[1].y, pictures.arrays["curves"][1])


def test_a_result_shows_its_pictures_and_numbers_and_nothing_that_a_name_smuggles_in(pictures):
    shown = pictures._repr_html_()
    assert shown.count("<img ") == 2 and "percentile" in shown
    hostile = {"experiment": "index", "model": "<script>", "site": "<b>"}
    assert "<script>" not in Result.of(StoredResult(hostile))._repr_html_()
    assert "index: <script>@<b>" in repr(Result.of(StoredResult(hostile)))


def test_saved_pictures_are_those_of_the_result(pictures, tmp_path):
    folder = pictures.save(tmp_path / "out")
    for place, unit in enumerate((0, 2)):
        (file,) = folder.glob(f"*unit-{unit}.png")
        np.testing.assert_array_equal(np.asarray(Image.open(file)), pictures.arrays["images"][place])
    assert json.loads((folder / "request.json").read_text())["request"] == pictures.request
    assert len(pd.read_csv(folder / "numbers.csv")) == 2


def test_numbers_of_other_experiments_are_saved_as_csv_and_arrays(tmp_path):
    rows = pd.DataFrame({"variant": ["full"], "top1": [0.5]})
    result = Result.of(
        StoredResult({"experiment": "texture", "model": "m"}, {"labels": np.arange(3)}, {"variants": rows})
    )
    folder = result.save(tmp_path / "out")
    assert pd.read_csv(folder / "variants.csv").equals(rows) and np.load(folder / "labels.npy").tolist() == [0, 1, 2]
    (tmp_path / "file").write_text("")
    with pytest.raises(vitrine.VitrineError, match="cannot be written"):
        result.save(tmp_path / "file")


def test_a_result_that_could_not_be_stored_says_so():
    with pytest.warns(UserWarning, match="kept in memory"):
        Result.of(StoredResult({"experiment": "index"}), "The result is kept in memory only.")


def test_a_result_of_another_precision_says_so_where_it_is_shown(monkeypatch):
    monkeypatch.setattr(keys, "here", lambda: "float32")
    with pytest.warns(UserWarning, match=r"Computed in bfloat16; this machine computes in float32\."):
        other = Result.of(StoredResult({"experiment": "index"}, facts={"precision": "bfloat16"}))
    assert "Computed in bfloat16" in other._repr_html_()
    ours = Result.of(StoredResult({"experiment": "index"}, facts={"precision": "float32"}))
    assert "Computed in" not in ours._repr_html_()
