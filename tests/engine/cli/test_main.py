"""One command line: exit codes, one JSON object on standard output, everything else on standard error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.cli import main
from engine.cli.answer import Answer
from tests.conftest import ROOT


def test_a_bug_is_one_line_and_another_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> Answer:
        print("a library's chatter")
        raise RuntimeError("the tenth\nbroke.")

    monkeypatch.setattr("engine.cli.carry_out", broken)
    assert main(["models", "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "RuntimeError: the tenth broke. VITRINE_DEBUG" in printed.err.splitlines()[-1]


def test_stopping_has_its_own_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(_: object) -> Answer:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.cli.carry_out", stopped)
    assert main(["models"]) == 130
    assert capsys.readouterr().out == ""


def test_chatter_of_a_library_stays_out_of_the_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def chatty(_: object) -> Answer:
        print("downloading...")
        return Answer({"loss": float("nan"), "units": np.int64(3)}, "")

    monkeypatch.setattr("engine.cli.carry_out", chatty)
    assert main(["models", "--json"]) == 0
    assert capsys.readouterr().out == '{"loss": null, "units": 3}\n'


def test_it_runs_as_a_module_and_leaves_standard_error_to_refusals(own_store: Path) -> None:
    run = [sys.executable, "-m", "engine"]
    good = subprocess.run([*run, "cache", "list", "--json"], cwd=ROOT, capture_output=True, text=True)
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["folder"] == str(own_store / "results")
    bad = subprocess.run([*run, "sites"], cwd=ROOT, capture_output=True, text=True)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)
