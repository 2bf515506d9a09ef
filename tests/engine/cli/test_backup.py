"""`cache backup` and `cache restore`: there and back, and refusals in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cache.blob import Blob
from engine.cli import main
from engine.core import config
from tests.conftest import forget_settings


def test_what_was_backed_up_comes_back(ask: Callable[..., dict[str, Any]], own_store: Path, tmp_path: Path) -> None:
    config.store().put("kept", Blob({"x": np.arange(20_000)}))
    told = ask("cache", "backup", str(tmp_path / "copy"))
    assert (told["results"], told["gone"]) == (1, 0) and told["bytes"] > 100_000
    config.store().delete("kept")
    config.store().close()
    forget_settings(config)
    assert ask("cache", "restore", str(tmp_path / "copy"))["before"] is not None
    assert config.store().get("kept") is not None


def test_a_cache_in_use_and_a_folder_that_is_no_backup_are_refused(
    own_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.store().put("kept", Blob({"x": np.arange(20_000)}))
    assert main(["cache", "backup", str(tmp_path / "copy")]) == 0
    assert main(["cache", "backup", str(tmp_path / "copy")]) == 2
    assert main(["cache", "restore", str(tmp_path / "copy")]) == 2, "this process has it open"
    assert main(["cache", "restore", str(tmp_path)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert ["there already" in said[0], "Stop the server" in said[1], "not a whole backup" in said[2]] == [True] * 3
