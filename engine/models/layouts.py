"""The sites of models, kept in the cache folder under the digest of the weights: whoever lists a model's layers needs none of its
weights for it."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import timm
import torch

from engine.core import kept
from engine.sites import access
from engine.sites.grid import Grid
from engine.sites.plan import Site


def read(fingerprint: str, of_any_version: bool = False) -> Mapping[str, Site] | None:
    """The sites of the model with this fingerprint, in order of depth; None where nobody has found them yet, by this version of
    what finds them (or `of_any_version`)."""
    try:
        version, sites = _read(kept.kept_in("layouts", [fingerprint]), fingerprint)
    except (OSError, ValueError, TypeError, KeyError):  # none, or damaged
        return None
    return sites if of_any_version or version == _version() else None


def keep(fingerprint: str, sites: Mapping[str, Site]) -> None:
    """Write a model's sites down, where the cache folder can be written."""
    path = kept.kept_in("layouts", [fingerprint])
    facts = {"version": _version(), "sites": [asdict(site) for site in sites.values()]}
    kept.keep(path, [fingerprint], facts, instead=True)
    _read.cache_clear()


@functools.lru_cache(maxsize=64)  # what is missing is not kept
def _read(path: Path, fingerprint: str) -> tuple[str, Mapping[str, Site]]:
    facts = json.loads(path.read_text(encoding="utf-8"))
    if facts["machine"] != [fingerprint]:
        raise ValueError("of another model")
    sites = [Site(grid=Grid(**each.pop("grid")), **each) for each in facts["sites"]]
    return str(facts["version"]), MappingProxyType({site.name: site for site in sites})


@functools.cache
def _version() -> str:
    """Of all that decides which sites a model has: our code, and the libraries that build it."""
    code = b"".join(path.read_bytes() for path in sorted(Path(access.__file__).parent.glob("*.py")))
    said = f"{torch.__version__} {timm.__version__}".encode()
    return hashlib.blake2b(code + said, digest_size=8).hexdigest()
