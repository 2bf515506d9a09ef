"""What each unit of a layer leans on, from what it does on whole images and on what is left of them; knows no network.

A unit's *strongest* images excite it more than nine tenths of the other half of the images do: the threshold is the other half's,
an image passes it by its own response when whole. What it makes of them is how far they stand above all images; a *share* is how
much of that stays when all images are treated alike. A shift that a treatment brings to all images (the hole, the grey) is
therefore no loss. The choice lowers all shares: whatever else made a whole image strong does not stay. The two shares of a
question have the choice and the divisor in common, so that their difference is fair.
Invariant: of the units of a layer that are said to lean on something 5% at most do not, on average.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.core.discovery import FALSE, cut
from engine.core.quantiles import student_quantile, student_tail
from engine.core.statistics import LEVEL, POWER, Ratios, ratios

TREATMENTS = ("object_alone", "background_alone", "low_pass", "high_pass")
"""What is left of an image: (images, 1 + 4, units) in this order, after the whole image."""
QUESTIONS = {"object_lean": ("object", "background"), "low_lean": ("low", "high")}
"""Differences of the first two shares and of the last two, and what a unit leans on where one lies above zero or below."""
NEITHER, UNKNOWN = "neither", "unknown"
STRONGEST = 0.1
LEAST = 10
"""Clusters that must hold a unit's strongest images before anything is said of it."""
TOGETHER = 256
"""Units that are measured at once."""
STILL = 1e-6
"""Change relative to size: what is less is rounding."""


def measured(responses: np.ndarray, clusters: np.ndarray | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(units, counts) of responses (images, 1 + 4, units): on whole images and on what TREATMENTS leave.

    `units`, a row a unit: unit, `strongest` (how many images); a share for each of TREATMENTS and a difference for each of
    QUESTIONS, with `_low`, `_high` (95%, images of a cluster belong together); of a difference also `_p` and `_leans`: the
    word of QUESTIONS where it is a discovery, `neither` where not, `unknown` where too few images excite the unit or it never
    changes (its numbers are NaN).
    `counts`, a row for each of QUESTIONS: question, first, second (the words), `lean_first`, `lean_second`, neither, unknown
    (units), and `smallest`: the difference that would be a discovery with 80% power, the median over units that are known.
    """
    first = halves(len(responses), clusters)
    parts = [
        _block(responses[:, :, start : start + TOGETHER].astype(np.float64), first, clusters)
        for start in range(0, responses.shape[2], TOGETHER)
    ]
    found = {name: Ratios(*map(np.concatenate, zip(*(part[name] for part in parts), strict=True))) for name in parts[0]}
    strong = found.pop("strongest").value
    units = pd.DataFrame({"unit": np.arange(len(strong)), "strongest": strong.astype(int)})
    rows = []
    for name, ratio in found.items():
        units[name] = ratio.value
        reach = _quantile((1 + LEVEL) / 2, ratio) * ratio.error
        units[f"{name}_low"], units[f"{name}_high"] = ratio.value - reach, ratio.value + reach
        if name in QUESTIONS:
            units[f"{name}_p"], units[f"{name}_leans"], row = _told(name, ratio)
            rows.append(row)
    return units, pd.DataFrame(rows)


def halves(count: int, clusters: np.ndarray | None) -> np.ndarray:
    """(count,) bool: which images are in the first half; a cluster is in one of them as a whole."""
    names, member = np.unique(np.arange(count) if clusters is None else clusters, return_inverse=True)
    drawn = np.random.default_rng(0).permutation(len(names))[: len(names) // 2]
    return np.isin(member, drawn)


def strongest(full: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(images, units) bool: images of either half that excite a unit more than nine tenths of the other half's do; full (images,
    units)."""
    strong = np.zeros(full.shape, bool)
    for half in (first, ~first):
        if half.any() and (~half).any():
            strong[half] = full[half] > np.quantile(full[~half], 1 - STRONGEST, axis=0)
    return strong


def sentences(counts: pd.DataFrame, units: int) -> str:
    """What `counts` of a layer says, with what could have been seen."""
    said = []
    for row in counts.to_dict("records"):
        known = units - row["unknown"]
        if not known:
            said.append(f"Of none of {units} units can be told whether it leans on {_either(row)}: too few images.")
            continue
        left = f"; {row['unknown']} more are excited by too few images" if row["unknown"] else ""
        said.append(
            f"{row['lean_first']} of {known} units lean on {_words(row['first'])} and {row['lean_second']} on "
            f"{_words(row['second'])}; of {row['neither']} neither could be told, and a difference of {row['smallest']:.2f} "
            f"would have been seen in 80% of cases (median){left}."
        )
    return f"{' '.join(said)} False discovery rate {FALSE:.0%} for each question."


def _either(row: Mapping[Any, Any]) -> str:
    return f"{_words(row['first'])} or {_words(row['second'])}"


def _words(name: str) -> str:
    return f"the {name}" if name in QUESTIONS["object_lean"] else f"{name} frequencies"


def _block(responses: np.ndarray, first: np.ndarray, clusters: np.ndarray | None) -> dict[str, Ratios]:
    """Shares and differences of some units; `strongest` holds how many images they have."""
    strong = strongest(responses[:, 0], first)
    apart = responses - responses.mean(axis=0)
    # Summed over images, this weight gives how far the strongest stand above all: both means are sampled, and count as such.
    weight = strong - strong.mean(axis=0)
    whole = weight * apart[:, 0]
    above = {name: apart[:, place] for place, name in enumerate(TREATMENTS, start=1)}
    pairs = ((TREATMENTS[0], TREATMENTS[1]), (TREATMENTS[2], TREATMENTS[3]))
    above |= {name: above[one] - above[other] for name, (one, other) in zip(QUESTIONS, pairs, strict=True)}
    found = {name: ratios(weight * each, whole, strong, clusters) for name, each in above.items()}
    moves = np.ptp(responses[:, 0], axis=0) > STILL * np.abs(responses[:, 0]).max(axis=0)
    known = moves & (whole.sum(axis=0) > 0) & (found[TREATMENTS[0]].freedom + 1 >= LEAST)
    nothing = np.full(len(known), np.nan)
    kept = {name: Ratios(*(np.where(known, each, np.nan) for each in ratio)) for name, ratio in found.items()}
    return kept | {"strongest": Ratios(strong.sum(axis=0).astype(np.float64), nothing, nothing)}


def _told(name: str, ratio: Ratios) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """(p-values, what each unit leans on, the row of counts) of a difference."""
    known = ~np.isnan(ratio.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(ratio.value == 0, 0.0, np.abs(ratio.value) / ratio.error)
    p = np.array([student_tail(*each) for each in zip(t, ratio.freedom, strict=True)])
    last = cut(p[known])
    told = known & (p <= last)
    one, other = QUESTIONS[name]
    leans = np.where(~known, UNKNOWN, np.where(~told, NEITHER, np.where(ratio.value > 0, one, other)))
    needed = 1 - max(last, FALSE / max(known.sum(), 1)) / 2
    least = (_quantile(needed, ratio) + _quantile(POWER, ratio)) * ratio.error
    row = {
        "question": f"{one} or {other}",
        "first": one,
        "second": other,
        "lean_first": int((leans == one).sum()),
        "lean_second": int((leans == other).sum()),
        NEITHER: int((leans == NEITHER).sum()),
        UNKNOWN: int((~known).sum()),
        "smallest": float(np.median(least[known])) if known.any() else np.nan,
    }
    return p, leans, row


def _quantile(q: float, ratio: Ratios) -> np.ndarray:
    """Student's quantile for each unit; whole degrees of freedom, so that there are few of them."""
    freedom, place = np.unique(np.floor(ratio.freedom), return_inverse=True)
    return np.array([student_quantile(q, each) for each in freedom])[place]
