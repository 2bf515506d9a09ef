"""Which executor the settings ask for."""

from __future__ import annotations

from typing import Literal, get_args

from engine.core import config
from engine.core.errors import BadRequest
from engine.core.settings.cluster import Cluster
from engine.jobs.executors import cluster, dask_pool
from engine.jobs.executors.executor import Executor
from engine.jobs.executors.places import devices_of, threads_of
from engine.jobs.executors.processes import Processes
from engine.jobs.executors.threads import Threads
from engine.jobs.runner import Runner

Name = Literal["local", "dask", "slurm"]
NAMES: tuple[Name, ...] = get_args(Name)


def open_executor(
    runner: Runner, name: str = "", chosen: Cluster | None = None, processes: int | None = None
) -> Executor:
    """The executor of this name (default: as the settings say), with its `processes` (default: likewise) where it is local.

    Raises BadRequest where a setting that it needs is missing, Unavailable where its package is not installed, Gone where
    nobody answers.
    """
    chosen = chosen or config.settings().cluster
    if processes is not None:
        chosen = chosen.model_copy(update={"processes": processes})
    name = name or chosen.executor
    if name == "local":
        return local(runner, chosen)
    if name == "dask":
        return dask_pool.pool(runner, chosen)
    if name == "slurm":
        return cluster.slurm(runner, chosen)
    raise BadRequest(f"There is no executor “{name}”. Choose one of {', '.join(NAMES)}.")


def local(runner: Runner, chosen: Cluster) -> Executor:
    """Processes of this machine, or its threads where none are wanted."""
    each = devices_of(chosen)
    if not each:
        return Threads(runner)
    return Processes(runner, each, threads_of(len(each), each[0]), chosen.part_minutes * 60.0)
