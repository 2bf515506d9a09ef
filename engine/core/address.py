"""Addresses: `model@site:units`, the one string that names units everywhere (pages, links, command line).

`starter-vit@blocks.5.mlp.hidden:120` is one unit; `...:0-7,12` is a selection of units of one site. Targets beyond
units (one position, a head, a direction, a sum: see `engine.core.targets`) stand after the units: `...:0-7,120@3x5,(3-7)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.core.choices import MAX_UNITS
from engine.core.errors import BadRequest
from engine.core.targets import is_target, parse_target

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, order=True)
class Address:
    """Units of one site of one model, and targets of it as text. Prints as `model@site:units,targets`.

    Sorts by model, site, units, then targets.
    """

    model: str
    site: str
    units: tuple[int, ...]
    targets: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.model}@{self.site}:{self.selection}"

    @property
    def selection(self) -> str:
        """The part after the colon: what `parse_selection` reads back."""
        return ",".join(filter(None, (format_units(self.units), *self.targets)))

    @property
    def written(self) -> str:
        """The selection in the spelling that people see, which `parse_selection` reads back too (see `Target.written`)."""
        targets = (parse_target(text).written for text in self.targets)
        return ",".join(filter(None, (format_units(self.units), *targets)))

    @property
    def names(self) -> tuple[int | str, ...]:
        """Everything that a picture is made for, in order: units, then targets."""
        return (*self.units, *self.targets)

    @classmethod
    def parse(cls, text: str, limit: int = MAX_UNITS) -> Address:
        """Parse `model@site:units`. Raises BadRequest where the text is not an address, or one of too many units."""
        model, at, rest = text.replace("\u2060", "").strip().partition("@")  # as pages write it, where it was copied
        site, colon, units = rest.partition(":")
        if not (model and at and site and colon):
            raise BadRequest(
                f"“{text[:80]}” is not an address. Write model@site:units, like starter-vit@blocks.5.mlp.hidden:120."
            )
        return cls(model, site, *parse_selection(units, limit))


def parse_selection(text: str, limit: int = MAX_UNITS) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Units (as in `parse_units`) and targets from text, each once; a target that is one unit counts as that unit.

    Raises BadRequest as `parse_units` and `engine.core.targets.parse_target` do.
    """
    pieces = [piece.strip() for piece in _pieces(text)]
    plain = [piece for piece in pieces if not is_target(piece)]
    found = [parse_target(piece) for piece in pieces if is_target(piece)]
    plain += [str(target.unit) for target in found if target.unit is not None]
    targets = tuple(dict.fromkeys(str(target) for target in found if target.unit is None))
    if len(targets) > limit:
        raise BadRequest(f"More than {limit} targets requested at once. Request at most {limit}.")
    units = parse_units(",".join(plain), limit - len(targets)) if any(plain) or not targets else ()
    return units, targets


def _pieces(text: str) -> list[str]:
    """The text cut at its commas, except those inside brackets, in time that grows with its length: it may be a link's."""
    pieces, end, inside = [], len(text), False
    for found in reversed([*re.finditer(r"[,()]", text)]):
        if found[0] != ",":
            inside = found[0] == ")"
        elif not inside:
            pieces.append(text[found.end() : end])
            end = found.start()
    return [text[:end], *reversed(pieces)]


def parse_units(text: str, limit: int = MAX_UNITS) -> tuple[int, ...]:
    """Units from text: `3`, `0-7,12` (ends included) or Python's half-open `0:16`. Order kept, repeats dropped.

    Raises BadRequest for an empty list, anything that is not a number, or more than `limit` units.
    """
    units: dict[int, None] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        sign = "-" if "-" in part else ":"
        first, found, last = (piece.strip() for piece in part.partition(sign))
        if not _NUMBER.fullmatch(first) or (found and not _NUMBER.fullmatch(last)):
            raise BadRequest(f"“{part[:40]}” is not a unit or a range of units. Write 5, 0-15 or 0:16.")
        # A dash names the last unit; a colon, as in Python, the one after it.
        end = int(first) + 1 if not found else int(last) + (sign == "-")
        chosen = range(int(first), end)
        if found and not chosen:
            raise BadRequest(f"The range “{part[:40]}” is empty. Write the smaller unit first, like 3-7.")
        if len(chosen) <= limit:
            units.update(dict.fromkeys(chosen))
        if max(len(chosen), len(units)) > limit:
            raise BadRequest(f"More than {limit} units requested at once. Request at most {limit}.")
    if not units:
        raise BadRequest("No units given. Name at least one, like 5, 0-15 or 0:16.")
    return tuple(units)


def format_units(units: Iterable[int]) -> str:
    """Units as text that `parse_units` reads back: runs of three or more become ranges."""
    parts: list[str] = []
    run: list[int] = []

    def close(run: Sequence[int]) -> None:
        if len(run) > 2:
            parts.append(f"{run[0]}-{run[-1]}")
        else:
            parts.extend(str(unit) for unit in run)

    for unit in units:
        if run and unit != run[-1] + 1:
            close(run)
            run = []
        run.append(unit)
    close(run)
    return ",".join(parts)
