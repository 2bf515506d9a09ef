"""Where a request's results stand in the store: one place for each precision that it may have been computed in.

Invariant: a result is never taken for one of another precision. Those stored before precision was part of the key stand under
the request's key alone; of them only those count that say what they were computed in.
"""

from __future__ import annotations

from engine.core import devices, precision
from engine.core.errors import BadRequest
from engine.core.experiments import experiments
from engine.core.request import Request, Result

ALWAYS = "float32"


def here() -> str:
    """The precision that this machine computes in. Results can be looked up even where the settings ask for a device that is
    not there; whoever computes is told then."""
    try:
        return precision.name(devices.pick())
    except BadRequest:
        return ALWAYS


def computes_in(request: Request | type[Request]) -> str:
    """The precision that this machine computes a request in."""
    return ALWAYS if request.always_float32 else here()


def stored_key(key: str, computed_in: str = "") -> str:
    """Where the result of a request with this key is stored, computed in this precision (default: this machine's)."""
    return f"{key}.{computed_in or here()}"


def request_key(key: str) -> str:
    """The request's key, of the key of a stored result."""
    return key.partition(".")[0]


def precisions() -> tuple[str, ...]:
    """All precisions, this machine's first."""
    ours = here()
    return (ours, *(name for name in precision.DTYPES if name != ours))


def places(key: str) -> list[str]:
    """The keys that results of the request with this key may be stored under, this machine's precision first and, last, the
    request's key alone, as it was before. A key that names its precision is one place."""
    return [key] if "." in key else [*(stored_key(key, name) for name in precisions()), key]


def label(result: Result) -> str:
    """What a reader must know of a result that was computed in another precision; empty for all others."""
    if result.precision in ("", ours := here()):
        return ""
    experiment = experiments().get(str(result.request.get("experiment")))
    if experiment is not None and result.precision == (ours := computes_in(experiment.kind)):
        return ""
    return f"Computed in {result.precision}; this machine computes in {ours}."
