"""Which results stand inside another one: those of single units in the result of many, each under the key of its own request.

Their keys follow from the request and the fingerprints inside the result, never from what a file says of itself: so a result of
other weights is not found under a unit's key, wherever it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cache.blob import Blob
from cache.pieces import Pieces, Whole
from cache.within import Member
from engine.core.experiments import experiments
from engine.core.request import canonical_text, digest


class Inside:
    """What the store asks (see `cache.within.Knows`)."""

    def members(self, facts: Mapping[str, Any]) -> Mapping[str, Member]:
        """The results inside one with these facts. Only requests about several units have any."""
        request, about = facts.get("request"), facts.get("facts")
        if not isinstance(request, dict) or not isinstance(about, dict):
            return {}
        units, prints, precision = request.get("units"), about.get("fingerprints"), about.get("precision")
        if not (isinstance(units, list) and len(units) > 1 and isinstance(prints, dict) and precision):
            return {}
        known = experiments().get(str(request.get("experiment")))
        found: dict[str, Member] = {}
        for each in known.kind.inside(request, prints) if known else ():
            key = digest(canonical_text(each.request), each.fingerprints)
            name = str(each.request["experiment"])
            found[f"{key}.{precision}"] = Member(f"{name} {each.row}", experiments()[name].part)
        return found

    def cut(self, pieces: Pieces | Whole, how: str) -> Blob:
        """The result of one of them."""
        name, row = how.split(" ")
        return experiments()[name].kind.out_of(pieces, int(row)).to_blob()
