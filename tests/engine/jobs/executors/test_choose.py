"""The settings say which executor there is, and a laptop's stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cache.store import ResultStore
from engine.core import devices
from engine.core.errors import BadRequest
from engine.core.settings.cluster import Cluster
from engine.jobs.executors import choose, processes
from engine.jobs.executors.processes import Processes
from engine.jobs.executors.threads import Threads
from engine.jobs.runner import Runner


def test_without_a_gpu_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "pick", lambda: torch.device("cpu"))
    opened = choose.open_executor(Runner(ResultStore(tmp_path)))
    assert isinstance(opened, Threads) and opened.slots == 1
    opened.close()


class Idle:
    """A process that is never given anything."""

    def __init__(self, *told: object) -> None:
        """Nothing is started."""

    def end(self) -> str:
        return "exit code 0"


def test_as_many_processes_are_opened_as_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "pick", lambda: torch.device("cpu"))
    monkeypatch.setattr(processes, "Child", Idle)
    runner = Runner(ResultStore(tmp_path))
    two = choose.open_executor(runner, processes=2)
    two.close()
    assert isinstance(two, Processes) and two.slots == 2
    none = choose.open_executor(runner, "local", Cluster(processes=2), processes=0)
    none.close()
    assert isinstance(none, Threads), "what is asked for comes before what the settings say"


def test_an_unknown_executor_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"no executor “ray”\. Choose one of local, dask, slurm"):
        choose.open_executor(Runner(ResultStore(tmp_path)), "ray")
