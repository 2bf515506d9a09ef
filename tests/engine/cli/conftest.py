"""Running commands in tests: what they print for scripts, what they refuse, and three pictures to run them on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.cli import main

MODEL = "starter-cnn"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three pictures: enough data for an experiment that takes no time."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        picture = random.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a command with `--json` and read what it prints on standard output: all of it."""

    def asked(*argv: str, exit_code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        code = main([*argv, "--json"])
        printed = capsys.readouterr()
        assert code == exit_code, printed.err
        assert printed.out.count("\n") == 1
        return json.loads(printed.out, parse_constant=pytest.fail)

    return asked


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that cannot be carried out; the one line that it says."""

    def said(*argv: str) -> str:
        capsys.readouterr()
        assert main([*argv]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("vitrine: ")
        assert printed.err.count("\n") == 1
        return printed.err

    return said


@pytest.fixture(scope="module")
def site() -> str:
    """A site in the middle of the model."""
    from engine.models import catalog

    names = list(catalog.load(MODEL).sites)
    return names[len(names) // 2]
