"""What a sweep comes to before it begins: how many parts and pictures, and which of them are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.core import config
from engine.core.request import one_request
from engine.jobs import keys
from engine.sweeps.parts import Part, parts
from engine.sweeps.request import SweepRequest


@dataclass(frozen=True)
class Plan:
    """The parts of a sweep by their keys, in order, and the keys of those that are there."""

    parts: dict[str, Part]
    there: frozenset[str]

    @property
    def missing(self) -> dict[str, Part]:
        """What is still to be made."""
        return {key: part for key, part in self.parts.items() if key not in self.there}

    @property
    def pictures(self) -> int:
        """How many pictures all parts have."""
        return sum(part.pictures for part in self.parts.values())

    @property
    def pictures_there(self) -> int:
        """How many of them are in parts that are there."""
        return sum(self.parts[key].pictures for key in self.there)


def plan(sweep: SweepRequest) -> Plan:
    """What a sweep comes to now. Loads its models. Raises VitrineError where a model, a layer or a data set is not there."""
    with one_request():
        by_key = {part.request.key(): part for part in parts(sweep)}
    return Plan(by_key, stored([*by_key]))


def stored(wanted: Sequence[str]) -> frozenset[str]:
    """Those of these keys of requests under which a result is stored, in any precision."""
    there = {keys.request_key(key) for key in config.store().stored()}
    return frozenset(key for key in wanted if key in there)
