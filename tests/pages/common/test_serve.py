"""The server's life: what it says when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WARM = """
import sys
from engine.core.experiments import experiments
from pages.common import serve
serve.warm_up().thread.join()
assert serve.warm_up().error is None
print([name for name, entry in experiments().items() if entry.module not in sys.modules])
"""


@pytest.mark.slow
def test_a_server_that_ends_says_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WARM],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "VITRINE_CACHE": str(tmp_path)},
    )
    assert ended.returncode == 0
    assert "leaked" not in ended.stdout + ended.stderr
    assert ended.stdout == "[]\n", "pages wait for no experiment: all are imported"
