"""The settings say which executor there is, and a laptop's stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cache.store import ResultStore
from engine.core import devices
from engine.core.errors import BadRequest
from engine.jobs.executors import choose
from engine.jobs.executors.threads import Threads
from engine.jobs.runner import Runner


def test_without_a_gpu_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "pick", lambda: torch.device("cpu"))
    opened = choose.open_executor(Runner(ResultStore(tmp_path)))
    assert isinstance(opened, Threads) and opened.slots == 1
    opened.close()


def test_an_unknown_executor_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"no executor “ray”\. Choose one of local, dask, slurm"):
        choose.open_executor(Runner(ResultStore(tmp_path)), "ray")
