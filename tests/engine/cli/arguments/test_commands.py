"""What people type: read without torch, and refused in one line that names what is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

MODEL = "starter-cnn"


def test_help_and_refusals_need_no_torch() -> None:
    script = "import sys; from engine.cli.arguments.commands import parser; parser(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("", "COMMAND"),
        ("frobnicate", "frobnicate"),
        ("visualize --model starter-cnn --site stem --units 0:10000", "at most"),
        ("visualize --model starter-cnn --site stem --units=", "No units"),
        ("visualize --model starter-cnn --site stem --units one", "one"),
        ("visualize --model starter-cnn --site stem", "--units"),
        ("visualize starter-cnn@stem:0 --site stem", "--site"),
        ("visualize starter-cnn", "not an address"),
        ("visualize starter-cnn@stem:0 --recipe slow", "slow"),
        ("visualize starter-cnn@stem:0 --seed -1", "--seed"),
        ("visualize nobody@stem:0", "nobody"),
        ("visualize starter-cnn@nowhere:0", "nowhere"),
        ("visualize starter-cnn@stem:9999", "9999"),
        ("visualize starter-cnn@stem:0 --data no-such-folder", "no-such-folder"),
        ("visualize starter-cnn@stem:0 --out {file}/below", "cannot be written"),
        ("visualize starter-cnn@stem:0 --out {file}", "cannot be written"),
        ("index --model starter-cnn --site nowhere", "nowhere"),
        ("index --model starter-cnn --site stem --top 0", "top: write 1 or more."),
        ("index --model starter-cnn --site stem --data {file}", "neither a folder of images nor a Parquet file."),
        ("spectrum --models starter-cnn --limit 1", "--limit: write 2 or more."),
        ("index --model starter-cnn --site stem --data {empty}", "image"),
        ("sites nobody", "nobody"),
        ("cache", "ACTION"),
        ("cache import {file}", "ZIP"),
        ("cache import {file}.gone", "cannot be imported: No such file"),
        ("cache export {file}.zip nokey", "nokey"),
        ("cache export /", "Name the ZIP file"),
        ("cache export {empty}", "Name the ZIP file"),
        ("cache prune --limit lots", "lots"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("own_store")
def test_a_bad_request_is_one_line_that_names_what_is_wrong(
    refused: Callable[..., str], tmp_path: Path, argv: str, words: str
) -> None:
    (tmp_path / "file").write_text("not a folder, not a ZIP file")
    (tmp_path / "empty").mkdir()
    said = refused(*argv.format(file=tmp_path / "file", empty=tmp_path / "empty").split())
    assert words in said
    assert "Traceback" not in said and not said.rstrip().endswith("..")
