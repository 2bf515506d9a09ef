"""What the store says of one result, without reading it, and what it remembers of several."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

V = TypeVar("V")


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


class Latest(OrderedDict[str, V], Generic[V]):
    """What is remembered by key, of `most` keys: where there are more, the one that came first goes."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: str, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > self._most:
            self.popitem(last=False)
