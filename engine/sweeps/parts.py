"""The parts of a sweep: ordinary requests, each for one layer and, where units count, for a stated number of its units.

Invariants: every unit that was asked for stands in exactly one part; the same request has the same parts in the same order, layer
by layer, wherever it is expanded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from engine.core import experiments
from engine.core.address import parse_units
from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.paths import brief
from engine.core.request import Request, build
from engine.models import catalog
from engine.sites.access import Site, families
from engine.sweeps.request import MOST_UNITS, SweepRequest


@dataclass(frozen=True)
class Part:
    """One request of a sweep. `units`: those that it is about; empty where it is about a whole layer."""

    request: Request
    model: str
    site: str
    units: tuple[int, ...] = ()

    @property
    def pictures(self) -> int:
        """How many pictures it makes."""
        return len(self.units)


def parts(sweep: SweepRequest) -> list[Part]:
    """All parts of a sweep, in order. Raises BadRequest where a name means no experiment or layer, where no unit is left, and
    for parts larger than a request may be; Unavailable where a model is not here."""
    kind, layers = kind_of(sweep), layers_of(sweep)
    if "units" not in kind.model_fields:
        return [_part(kind, sweep, model, site.name) for model, site in layers]
    if sweep.part > (limit := settings().units_limit):
        raise BadRequest(
            f"Parts of {sweep.part} units are too large: a request may ask for {limit}. Write --part {limit}."
        )
    out = []
    for model, site in layers:
        units = units_of(sweep, model, site)
        starts = range(0, len(units), sweep.part)
        out += [_part(kind, sweep, model, site.name, units[start : start + sweep.part]) for start in starts]
    if not out:
        raise BadRequest(f"None of the {len(layers)} layers has a unit {sweep.units}. Name units that they have.")
    return out


def kind_of(sweep: SweepRequest) -> type[Request]:
    """The class of a sweep's requests. Raises BadRequest for an experiment that there is none of, or that is not about one
    layer of one model, and for fields that it has not."""
    kind = experiments.find(sweep.what).kind
    fields = kind.model_fields
    if not {"model", "site"} <= fields.keys():
        raise BadRequest(f"“{sweep.what}” is not about one layer of one model, so it cannot be swept over layers.")
    for name in sweep.given:
        if name not in fields:
            raise BadRequest(f"“{sweep.what}” has no setting “{brief(name)}”.")
    return kind


def layers_of(sweep: SweepRequest) -> list[tuple[str, Site]]:
    """The layers that a sweep's names mean: model by model, in order of depth, each once. Loads the models."""
    found: list[tuple[str, Site]] = []
    unused = [*sweep.sites]
    for model in sweep.models:
        sites = [*catalog.sites_of(model).values()]
        here = [site for site in sites if any(means(name, site) for name in sweep.sites)]
        if not here:
            asked, known = " or ".join(map(brief, sweep.sites)), families(site.name for site in sites)
            raise BadRequest(f"{model} has no layer {asked}. Its layers: {known}.")
        unused = [name for name in unused if not any(means(name, site) for site in here)]
        found += [(model, site) for site in here]
    if unused and sweep.sites != type(sweep).model_fields["sites"].default:
        raise BadRequest(f"No model of the sweep has a layer “{brief(unused[0])}”.")
    return found


def means(name: str, site: Site) -> bool:
    """Whether a name of a sweep means this layer: its own name, its role, or a pattern."""
    return name in (site.name, site.role) or fnmatchcase(site.name, name)


def units_of(sweep: SweepRequest, model: str, site: Site) -> tuple[int, ...]:
    """The units of a layer that a sweep asks for, in order; a sample depends on nothing but its seed, model and layer."""
    asked: Sequence[int] = range(site.units)
    if sweep.units:
        asked = [unit for unit in parse_units(sweep.units, MOST_UNITS) if unit < site.units]
    if not sweep.sample or sweep.sample >= len(asked):
        return tuple(asked)
    name = hashlib.blake2b(f"{model}@{site.name}".encode(), digest_size=8).digest()
    drawn = np.random.default_rng([sweep.sample_seed, int.from_bytes(name, "little")])
    return tuple(sorted(int(unit) for unit in drawn.choice(asked, sweep.sample, replace=False)))


def _part(kind: type[Request], sweep: SweepRequest, model: str, site: str, units: tuple[int, ...] = ()) -> Part:
    fields = {"model": model, "site": site, **sweep.given} | ({"units": units} if units else {})
    return Part(build(kind, **fields), model, site, units)
