"""What a sweep is asked for: models, layers, units and how. One value has one spelling: asked again, it is the same sweep."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from pydantic import Field, JsonValue, field_validator

from engine.core.address import format_units, parse_units
from engine.core.choices import MAX_SEED, MAX_UNITS, SWEPT, USUAL_ROLES
from engine.core.errors import BadRequest
from engine.core.experiments import experiments
from engine.core.request import Request
from engine.models import catalog

PICTURES = SWEPT[0]
"""The experiment that is swept unless somebody says otherwise."""
MOST_UNITS = 1 << 20
"""A unit's number in a sweep is below this."""
PART = 64
"""Units whose pictures are made and kept together, unless somebody says otherwise."""


class SweepRequest(Request):
    """One experiment on many layers of some models. It expands into parts (`engine.sweeps.parts`), each an ordinary request with
    a key of its own.

    `what`: the experiment's name; its requests have a model and a site. `sites`: names of layers, roles (`mlp.hidden`: all of
    them) or patterns (`blocks.[0-5].*`). `given`: further fields of the requests, by name. Where they have units: `units` like
    `0-63,100`, empty for all; `sample`: of these so many of each layer, drawn by `sample_seed`, 0 for all; `part`: how many in
    one request.
    """

    experiment: ClassVar[str] = "sweep"
    version: ClassVar[int] = 1

    what: str = Field(default=PICTURES, max_length=64)
    models: tuple[str, ...] = Field(min_length=1, max_length=64)
    sites: tuple[str, ...] = Field(default=USUAL_ROLES, min_length=1, max_length=1024)
    units: str = Field(default="", max_length=1 << 16)
    sample: int = Field(default=0, ge=0, le=MOST_UNITS)
    sample_seed: int = Field(default=0, ge=0, le=MAX_SEED)
    part: int = Field(default=PART, ge=1, le=MAX_UNITS)
    given: dict[str, JsonValue] = Field(default_factory=dict, max_length=32)

    @field_validator("models", "sites")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.strip() for name in names):
            raise ValueError("A name is empty.")
        return tuple(dict.fromkeys(names))

    @field_validator("units")
    @classmethod
    def _in_one_spelling(cls, units: str) -> str:
        try:
            return format_units(sorted(parse_units(units, MOST_UNITS))) if units.strip() else ""
        except BadRequest as error:
            raise ValueError(str(error)) from None

    @field_validator("given")
    @classmethod
    def _is_its_own(cls, given: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted({"model", "site", "units"} & given.keys()):
            raise ValueError(f"The {taken[0]} of each request is the sweep's to say.")
        return given

    def fingerprints(self) -> dict[str, str]:
        return {f"model {name}": catalog.fingerprint(name) for name in self.models}

    @property
    def id(self) -> str:
        """What people call it by: eight letters and digits, the same for the same request."""
        return hashlib.blake2b(self.canonical().encode(), digest_size=4).hexdigest()

    @property
    def title(self) -> str:
        """It in a few words."""
        units = f", {self.sample} units each" if self.sample else f", units {self.units}" if self.units else ""
        known = experiments().get(self.what)
        what = "pictures" if self.what == PICTURES else known.title.lower() if known else self.what
        return f"{what} of {', '.join(self.models)}: {', '.join(self.sites)}{units}"
