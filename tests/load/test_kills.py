"""A process with jobs is killed as `bench.kills` does it 200 times: nothing is lost, whoever carries its jobs out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.beside import missing
from tests.conftest import ROOT
from tests.load.tried import tried

KILLS, MOST_SECONDS = 2, 8.0


@pytest.mark.slow
@pytest.mark.parametrize("executor", tried("local", "processes"))
def test_a_process_that_is_killed_loses_nothing(executor: str, python: str, tmp_path: Path) -> None:
    if why := missing(executor):
        pytest.skip(why)
    asked = ["--kills", str(KILLS), "--most", str(MOST_SECONDS), "--executor", executor, "--out", str(tmp_path)]
    ended = subprocess.run([python, "-m", "bench.kills", *asked], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith(f"{KILLS} kills; ")
    assert "nothing was lost, nothing was read wrong" in ended.stdout
