"""Results that stand inside others: one unit's in the file of many, found under its own key.

Which they are, and how one is cut out, the engine says (`learn`), once for the process; the store keeps a line for each. A line
whose result is gone is as good as none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cache.blob import Blob, DamagedBlob, pieces
from cache.pieces import Pieces, Whole
from cache.shelf import ForeignValue, Shelf, StoreUnavailable

log = logging.getLogger(__name__)

_LINE = "in/"
"""What the keys of lines begin with; a result's key has no stroke."""


@dataclass(frozen=True)
class Member:
    """How a result is cut out of the one that it stands in; `replaces`: one of its own is not needed any more."""

    how: str
    replaces: bool = False


class Knows(Protocol):
    """Who knows what stands inside a result."""

    def members(self, facts: Mapping[str, Any]) -> Mapping[str, Member]:
        """The results inside one with these facts, by their keys in the store."""

    def cut(self, pieces: Pieces | Whole, how: str) -> Blob:
        """One of them. Raises whatever the pieces do where they are not as they should be."""


_KNOWS: list[Knows] = []


def learn(knows: Knows) -> None:
    """Whom to ask from now on."""
    _KNOWS[:] = [knows]


def members(facts: Mapping[str, Any]) -> Mapping[str, Member]:
    """The results inside one with these facts; none where that cannot be said."""
    try:
        return _KNOWS[0].members(facts) if _KNOWS else {}
    except Exception:  # a result counts without them too
        log.exception("What stands inside a result could not be said")
        return {}


class Lines:
    """The lines of one store: under the key of each result that stands inside another, that one's key and how it is cut out."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def known(self, keys: Sequence[str]) -> set[str]:
        """Those of these keys that have a row or a line. Raises StoreUnavailable."""
        found = self._shelf.sizes([*keys, *(f"{_LINE}{key}" for key in keys)])
        return {name.removeprefix(_LINE) for name in found}

    def where(self, key: str) -> tuple[str, str] | None:
        """The result that one stands in, and how it is cut out. Raises StoreUnavailable."""
        try:
            value = self._shelf.read(f"{_LINE}{key}")
            place, space, how = value.decode().partition(" ") if value else ("", "", "")
        except (ForeignValue, ValueError):
            return None
        return (place, how) if space else None

    def cut(self, place: str, how: str) -> Blob | None:
        """A result out of the one that it stands in, of which nothing else is decoded; None where that is gone. Raises
        StoreUnavailable, DamagedBlob."""
        with self._shelf.opened(place) as opened:
            return None if opened is None else self._cut(*opened, how)

    def _cut(self, read: Callable[[int, int], bytes], size: int, how: str) -> Blob:
        try:
            if (found := pieces(read, size)) is not None:
                return _KNOWS[0].cut(found, how)
            whole = Blob.from_bytes(read(0, size))
            return _KNOWS[0].cut(Whole(whole.arrays, whole.tables, whole.facts), how)
        except (DamagedBlob, MemoryError, StoreUnavailable):
            raise
        except Exception as error:  # whatever the parsers of what was changed raise
            raise DamagedBlob(f"A part of a stored result cannot be read ({type(error).__name__}).") from error

    def note(self, key: str, facts: Mapping[str, Any]) -> list[str]:
        """Write down what stands inside a result; gives the keys of those that need none of their own any more. Raises
        StoreUnavailable."""
        inside = {name: member for name, member in members(facts).items() if name != key}
        if inside:
            lines = {f"{_LINE}{name}": f"{key} {member.how}".encode() for name, member in inside.items()}
            self._shelf.write_lines(lines, f"{_LINE}{key}")
        return [name for name, member in inside.items() if member.replaces]

    def forget(self, key: str) -> None:
        """Remove the line of a result, and those of what stands inside it. Raises StoreUnavailable."""
        self._shelf.delete(f"{_LINE}{key}")
        self._shelf.delete_tagged(f"{_LINE}{key}")
