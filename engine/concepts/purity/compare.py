"""Conclusions: two models' shares of units beyond likeness compared, and unit labels compared with known concepts.

Invariant: a sentence claims no more than the interval beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.concepts.purity.power import TYPICAL
from engine.concepts.purity.shares import HEADLINE, against
from engine.core.discovery import fewest
from engine.core.errors import BadRequest
from engine.core.request import Result
from engine.core.shares import share as one_share
from engine.core.shares import shares
from engine.core.statistics import Estimate, combination, share, smallest_like


def difference(a: Mapping[Any, Any], b: Mapping[Any, Any], name: str = HEADLINE) -> tuple[float, float, float]:
    """(share of a minus share of b, low, high) from two rows of `overall` or `layers` (Newcombe 1998, method 10).

    The two shares are treated as independent. Both models saw the same kinds, so part of the sampling error cancels: the
    interval is too wide rather than too narrow.
    """
    return combination((1, Estimate(*_share(a, name))), (-1, Estimate(*_share(b, name))))


def compare(results: Sequence[Result]) -> str:
    """Does language supervision make concept units here? One or two sentences, computed from results of PurityRequest.

    The first result of a model with a text tower is compared with the first of one without; if there are not both, the
    first two are compared, without a claim about language. A single result is described alone. Raises
    BadRequest for none, or for results of different data.
    """
    if not results:
        raise BadRequest("No result to compare. Name at least one model.")
    if len({(str(r.request["data"]), r.facts["concepts"], r.facts["images"]) for r in results}) > 1:
        raise BadRequest("These results were computed on different images or concepts, so they cannot be compared.")
    a, b = _pair(results)
    row = _overall(a)
    alone = f"{_share_text(row)} of {a.request['model']}'s units follow a concept beyond likeness"
    if b is None:
        return f"{alone}. The same test: {_nulls(row)}."
    other = _overall(b)
    apart = difference(row, other)
    names = str(a.request["model"]), str(b.request["model"])
    language = bool(a.facts["language"]) and not b.facts["language"]
    return (
        f"{alone}, {_share_text(other)} of {names[1]}'s: {_points(apart)}. {names[0]}: {_nulls(row)}; {names[1]}: "
        f"{_nulls(other)}. {_verdict(apart, *names, language)}"
    )


def _nulls(row: Mapping[Any, Any]) -> str:
    """What the same test finds where there is nothing, or nothing of a unit's own, to find."""
    said = [f"untrained {row['twin']:.1%}"] if row["twin"] == row["twin"] else []
    return ", ".join([*said, f"random directions {row['directions']:.1%}", f"shuffled tags {row['shuffled']:.1%}"])


def _pair(results: Sequence[Result]) -> tuple[Result, Result | None]:
    spoken = [result for result in results if result.facts["language"]]
    silent = [result for result in results if not result.facts["language"]]
    if spoken and silent:
        return spoken[0], silent[0]
    return results[0], results[1] if len(results) > 1 else None


def _verdict(apart: tuple[float, float, float], a: str, b: str, language: bool) -> str:
    model = f"{'language-supervised ' if language else ''}{a}"
    if sign := _sign(apart):
        return f"The {model} has {'more' if sign > 0 else 'fewer'} such units than {b}."
    return (
        f"No difference between the {model} and {b} was seen; one of {100 * smallest(apart):.1f} points or more would have "
        "been, in 80% of cases."
    )


def smallest(apart: tuple[float, float, float]) -> float:
    """The smallest true difference whose interval, as wide as this one, would leave out zero in 80% of cases."""
    return smallest_like(Estimate(*apart))


def against_nothing(result: Result, name: str, nulls: Mapping[str, str]) -> str:
    """A share of all units of one model with its interval, and what `nulls` (columns of `overall`, by what they are called)
    reach: 9.7% (7.4 to 12.4%); untrained 1.9% (1.0 to 3.1%). Those that were not measured are left out."""
    row = _overall(result)
    said = [f"{told} {shares(*_share(row, null), digits=1)}" for null, told in nulls.items() if row[null] == row[null]]
    return "; ".join([shares(*_share(row, name), digits=1), *said])


KINDS = {
    against(name, "kind_units"): told for name, told in (("twin", "untrained"), ("directions", "random directions"))
}
"""What the share of units that single out one kind is held against."""


def kinds_singled_out(results: Sequence[Result]) -> str:
    """How many units of each model single out one kind, beside where that means nothing, in a sentence."""
    told = ", ".join(f"{result.request['model']} {against_nothing(result, 'kind_units', KINDS)}" for result in results)
    by_chance = one_share(results[0].facts["kinds_by_chance"], 1)
    return f"Units that single out one kind: {told}. Of units that put the scenes in a random order it is {by_chance}."


def could_be_found(results: Sequence[Result]) -> str:
    """How often a unit that follows a concept is found, in two sentences; the same for all models, which saw the same kinds."""
    facts = results[0].facts
    return (
        f"A unit with an AUROC of {TYPICAL} is found in {one_share(facts['power'])} of cases where it is tested alone at 5%, "
        f"and in {one_share(facts['power_single'])} at the p-value of 1/{facts['permutations'] + 1} that a single unit needs "
        "where few others of its layer pass. Neither number includes the test of likeness, which fewer pass."
    )


def too_few(results: Sequence[Result]) -> str:
    """How few concept units of a layer the permutations could not have shown, in a sentence; empty where that is none."""
    facts = results[0].facts
    sizes = sorted({int(units) for result in results for units in result.tables["layers"]["units"]})
    least = 1 / (int(facts["permutations"]) + 1)
    ends = [fewest(size, least, facts["level"]) for size in (sizes[0], sizes[-1])]
    if ends[-1] == 1:
        return ""
    few, of = (" to ".join(dict.fromkeys(map(str, pair))) for pair in (ends, (sizes[0], sizes[-1])))
    return (
        f"Fewer than {few} concept units of a layer of {of} cannot be found, however clear they are: no p-value is below "
        f"1/{facts['permutations'] + 1}, after as many permutations."
    )


def names_against_truth(naming: Result, purity: Result) -> dict[str, Any]:
    """Do the labels of units (a result of NameUnitsRequest) contain the concept that the units respond to?

    Of the site's units beyond likeness with a label: `top1` and `top5`, the share whose first label, or one of whose first five,
    contains the unit's best tag (or another tag of exactly the same kinds) as whole words, ignoring case;
    `top1_interval`, `top5_interval` (exact); `chance1`, `chance5`: the expected share when labels are exchanged between
    units (None with fewer than two units);
    `units`: units beyond likeness of the site, `named`: of those, with a label, `sayable`: of those, how many have a best tag
    that some word of the vocabulary contains, so that a correct label was possible.
    Raises BadRequest if the two differ in model or data, or if the purity of the site has not been measured.
    """
    for field in ("model", "data"):
        if naming.request[field] != purity.request[field]:
            raise BadRequest(f"Labels and purity were computed for different {field}. Compute both for the same one.")
    rows = purity.tables["units"]
    rows = rows[rows["site"] == naming.request["site"]]
    if not len(rows):
        raise BadRequest(
            f"Purity was measured for sites of the role {purity.request['role']}; {naming.request['site']} is not one of them."
        )
    rows = rows[rows["beyond_likeness"].to_numpy(bool)]
    units = rows["unit"].to_numpy(np.int64)
    named = ~naming.arrays["abstained"][units].astype(bool)
    words = [str(word) for word in naming.facts["words"]]
    aliases = dict(zip(purity.tables["concepts"]["tag"], purity.tables["concepts"]["names"], strict=True))
    tags = [aliases[tag].split(", ") for tag in rows["tag"][named]]
    says = {word: i for i, word in enumerate(dict.fromkeys(name for names in tags for name in names))}
    contains = np.array([[_contains(word, name) for name in says] for word in words], bool).reshape(
        len(words), len(says)
    )
    wanted = [[says[name] for name in names] for names in tags]
    given = naming.arrays["words"][units[named]]
    agreement: dict[str, Any] = {"units": len(units), "named": len(tags)}
    agreement["sayable"] = sum(bool(contains[:, columns].any()) for columns in wanted)
    for top in (1, 5):
        hits = np.array([contains[given[:, :top]].any(axis=1)[:, columns].any(axis=1) for columns in wanted], bool)
        hits = hits.reshape(len(tags), len(tags))  # row: whose concept, column: whose names
        right, n = int(np.trace(hits)), len(tags)
        agreement[f"top{top}"] = right / n if n else None
        agreement[f"top{top}_interval"] = list(share(right, n))
        agreement[f"chance{top}"] = (int(hits.sum()) - right) / (n * (n - 1)) if n > 1 else None
    return agreement


def _contains(word: str, tag: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(tag.casefold())}(?!\w)", word.casefold()) is not None


def _share(row: Mapping[Any, Any], name: str) -> tuple[float, float, float]:
    return float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"])


def _overall(result: Result) -> dict[Any, Any]:
    return result.tables["overall"].to_dict("records")[0]


def _sign(interval: tuple[float, float, float]) -> int:
    return 1 if interval[1] > 0 else -1 if interval[2] < 0 else 0


def _points(interval: tuple[float, float, float]) -> str:
    return "{:+.1f} points ({:+.1f} to {:+.1f})".format(*(100 * value for value in interval))


def _share_text(row: Mapping[Any, Any]) -> str:
    share, low, high = _share(row, HEADLINE)
    return f"{share:.1%} ({low:.1%} to {high:.1%})"
