"""A sweep in a process of its own that is killed without a warning: what was finished is there, and is not made again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from engine.core import config
from tests.conftest import ROOT
from tests.engine.sweeps.toy import LOG

ASKED = ["sweep", "starter-cnn", "--experiment", "toy-layer", "--sites", "stages.[01].blocks.*", "--units", "0-29"]
SECONDS = 60


@pytest.fixture
def command(python: str, own_store: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command, which knows the toy as a plugin; each of its units takes a moment."""
    monkeypatch.setenv("VITRINE_PLUGINS", "tests.engine.sweeps.toy")
    monkeypatch.setenv("VITRINE_TOY_SECONDS", "0.02")
    return [python, "-m", "engine", *ASKED, "--part", "10", "--workers", "0", "--json"]


def test_a_killed_process_loses_nothing_that_was_finished(command: list[str]) -> None:
    log = Path(os.environ[LOG])
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + SECONDS
    while not (log.exists() and len(log.read_text().splitlines()) >= 25):
        assert process.poll() is None and time.monotonic() < end, "it did not come so far"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(log.read_text().splitlines())
    told = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    assert told["status"] == "done" and told["done"] == told["parts"] > 3
    units = log.read_text().splitlines()
    total = told["parts"] * 10
    assert len(set(units)) == total and before < total, "it was killed on the way"
    assert len(units) - len(set(units)) <= 1, "the one that was being made, at most"
    assert len(config.store().stored()) == total + told["parts"]
