"""`cluster` and `worker`: runs on a SLURM cluster looked at, collected and sent again; a machine lent to a Dask pool."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from engine.cli.answer import Answer, table
from engine.core import config
from engine.core.errors import BadRequest
from engine.jobs.executors import cluster, dask_worker, sending
from engine.jobs.executors.collecting import Collected, collect
from engine.jobs.executors.run_folder import RunFolder
from engine.jobs.runner import Runner

STATES = ("done", "running", "queued", "failed", "cancelled")


def collect_(arguments: Namespace) -> Answer:
    """Take in what the runs have made so far, and say how each stands. Exit code 1 where parts failed."""
    runner = Runner(config.store())
    found = [collect(run, runner) for run in _runs(arguments.run)]
    lost = {each.run: len(sending.lost(RunFolder.named(_folder(), each.run))) for each in found if not each.complete}
    facts = [each.facts() | {"lost": lost.get(each.run, 0)} for each in found]
    wrong = any(each.failed for each in found) or any(lost.values())
    return Answer({"runs": facts}, _as_text(found, lost), 1 if wrong else 0)


def resend(arguments: Namespace) -> Answer:
    """Send the parts of a run again that failed, by themselves; what is done is not computed again."""
    (run,) = _runs([arguments.run])
    there = cluster.Slurm(Runner(config.store()), run.path.parent, cluster=run.cluster)
    try:
        count = there.resend(run)
    finally:
        there.close()
    what = f"{count} parts of {run.path.name} were sent again." if count else f"No part of {run.path.name} failed."
    return Answer({"run": run.path.name, "sent": count}, what)


def cancel(arguments: Namespace) -> Answer:
    """Want no more of a run; what is finished stays."""
    (run,) = _runs([arguments.run])
    parts = [part for part in run.parts().values() if not part.ended]
    run.cancel([part.key for part in parts])
    running = {part.job for part in parts if part.status == "running"}  # they stop at their next report
    for task in sorted({part.job for part in parts} - running):
        sending.stop(run, sending.job_of(run, task))
    return Answer(
        {"run": run.path.name, "cancelled": len(parts)}, f"{len(parts)} parts of {run.path.name} were cancelled."
    )


def worker(arguments: Namespace) -> Answer:
    """Lend this machine's devices to the Dask pool until told to end."""
    wanted = [] if arguments.processes is None else ["--processes", str(arguments.processes)]
    return Answer({}, "The workers have ended.", dask_worker.main([arguments.address, *wanted]))


def _folder() -> Path:
    folder = config.settings().cluster.slurm_folder
    if folder is None:
        raise BadRequest("No folder of runs is set. Set slurm_folder in vitrine.toml, under [cluster].")
    return folder


def _runs(names: list[str]) -> list[RunFolder]:
    """The runs of these names, or all of them. Raises BadRequest where the settings name no folder, or one is not there."""
    return [RunFolder.named(_folder(), name) for name in names] if names else RunFolder.all_in(_folder())


def _as_text(found: list[Collected], lost: dict[str, int]) -> str:
    if not found:
        return "There are no runs."
    rows = [(each.run, *(each.counts.get(state, 0) for state in STATES), each.taken) for each in found]
    lines = [table(("run", *STATES, "taken in now"), rows)]
    for each in found:
        lines += [f"{each.run}: {key}: {why}" for key, why in each.failed.items()]
        lines += [f"{each.run}: refused: {why}" for why in each.refused.values()]
        if lost.get(each.run):
            lines.append(f"{each.run}: {lost[each.run]} parts have not ended, and their job is over: resend them.")
    return "\n".join(lines)
