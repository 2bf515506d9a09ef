"""What is opened once while a request is carried out, however many of its parts ask for it.

Invariant: what is kept is gone when the request ends, and no other thread sees it: the next request looks at the files anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
_KEPT: ContextVar[dict[Hashable, Any] | None] = ContextVar("what this request has opened", default=None)


@contextmanager
def one_request() -> Iterator[None]:
    """Inside, in this thread, `once` keeps what it makes. A request within a request shares what is kept."""
    if _KEPT.get() is not None:
        yield
        return
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def once(key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives; inside one request it is called once for each key, outside of one each time."""
    kept = _KEPT.get()
    if kept is None:
        return make()
    if key not in kept:
        kept[key] = make()
    return kept[key]
