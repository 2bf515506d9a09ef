"""Sweeps from a notebook: one experiment on many units of many layers, carried out here with a progress bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from engine.core import config
from engine.core.experiments import import_plugins
from engine.core.paths import typed_path
from engine.core.request import Progress, build
from engine.jobs.executors.choose import open_executor
from engine.jobs.runner import Runner
from engine.people.person import LOCAL
from engine.sweeps import export, running, state
from engine.sweeps.carriers import Direct
from engine.sweeps.cost import cost_of, duration, gigabytes
from engine.sweeps.plan import plan
from engine.sweeps.request import SweepRequest
from vitrine.progress import bar
from vitrine.results import Result


class Sweep:
    """A sweep: `cost()` says what it comes to, `run()` makes what is missing, `results()` gives each part, `numbers` all units
    in one table, `export(path)` writes a folder or ZIP file. Asked for again, it is the same one."""

    def __init__(self, request: SweepRequest) -> None:
        self.request = request
        self.id = request.id

    def __repr__(self) -> str:
        return f"Sweep({self.id}: {self.request.title})"

    def cost(self) -> dict[str, Any]:
        """How many parts and pictures, how many are there, and what the rest takes. Raises VitrineError where the cache could
        not hold it."""
        found = plan(self.request)
        cost = cost_of(found)
        cost.refuse()
        return {
            "parts": len(found.parts),
            "parts_there": len(found.there),
            "pictures": found.pictures,
            "pictures_there": found.pictures_there,
            "time": "unknown" if cost.seconds is None else duration(cost.seconds),
            "room": "unknown" if cost.bytes is None else gigabytes(cost.bytes),
        }

    def run(self, executor: str = "", workers: int | None = None) -> Sweep:
        """Make what is missing, on this machine (`workers` processes) or where `executor` sends it: local, dask or slurm.
        Interrupted, it goes on the next time. Raises VitrineError for what stops all of it; parts that fail are in `failed`."""
        begun = state.begin(self.request, LOCAL.id)
        carried = open_executor(Runner(config.store()), executor, processes=workers)
        try:
            with bar(self.request.title) as shown:
                running.run(begun, Direct(carried), lambda now: shown.show(Progress(now.done, now.parts, now.message)))
        except KeyboardInterrupt:
            state.want(begun.id, "paused", LOCAL.id)
            raise
        finally:
            carried.close()
        return self

    @property
    def failed(self) -> dict[str, str]:
        """Why parts failed in the last run, by their keys."""
        return state.find(self.id).progress.failed

    def results(self) -> list[Result]:
        """The parts that are there, in order."""
        runner = Runner(config.store())
        found = (runner.find(key) for key in plan(self.request).parts)
        return [Result.of(each) for each in found if each is not None]

    @property
    def numbers(self) -> pd.DataFrame:
        """The numbers of all units that are there, with model and site."""
        tables = []
        for result in self.results():
            if "units" in result.tables:
                of = {name: result.request[name] for name in ("model", "site")}
                tables.append(result.tables["units"].assign(**of))
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def export(self, path: str | Path) -> int:
        """Write what is there into a folder, or a file that ends in .zip; gives how many parts."""
        return export.write(self.request, plan(self.request), typed_path(str(path)))


def sweep(*models: str, sites: str | tuple[str, ...] = (), units: str = "", sample: int = 0, **more: Any) -> Sweep:
    """One experiment (default: pictures) on many units of many layers.

        vitrine.sweep("starter-vit", sites="mlp.hidden", units="0-63").run(workers=2)

    `sites`: names of layers, roles or patterns. `units`: like `0-63`, empty for all; `sample`: so many of them at random
    (`sample_seed`). `what`: another experiment; `part`: units in one request; all else is a field of each request.
    """
    import_plugins()
    own = {name: more.pop(name) for name in ("what", "part", "sample_seed") if name in more}
    chosen = {"sites": (sites,) if isinstance(sites, str) else tuple(sites)} if sites else {}
    return Sweep(build(SweepRequest, models=models, units=units, sample=sample, given=more, **chosen, **own))
