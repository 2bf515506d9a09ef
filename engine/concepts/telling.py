"""What a result of NameUnitsRequest says, in sentences: of a layer, and of one unit.

Invariant: a sentence about a word gives the number that the word was tested by.
"""

from __future__ import annotations

from typing import Any

from engine.concepts.naming import DECIDING, DIRECTIONS, SHUFFLED, TWIN
from engine.core.discovery import cut
from engine.core.request import Result
from engine.core.shares import percent, share

AGAINST = {
    SHUFFLED: "shuffled kinds",
    TWIN: "the untrained network",
    DIRECTIONS: "random directions of this layer",
}
"""The nulls, the easiest to stand out from first."""


def of_layer(naming: Result) -> str:
    """How many units have a name, what the same search finds where there is nothing to find, and what could have been found."""
    facts = naming.facts
    units = len(naming.arrays["abstained"])
    named = units - int(naming.arrays["abstained"].sum())
    alone = ", ".join(
        f"{facts['passing'][null]:.1%} against {said} alone"
        for null, said in AGAINST.items()
        if null in facts["passing"]
    )
    rates = ", ".join(f"{facts['rates'][null]:.1%} of {_members(null)}" for null in AGAINST if null in facts["rates"])
    halves = _halved(facts)
    return (
        f"{named} of {units} units ({named / max(units, 1):.1%}) have a name: a word chosen on half of the {halves} that also "
        f"fits their strongest images among the other half, more than the same search finds where there is nothing (false "
        f"discovery rate {facts['level']:.0%}). {alone[:1].upper()}{alone[1:]}. At this cut {rates} would get a name. "
        f"{_smallest(facts)}{_few(facts, units)}{_no_twin(facts)}"
    )


NO_TWIN = "This architecture cannot be built anew, so no untrained network was searched."
STILL_TWIN = "No unit of the untrained network changes from image to image, so it was not searched."


def _no_twin(facts: dict[str, Any]) -> str:
    if facts["twin"] is None:
        return f" {NO_TWIN}"
    return "" if TWIN in facts["against"] else f" {STILL_TWIN}"


def _halved(facts: dict[str, Any]) -> str:
    """What images were halved by."""
    return facts.get("halved") or ("kinds" if facts["kinds"] else "images")  # a result in a collection may be older


def _smallest(facts: dict[str, Any]) -> str:
    if facts["smallest"] >= 1:
        return "With this many images no AUROC would have been enough in 80% of cases."
    return f"An AUROC of {facts['smallest']:.2f} would have been found in 80% of cases."


def _few(facts: dict[str, Any], units: int) -> str:
    """What no unit could show alone, since the nulls have only so many members."""
    least = int(facts.get("fewest", 1))  # a result in a collection may be older
    if least > units:
        return f" So few units can have no name at all: {least} would have to stand out from every member of the nulls."
    return f" Fewer than {least} such units cannot be found, however clear they are." if least > 1 else ""


def _members(null: str) -> str:
    return {TWIN: "the untrained network's units", DIRECTIONS: "random directions", SHUFFLED: "shuffled units"}[null]


def of_unit(naming: Result, unit: int) -> str:
    """How well the unit's first word does on the half that it was not chosen on, and what it does not stand out from."""
    arrays, facts = naming.arrays, naming.facts
    area, low, high = (float(arrays[name][unit]) for name in ("held_out", "low", "high"))
    halves = _halved(facts)
    told = (
        f"On the other half of the {halves} the word fits a strongest image better in {share(area)} of pairs ({percent(low)} to "
        f"{share(high)}; chance 50%)"
    )
    if not arrays["abstained"][unit]:
        return f"{told}."
    like = [AGAINST[null] for null in DECIDING if f"p_{null}" in arrays and not _stands_out(naming, null, unit)]
    return f"{told}: not reliably more than with {_join(like)}." if like else f"{told}: too little among so many units."


def _stands_out(naming: Result, null: str, unit: int) -> bool:
    """Whether the unit would have a name against this null alone."""
    p = naming.arrays[f"p_{null}"]
    return bool(p[unit] <= cut(p, naming.facts["level"]))


def _join(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
