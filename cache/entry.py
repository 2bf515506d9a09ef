"""What the store says of one result, without reading it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One stored result: size in bytes, time stored (seconds since 1970), the request inside it when it is short."""

    key: str
    bytes: int
    stored_at: float
    facts_request: dict[str, Any] | None
    pinned: bool


def request_of(tag: str | None) -> dict[str, Any] | None:
    """The request that a result's row keeps as text; None where it was too long, or is none."""
    try:
        request = json.loads(tag) if isinstance(tag, str) else None
    except ValueError:
        return None
    return request if isinstance(request, dict) else None
