"""Does a unit's picture follow the unit's images? Judged by size: what part of natural images' lead a picture has.

That a picture is a little more alike to its unit's images than another unit's picture is can be seen of any picture, with
enough units; so what counts is how much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engine.core.quantiles import student_quantile
from engine.core.statistics import LEVEL, Estimate, difference, estimate, smallest_difference
from engine.sites.access import Site

NATURAL, OTHER, NOISE = "natural images", "other images", "noise"
ANOTHER = "of another unit"
FOLLOWS, LEAVES, UNKNOWN = "follows", "does not follow", "cannot be told"
PART = 1 / 6
"""Of natural images' lead, what a picture needs: between what pictures of an honest network have and those of a
network that was built to fool them (docs/trust.md)."""


def follows(
    table: pd.DataFrame, recipes: Sequence[str], blocks: Sequence[str], sites: Mapping[str, Site]
) -> pd.DataFrame:
    """The table `follows` of `engine.explanation.paths.LayerPathsRequest`.

    table: a row for each site, unit, block (with its `depth`) and what is `shown`, with its `similarity` to the images that
    excite the unit. A site's blocks are those up to its own.
    """
    order, rows = {sites[block].block: depth for depth, block in enumerate(blocks)}, []
    for site, part in table.groupby("site", sort=False):
        before = part[part["depth"] <= order.get(sites[str(site)].block, len(blocks))]
        by_unit = before.groupby(["unit", "shown"])["similarity"].mean().unstack()
        natural = (by_unit[NATURAL] - by_unit[OTHER]).to_numpy()
        rows.append({"site": site, "shown": NATURAL, **_natural(natural)})
        for recipe in recipes:
            if f"{recipe} {ANOTHER}" in by_unit:  # a single unit has no other
                own = (by_unit[recipe] - by_unit[f"{recipe} {ANOTHER}"]).to_numpy()
                rows.append({"site": site, "shown": recipe, **judged(own, natural)})
    return pd.DataFrame(rows)


def judged(own: np.ndarray, natural: np.ndarray) -> dict[str, float | str]:
    """What pictures' leads say of a layer: units, says, difference, low, high, wanted, least, part, part_low, part_high.

    own (units,): of each unit, how much more alike its own picture is than other units'. natural (units,): the same of further
    images that excite the unit, against images that do not. Where not even these lead, nothing can be told.
    """
    part = part_of(own, natural)
    says = FOLLOWS if part.low > PART else LEAVES if part.high < PART else UNKNOWN
    wanted = {"wanted": PART * float(natural.mean()), "least": smallest_difference(own, PART * natural)}
    return {**_lead(own, says), **wanted, "part": part.value, "part_low": part.low, "part_high": part.high}


def part_of(own: np.ndarray, whole: np.ndarray) -> Estimate:
    """mean(own) / mean(whole) for two measurements (n,) of the same units, with its 95% interval (Fieller 1954): all ratios r for
    which own - r whole was not seen to differ from zero. So a verdict by this interval is that of a paired comparison. NaN
    where `whole` was not seen to lie above zero: any ratio could be."""
    nothing, n = Estimate(math.nan, math.nan, math.nan), len(whole)
    if n < 2 or not difference(whole, np.zeros(n)).low > 0:
        return nothing
    reach = student_quantile((1 + LEVEL) / 2, n - 1) ** 2 * np.cov(own, whole) / n
    above, below = float(own.mean()), float(whole.mean())
    scale, middle = below**2 - reach[1, 1], above * below - reach[0, 1]
    half = math.sqrt(max(0.0, middle**2 - scale * (above**2 - reach[0, 0])))
    return Estimate(above / below, float((middle - half) / scale), float((middle + half) / scale))


def _natural(lead: np.ndarray) -> dict[str, float | str]:
    """Of natural images themselves, which any lead of theirs shows to follow."""
    found = _lead(lead, FOLLOWS if estimate(lead).low > 0 else UNKNOWN)
    nothing = dict.fromkeys(("part", "part_low", "part_high"), math.nan)
    return {**found, "wanted": 0.0, "least": smallest_difference(lead), **nothing}


def _lead(lead: np.ndarray, says: str) -> dict[str, float | str]:
    found = estimate(lead)
    return {"units": len(lead), "says": says, "difference": found.value, "low": found.low, "high": found.high}
