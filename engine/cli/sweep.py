"""`sweep`: whole models in parts, begun, gone on with, watched, stopped."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from typing import Any

from engine.cli.answer import Answer, table
from engine.cli.asking import Bar
from engine.cli.files import recipe
from engine.core import config
from engine.core.errors import BadRequest
from engine.core.paths import brief, readable, typed_path
from engine.core.request import Progress, build
from engine.data.registry import dataset_names
from engine.jobs.executors.choose import open_executor
from engine.jobs.runner import Runner
from engine.people.person import LOCAL
from engine.sweeps import export, running, state
from engine.sweeps.carriers import Direct
from engine.sweeps.cost import Cost, cost_of, duration
from engine.sweeps.plan import Plan, plan
from engine.sweeps.request import SweepRequest
from engine.sweeps.state import Sweep


def sweep(arguments: Namespace) -> Answer:
    """One of: list sweeps, say how one stands, stop one, say what one would be, or carry one out."""
    if arguments.list:
        return _list()
    if arguments.status:
        return _status(state.find(arguments.status))
    if arguments.pause or arguments.cancel:
        return _stop(arguments.pause or arguments.cancel, "paused" if arguments.pause else "cancelled")
    if arguments.export:
        return _export(state.find(arguments.export), arguments.out)
    request = state.find(arguments.resume).request if arguments.resume else _request(arguments)
    return _plan(request) if arguments.dry_run else _carry_out(request, arguments)


def _request(arguments: Namespace) -> SweepRequest:
    if not arguments.models:
        raise BadRequest("No model was given. Name one or more, like starter-vit.")
    return build(
        SweepRequest,
        what=arguments.experiment,
        models=arguments.models,
        sites=arguments.sites,
        units=arguments.units,
        sample=arguments.sample,
        sample_seed=arguments.sample_seed,
        part=arguments.part,
        given=_given(arguments),
    )


def _given(arguments: Namespace) -> dict[str, Any]:
    """The further fields of each request that somebody typed."""
    given: dict[str, Any] = {}
    if arguments.recipe is not None:
        chosen = recipe(arguments.recipe)
        given["recipe"] = chosen if isinstance(chosen, str) else chosen.model_dump(mode="json")
    if arguments.seed is not None:
        given["seed"] = arguments.seed
    if arguments.data is not None:
        given["data"] = _named(arguments.data)
    for text in arguments.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadRequest(f"“{brief(text)}” sets nothing. Write NAME=VALUE, like opposite=true.")
        try:
            given[name] = json.loads(value)
        except ValueError:
            given[name] = value
    return given


def _named(data: str) -> str:
    """A data set that has a name. Raises BadRequest for any other: a sweep goes on in other processes, and perhaps elsewhere."""
    if data not in dataset_names():
        raise BadRequest(
            f"“{brief(data)}” has no name. Name the folder in vitrine.toml, under [data_folders], and write that."
        )
    return data


def _carry_out(request: SweepRequest, arguments: Namespace) -> Answer:
    """Say what it comes to, and carry it out with a progress bar. Raises Unavailable where the cache could not hold it."""
    found = plan(request)
    cost = cost_of(found)
    cost.refuse()
    begun, bar = state.begin(request, LOCAL.id), Bar(sys.stderr)
    print(f"vitrine: sweep {begun.id}: {_comes_to(found, cost)}", file=sys.stderr)
    executor = open_executor(Runner(config.store()), arguments.executor or "", processes=arguments.workers)
    try:
        running.run(begun, Direct(executor), lambda progress: bar.show(_shown(progress)))
    except KeyboardInterrupt:
        state.want(begun.id, "paused", LOCAL.id)
        raise
    finally:
        bar.close()
        executor.close()
    return _status(state.find(begun.id))


def _shown(progress: state.Progress) -> Progress:
    """How far a sweep is, as the bar shows it."""
    left = "" if progress.left is None else f" · about {duration(progress.left)} left"
    text = f"{progress.done} of {progress.parts} parts{left} · {progress.message}"
    return Progress(progress.done, progress.parts, text)


def _export(found: Sweep, out: str | None) -> Answer:
    if out is None:
        raise BadRequest("Name the folder or ZIP file to write with --out.")
    path, made = typed_path(out), plan(found.request)
    count = export.write(found.request, made, path)
    text = f"Wrote {count} of {len(made.parts)} parts to {readable(str(path))}."
    return Answer({"sweep": found.id, "file": readable(str(path)), "parts": count}, text)


def _list() -> Answer:
    found = state.listed()
    rows = [
        (each.id, each.status, f"{each.progress.done} of {each.progress.parts}", each.request.title) for each in found
    ]
    text = table(("sweep", "", "parts", "what"), rows) if rows else "There are no sweeps."
    return Answer({"sweeps": [_facts(each) for each in found]}, text)


def _status(found: Sweep) -> Answer:
    progress = found.progress
    lines = [f"{found.id}: {found.status}, {progress.done} of {progress.parts} parts. {found.request.title}"]
    lines += [f"failed: {told}" for told in dict.fromkeys(progress.failed.values())]
    return Answer(_facts(found), "\n".join(lines), 1 if progress.failed else 0)


def _stop(id: str, wanted: state.Wanted) -> Answer:
    found = state.find(id)
    state.want(id, wanted)
    kept = "What is finished stays; --resume goes on with it."
    return Answer({"sweep": id, "wanted": wanted}, f"{found.id} is {wanted}. {kept}")


def _plan(request: SweepRequest) -> Answer:
    found = plan(request)
    cost = cost_of(found)
    facts = {
        "sweep": request.id,
        "parts": len(found.parts),
        "parts_there": len(found.there),
        "pictures": found.pictures,
        "pictures_there": found.pictures_there,
        "seconds": cost.seconds,
        "bytes": cost.bytes,
        "bytes_there": cost.there,
        "limit_bytes": cost.limit,
    }
    cost.refuse()
    return Answer(facts, f"{request.id}: {_comes_to(found, cost)} {request.title}.")


def _comes_to(found: Plan, cost: Cost) -> str:
    """What a sweep comes to, in a sentence or two."""
    what = f"{found.pictures:,} pictures in {len(found.parts)} parts" if found.pictures else f"{len(found.parts)} parts"
    there = f"{found.pictures_there:,} pictures" if found.pictures else f"{len(found.there)}"
    if not found.missing:
        return f"{what}; all are there."
    return f"{what}; {there} are there. {cost.told}"


def _facts(found: Sweep) -> dict[str, Any]:
    progress = found.progress
    return {
        "sweep": found.id,
        "status": found.status,
        "parts": progress.parts,
        "done": progress.done,
        "failed": progress.failed,
        "request": found.request.model_dump(mode="json"),
    }
