"""Executors of every kind over a store of their own, and the experiment that they are tried with."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cache.store import ResultStore
from engine.core import config, experiments
from engine.core.settings.cluster import Cluster
from engine.jobs.executors.cluster import Slurm
from engine.jobs.executors.dask_pool import Pool
from engine.jobs.executors.executor import Executor
from engine.jobs.executors.places import environment
from engine.jobs.executors.processes import Processes
from engine.jobs.executors.threads import Threads
from engine.jobs.runner import Runner
from tests.engine.jobs.executors import tiny

OURS = ("tiny", "brief")
ENTRIES = {name: (experiments._MARKED.pop(name), experiments._KINDS.pop(name)) for name in OURS}
"""What importing the experiments has registered: known while these tests run, and to no others."""


@pytest.fixture(autouse=True, scope="module")
def plugin() -> Iterator[None]:
    """The settings name the experiment, here and in the processes that are started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITRINE_PLUGINS", tiny.NAME)
        for name, (marked, kind) in ENTRIES.items():
            patch.setitem(experiments._MARKED, name, marked)
            patch.setitem(experiments._KINDS, name, kind)
        config.settings.cache_clear()
        yield
    config.settings.cache_clear()


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    return str(tmp_path / "ledger")


@contextlib.contextmanager
def threads(runner: Runner, folder: Path) -> Iterator[Executor]:
    opened = Threads(runner, 2)
    yield opened
    opened.close()


@contextlib.contextmanager
def processes(runner: Runner, folder: Path) -> Iterator[Executor]:
    opened = Processes(runner, ["cpu", "cpu"], 1)
    yield opened
    opened.close()


def started(*command: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", *command], env=environment)


def stopped(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    process.kill()
    process.wait()


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


@contextlib.contextmanager
def dask(runner: Runner, folder: Path) -> Iterator[Executor]:
    """A scheduler in a process of its own and two workers in theirs, as the documentation starts them."""
    pytest.importorskip("distributed")
    address = f"tcp://127.0.0.1:{free_port()}"
    place = environment("cpu", 1) | {"VITRINE_CACHE": str(folder / "worker")}
    scheduler = (
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        address.rpartition(":")[2],
        "--no-dashboard",
    )
    processes = [
        started(*scheduler, "--no-show", environment=place),
        started("engine.jobs.executors.dask_worker", address, "--processes", "2", environment=place),
    ]
    opened = Pool(runner, address)
    yield opened
    opened.close()
    for process in reversed(processes):
        stopped(process)


def submitit(cluster: str) -> Callable[[Runner, Path], contextlib.AbstractContextManager[Executor]]:
    @contextlib.contextmanager
    def opened(runner: Runner, folder: Path) -> Iterator[Executor]:
        pytest.importorskip("submitit")
        chosen = Cluster(
            slurm_at_once=2, slurm_parts=1, slurm_environment={"OMP_NUM_THREADS": "1", "VITRINE_THREADS": "1"}
        )
        made = Slurm(runner, folder / "runs", chosen, cluster)
        yield made
        made.close()

    return opened


KINDS: dict[str, Callable[[Runner, Path], contextlib.AbstractContextManager[Executor]]] = {
    "threads": threads,
    "processes": processes,
    "dask": dask,
    "submitit local": submitit("local"),
    "submitit debug": submitit("debug"),
}


@pytest.fixture(scope="module", params=list(KINDS))
def executor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """An executor of each kind, one after the other; it is started once for all tests of a module."""
    folder = tmp_path_factory.mktemp("executor")
    store = ResultStore(folder / "results")
    with KINDS[request.param](Runner(store), folder) as opened:
        yield opened
    store.close()


def alive(process: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False
