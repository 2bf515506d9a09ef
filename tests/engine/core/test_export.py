"""Results as files: exactly the pixels and numbers that were computed, and the request that makes them again."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pandas as pd
from PIL import Image

from engine.core import export
from engine.core.request import Result

UNITS = [3, 5]
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)


def result(opposite: bool = False) -> Result:
    request = {"experiment": "visualize", "model": "timm/some net", "site": "blocks.1.mlp.out", "units": UNITS}
    arrays = {"images": PICTURES, "curves": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]], np.float32)}
    if opposite:
        arrays["opposite_images"] = 255 - PICTURES
    table = pd.DataFrame({"unit": UNITS, "activation": [1.5, -2.0], "failed": [False, True]})
    return Result(request, arrays, {"units": table}, {"device": "cpu"})


def test_pictures_come_out_pixel_by_pixel() -> None:
    files = dict(export.pngs(result(opposite=True)))
    assert list(files) == [
        "timm_some_net-blocks.1.mlp.out-unit-3.png",
        "timm_some_net-blocks.1.mlp.out-unit-3-opposite.png",
        "timm_some_net-blocks.1.mlp.out-unit-5.png",
        "timm_some_net-blocks.1.mlp.out-unit-5-opposite.png",
    ]
    opened = [np.asarray(Image.open(io.BytesIO(data))) for data in files.values()]
    assert np.array_equal(opened[2], PICTURES[1]) and np.array_equal(opened[3], 255 - PICTURES[1])


def test_targets_that_differ_in_signs_alone_have_files_of_their_own() -> None:
    stems = [export.stem(result(), target) for target in ("(2*7)", "(2+7)", "(2-7)")]
    assert len(set(stems)) == 3 and all("-unit-_2" in stem for stem in stems)


def test_numbers_name_each_unit_by_its_address() -> None:
    read = pd.read_csv(io.StringIO(export.numbers(result())))
    assert list(read["address"]) == ["timm/some net@blocks.1.mlp.out:3", "timm/some net@blocks.1.mlp.out:5"]
    assert list(read["activation"]) == [1.5, -2.0] and list(read["failed"]) == [False, True]


def test_curves_have_a_column_for_each_unit_and_a_line_for_each_step() -> None:
    read = pd.read_csv(io.StringIO(export.curves(result())))
    assert list(read.columns) == ["step", "unit 3", "unit 5"]
    assert list(read["unit 5"]) == [4.0, 5.0, 6.5] and list(read["step"]) == [1, 2, 3]


def test_text_that_a_spreadsheet_would_carry_out_begins_with_an_apostrophe() -> None:
    words = ["=cmd()", "+1", "-er", "@home", "a=b", None]
    table = pd.DataFrame({"word": words, "score": [-1.5, 2, 3, 4, 5, 6], "number": [-1, 2, 3, 4, 5, 6]})
    lines = export.to_csv(table).splitlines()
    assert lines[:4] == ["word,score,number", "'=cmd(),-1.5,-1", "'+1,2.0,2", "'-er,3.0,3"]
    assert lines[4:] == ["'@home,4.0,4", "a=b,5.0,5", ",6.0,6"]
    assert list(table["word"][:5]) == words[:5]


def test_every_table_of_a_zip_is_harmless_in_a_spreadsheet() -> None:
    tables = {"words": pd.DataFrame({"word": ["=cmd()"]})}
    files = dict(export.files(Result({"experiment": "name-units"}, {}, tables)))
    assert files["words.csv"] == "word\n'=cmd()\n"


def test_a_zip_holds_a_folder_for_each_result_with_its_request() -> None:
    archive = zipfile.ZipFile(io.BytesIO(export.to_zip(result(), result())))
    folders = {name.partition("/")[0] for name in archive.namelist()}
    assert folders == {"timm_some_net-blocks.1.mlp.out", "timm_some_net-blocks.1.mlp.out-2"}
    for folder in folders:
        assert json.loads(archive.read(f"{folder}/request.json"))["request"] == result().request
        assert archive.read(f"{folder}/numbers.csv").decode() == export.numbers(result())


def test_the_same_result_gives_the_same_bytes() -> None:
    assert export.to_zip(result()) == export.to_zip(result())
