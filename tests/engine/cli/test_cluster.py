"""`cluster`: how runs stand, taken in by whoever looks; `worker` without Dask says what to install."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli import main
from engine.core import config
from engine.core.errors import BadRequest
from engine.jobs.executors.run_folder import RunFolder, write_whole
from engine.jobs.executors.wire import Task
from engine.visualization.request import VisualizeRequest
from tests.engine.jobs.executors import slurm_here

REQUEST = VisualizeRequest(model="starter-cnn", site="head.logits", units=(1,))


@pytest.fixture
def run(tmp_path: Path, configured: Callable[..., None], own_store: Path) -> RunFolder:
    """A run of which one part failed."""
    made = RunFolder.create(tmp_path / "runs", "debug")
    task = made.add_task([Task.of(REQUEST)])
    facts = {"status": "failed", "error": "The disk of the node is full."}
    write_whole(made.path / "tasks" / task / "ended" / f"{REQUEST.key()}.json", json.dumps(facts).encode())
    (tmp_path / "vitrine.toml").write_text(f'[cluster]\nslurm_folder = "{tmp_path / "runs"}"\n')
    config.settings.cache_clear()
    return made


def test_failed_parts_are_listed_with_the_reason(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITRINE_CONFIG", str(tmp_path / "vitrine.toml"))
    config.settings.cache_clear()
    assert main(["cluster", "collect"]) == 1
    shown = capsys.readouterr().out
    assert run.path.name in shown and f"{REQUEST.key()}: The disk of the node is full." in shown
    assert main(["cluster", "cancel", run.path.name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run": run.path.name, "cancelled": 0}
    assert main(["cluster", "resend", "another"]) == 2
    assert "no run of that name" in capsys.readouterr().err


def test_parts_whose_job_is_over_are_named_as_lost(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITRINE_CONFIG", str(tmp_path / "vitrine.toml"))
    config.settings.cache_clear()
    lost = RunFolder.create(tmp_path / "runs", "local")
    task = lost.add_task([Task.of(REQUEST)])
    lost.note_job(task, str(2**22 + 1))  # no such process
    assert main(["cluster", "collect", lost.path.name]) == 1
    assert "1 parts have not ended, and their job is over: resend them" in capsys.readouterr().out


def test_what_is_cancelled_leaves_the_queue_of_the_cluster(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit")
    slurm_here.install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", f"{tmp_path / 'slurm'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("VITRINE_CONFIG", str(tmp_path / "vitrine.toml"))
    config.settings.cache_clear()
    waiting = RunFolder.create(tmp_path / "runs", "slurm")
    waiting.note_job(waiting.add_task([Task.of(REQUEST)]), "1000_0")
    slurm_here.set_state(tmp_path / "slurm" / "state", "1000_0", "PENDING")
    assert main(["cluster", "cancel", waiting.path.name]) == 0
    assert "CANCELLED" in (tmp_path / "slurm" / "state" / "1000_0").read_text()
    assert {part.status for part in waiting.parts().values()} == {"cancelled"}


def test_without_a_folder_of_runs_it_says_what_to_set(own_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", "collect"]) == 2
    assert "Set slurm_folder in vitrine.toml, under [cluster]" in capsys.readouterr().err


def test_a_worker_without_dask_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert main(["worker", "tcp://127.0.0.1:1"]) == 2
    assert "pip install -r requirements-dask.txt" in capsys.readouterr().err


def test_another_executor_than_the_known_ones_is_no_setting(tmp_path: Path) -> None:
    (tmp_path / "vitrine.toml").write_text('[cluster]\nexecutor = "ray"\n')
    with pytest.raises(BadRequest, match='executor: write "local", "dask" or "slurm"'):
        config.read_settings(tmp_path / "vitrine.toml")
