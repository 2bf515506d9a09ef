"""Jobs of a cluster through submitit: sent as an array, looked after, and stopped.

Nothing that submitit keeps is needed to go on: the numbers of its jobs stand in the folder of the run.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.core import config
from engine.core.errors import Unavailable
from engine.core.settings.cluster import Cluster
from engine.jobs.executors.executor import Gone
from engine.jobs.executors.run_folder import Part, RunFolder
from engine.jobs.executors.run_task import ClusterTask

MISSING = "submitit is not installed here. Run: pip install -r requirements-slurm.txt"
LARGEST_ARRAY = 1000
"""Jobs of one array: SLURM's own limit is 1001 where nobody changed it."""
NOTICE_SECONDS = 120
"""How long before its time is over a job is told."""


def submitit() -> Any:
    """The package. Raises Unavailable where it is not installed."""
    try:
        import submitit as package
    except ImportError:
        raise Unavailable(MISSING) from None
    return package


def send(run: RunFolder, tasks: Sequence[str], chosen: Cluster) -> list[Any]:
    """Have these tasks of a run carried out; submitit's jobs, whose numbers are noted down in the run: fewer than tasks where the
    cluster took some and refused the rest, which then count as failed. Raises Gone where the cluster's commands are not here, or
    refuse all of it."""
    package = submitit()
    part_seconds = chosen.part_minutes * 60.0
    work = [ClusterTask(str(run.path), task, part_seconds) for task in tasks]
    jobs: list[Any] = []
    try:
        sender = package.AutoExecutor(folder=run.path / "submitit", cluster=run.cluster)
        sender.update_parameters(**parameters(run.cluster, chosen))
        while len(jobs) < len(work):
            with sender.batch():
                array = [sender.submit(each) for each in work[len(jobs) : len(jobs) + LARGEST_ARRAY]]
            jobs += array
    except (
        RuntimeError,
        OSError,
        ValueError,
        package.core.utils.FailedJobError,
        package.core.utils.FailedSubmissionError,
    ) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")
        taken = f"only {len(jobs)} of {len(tasks)} jobs" if jobs else "no job"
        text = f"The cluster took {taken}: {first}. Look at [cluster] in vitrine.toml."
        for task in tasks[len(jobs) :]:
            run.fail(task, text)
        if not jobs:
            raise Gone(text) from error
    for task, job in zip(tasks, jobs, strict=False):
        run.note_job(task, job.job_id)
    return jobs


def parameters(cluster: str, chosen: Cluster) -> dict[str, Any]:
    """What submitit is told, as the settings say."""
    setup = [
        *chosen.slurm_setup,
        *(f"export {name}={shlex.quote(value)}" for name, value in surroundings(chosen).items()),
    ]
    if cluster != "slurm":
        return {"timeout_min": chosen.slurm_minutes, **({"local_setup": setup} if cluster == "local" else {})}
    named = {"slurm_partition": chosen.slurm_partition, "slurm_gres": chosen.slurm_gres}
    return {
        "name": "vitrine",
        "timeout_min": chosen.slurm_minutes,
        "slurm_setup": setup,
        "slurm_array_parallelism": chosen.slurm_at_once,
        "slurm_signal_delay_s": NOTICE_SECONDS,
        "slurm_additional_parameters": dict(chosen.slurm_options),
        **{name: value for name, value in named.items() if value},
    }


def surroundings(chosen: Cluster) -> dict[str, str]:
    """The environment that a job needs beside the cluster's own: the same code, settings and cache folder as here."""
    ours = {
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        "VITRINE_CACHE": str(config.settings().cache_folder),
    }
    named = os.environ.get("VITRINE_CONFIG", config.CONFIG_NAME)
    if Path(named).is_file():
        ours["VITRINE_CONFIG"] = str(Path(named).absolute())
    ours |= {name: os.environ[name] for name in ("VITRINE_PLUGINS", "VITRINE_PRECISION") if name in os.environ}
    return ours | dict(chosen.slurm_environment)


def job_of(run: RunFolder, task: str) -> Any:
    """The job of a task that was sent before, maybe by another process; None where its number is not known."""
    if not (number := run.job_of(task)) or run.cluster == "debug":
        return None
    package = submitit()
    kind = package.SlurmJob if run.cluster == "slurm" else package.LocalJob
    return kind(folder=run.path / "submitit", job_id=number)


def has_ended(run: RunFolder, job: Any) -> bool | None:
    """Whether a job is over, as far as the cluster knows; None where it does not."""
    if job is None or run.cluster == "debug":
        return None
    if run.cluster == "slurm":
        state = job.watcher.get_state(job.job_id, mode="standard").upper()
        return None if state == "UNKNOWN" else job.watcher.is_done(job.job_id, mode="cache")
    if job._process is not None:
        return job._process.poll() is not None
    with suppress(ValueError, ProcessLookupError):
        os.kill(int(job.job_id), 0)
        return False
    return True


def lost(run: RunFolder) -> list[Part]:
    """The parts that have not ended although their job is over, as far as the cluster knows."""
    unfinished = [part for part in run.parts().values() if not part.ended]
    over = {task: has_ended(run, job_of(run, task)) for task in {part.job for part in unfinished}}
    return [part for part in unfinished if over[part.job]]


def how_it_ended(run: RunFolder, job: Any) -> str:
    """The cluster's word for how a job ended."""
    if run.cluster == "slurm" and job is not None:
        return f"SLURM says that job {job.job_id} is {job.watcher.get_state(job.job_id, mode='cache') or 'UNKNOWN'}"
    return f"job {job.job_id} is over" if job is not None else "its job is over"


def stop(run: RunFolder, job: Any) -> None:
    """Have the cluster end a job, of which nothing is wanted any more."""
    if run.cluster == "slurm" and job is not None:
        with suppress(Exception):
            job.cancel(check=False)
