"""Conclusions: two models' shares of concept units compared, and unit labels compared with known concepts.

Invariant: a sentence claims no more than the interval beside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.core.errors import BadRequest
from engine.core.request import Result
from engine.core.statistics import wilson


def difference(a: Mapping[Any, Any], b: Mapping[Any, Any], name: str = "concept_units") -> tuple[float, float, float]:
    """(share of a minus share of b, low, high) from two rows of `overall` or `layers` (Newcombe 1998, method 10).

    The two shares are treated as independent. Both models saw the same kinds, so part of the sampling error cancels: the
    interval is too wide rather than too narrow.
    """
    (p, p_low, p_high), (q, q_low, q_high) = _share(a, name), _share(b, name)
    apart = p - q
    return apart, apart - math.hypot(p - p_low, q_high - q), apart + math.hypot(p_high - p, q - q_low)


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
    alone = f"{_share_text(row)} of {a.request['model']}'s units are concept units"
    if b is None:
        return f"{alone}; with shuffled tags, {row['baseline']:.1%} would be ({_range_text(row, 'baseline')})."
    other = _overall(b)
    plain, strict = difference(row, other), difference(row, other, "beyond_likeness")
    numbers = (
        f"{alone}, {_share_text(other)} of {b.request['model']}'s: {_points(plain)}; with shuffled tags, "
        f"{row['baseline']:.1%} and {other['baseline']:.1%}. Beyond visual similarity within subgroups: {_points(strict)}."
    )
    language = bool(a.facts["language"]) and not b.facts["language"]
    return (
        f"{numbers} {_verdict(_sign(plain), _sign(strict), str(a.request['model']), str(b.request['model']), language)}"
    )


def _pair(results: Sequence[Result]) -> tuple[Result, Result | None]:
    spoken = [result for result in results if result.facts["language"]]
    silent = [result for result in results if not result.facts["language"]]
    if spoken and silent:
        return spoken[0], silent[0]
    return results[0], results[1] if len(results) > 1 else None


def _verdict(plain: int, strict: int, a: str, b: str, language: bool) -> str:
    words = {1: "more", -1: "fewer"}
    if plain:
        first = f"{'The language-supervised ' if language else ''}{a} has {words[plain]} concept units than {b}"
    else:
        model = f"{'the language-supervised ' if language else ''}{a}"
        first = f"The shares of concept units of {model} and {b} are not significantly different"
    if plain == strict:
        end = ", also beyond visual similarity" if plain else ", with or without visual similarity"
    elif strict:
        end = f", but {a} has {words[strict]} beyond visual similarity"
    else:
        end = ", but beyond visual similarity the difference is not significant"
    return f"{first}{end}."


def names_against_truth(naming: Result, purity: Result) -> dict[str, Any]:
    """Do the labels of units (a result of NameUnitsRequest) contain the concept that the units respond to?

    Of the site's concept units with a label: `top1` and `top5`, the share whose first label, or one of whose first five,
    contains the unit's best tag (or another tag of exactly the same kinds) as whole words, ignoring case;
    `top1_interval`, `top5_interval` (Wilson); `chance1`, `chance5`: the expected share when labels are exchanged between
    units (None with fewer than two units);
    `units`: concept units of the site, `named`: of those, with a label, `sayable`: of those, how many have a best tag
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
    rows = rows[rows["concept"].to_numpy(bool)]
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
        agreement[f"top{top}_interval"] = list(wilson(right, n))
        agreement[f"chance{top}"] = (int(hits.sum()) - right) / (n * (n - 1)) if n > 1 else None
    return agreement


def _contains(word: str, tag: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(tag.casefold())}(?!\w)", word.casefold()) is not None


def _share(row: Mapping[Any, Any], name: str) -> tuple[float, float, float]:
    low, high = ("low", "high") if name == "concept_units" else (f"{name}_low", f"{name}_high")
    return float(row[name]), float(row[low]), float(row[high])


def _overall(result: Result) -> dict[Any, Any]:
    return result.tables["overall"].to_dict("records")[0]


def _sign(interval: tuple[float, float, float]) -> int:
    return 1 if interval[1] > 0 else -1 if interval[2] < 0 else 0


def _points(interval: tuple[float, float, float]) -> str:
    return "{:+.1f} points ({:+.1f} to {:+.1f})".format(*(100 * value for value in interval))


def _share_text(row: Mapping[Any, Any]) -> str:
    share, low, high = _share(row, "concept_units")
    return f"{share:.1%} ({low:.1%} to {high:.1%})"


def _range_text(row: Mapping[Any, Any], name: str) -> str:
    return f"{row[f'{name}_low']:.1%} to {row[f'{name}_high']:.1%}"
