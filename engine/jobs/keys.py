"""Where a request's results stand in the store: one place for each precision that it may have been computed in.

Invariant: a result is never taken for one of another precision. Those stored before precision was part of the key stand under
the request's key alone; of them only those count that say what they were computed in.
"""

from __future__ import annotations

from engine.core import devices, precision
from engine.core.request import Result


def here() -> str:
    """The precision that this machine computes in."""
    return precision.name(devices.pick())


def stored_key(key: str, computed_in: str) -> str:
    """Where the result of a request with this key is stored."""
    return f"{key}.{computed_in}"


def place(key: str) -> str:
    """Where this machine stores the result of a request with this key."""
    return stored_key(request_key(key), here())


def request_key(key: str) -> str:
    """The request's key, of the key of a stored result."""
    return key.partition(".")[0]


def places(key: str, *, strict: bool = False) -> list[str]:
    """The keys to look under, the best first: this machine's precision, then (unless strict) others, then the request's key
    alone, as it was stored before. A key that names its precision is looked up as it is."""
    if "." in key:
        return [key]
    ours = here()
    others = [] if strict else [name for name in precision.DTYPES if name != ours]
    return [*(stored_key(key, name) for name in (ours, *others)), key]


def counts(result: Result, *, strict: bool = False) -> bool:
    """Whether what was found may be served: its precision is recorded, and is this machine's where that is asked for."""
    return result.precision in precision.DTYPES and (not strict or result.precision == here())


def label(result: Result) -> str:
    """What a reader must know of a result that was computed in another precision; empty for all others."""
    if result.precision in ("", here()):
        return ""
    return f"Computed in {result.precision}; this machine computes in {here()}."
