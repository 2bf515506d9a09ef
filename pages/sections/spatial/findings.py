"""The findings of the spatial probe in one sentence each, computed from the numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pages.common.words import share


def across(model: str, table: pd.DataFrame, name: str, what: str) -> str:
    """How a curve runs from the first block to the last where it is known, and where it is highest."""
    values = table[name].to_numpy(float)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return ""
    peak, final = int(np.nanargmax(values)), int(known[-1])
    ends = f"{what} from {values[known[0]]:.2f} to {values[final]:.2f}"
    if final < len(values) - 1:
        ends += f" (block {final}, the last in which it can be measured)"
    return f"{model}: {ends}, maximum ({values[peak]:.2f}) in block {peak} of 0 to {len(values) - 1}"


def last_block(model: str, last: Mapping[str, Any], name: str, what: str) -> str:
    """The last block against the mean of the others, with its interval."""
    if name not in last:
        return ""
    difference, (low, high) = last[name]["difference"], last[name]["interval"]
    told = (
        f"significantly higher {what} than"
        if low > 0
        else f"significantly lower {what} than"
        if high < 0
        else f"{what} "
    )
    "that is not significantly different from"
    return (
        f"{model}'s last block has {told} its other blocks ({_signed(difference)}, {_signed(low)} to {_signed(high)})"
    )


def isolation(model: str, table: pd.DataFrame) -> str:
    """What the paper's isolation leaves when the class token joins in the last block only, and its complement."""
    apart, alone = (table[table.experiment == name].sort_values("index") for name in ("isolation", "cls_only"))
    if len(apart) < 2:
        return ""
    late, early = apart.iloc[-2], alone.iloc[-2]
    natural = float(table[table.experiment == "natural"].top1.iloc[0])
    return (
        f"{model} reaches {share(late.top1, 1)} (unmodified: {share(natural, 1)}) if the class token attends to the patches "
        f"only in the last block, and {share(early.top1, 1)} if it does so in all blocks but the last"
    )


def heads(model: str, table: pd.DataFrame) -> str:
    """Class token, single positions and the mean of the patches."""
    top1 = table[table.experiment == "heads"].set_index("name")["top1"]
    if not len(top1):
        return ""
    single = f"a single position classifies {share(top1['patch_average'], 1)} of images correctly on average"
    best = f"the best one {share(top1['patch_maximum'], 1)}"
    own = (
        f"its class token {share(top1['cls'], 1)}"
        if "cls" in top1
        else f"all of them pooled {share(top1['patch_mean'], 1)}"
    )
    return f"{model}: {single}, {best}, {own}"


def uniform(model: str, table: pd.DataFrame) -> str:
    """What attention in the last block is worth beyond averaging, beside the block where it is worth most."""
    rows = table[(table.experiment == "uniform") & table["head"].isna()].sort_values("index")
    if not len(rows):
        return ""
    ordered = rows.to_dict("records")
    last, most = ordered[-1], min(ordered, key=lambda row: row["difference"])
    low, high = last["difference_interval_low"], last["difference_interval_high"]
    loses = "has no significant cost" if low <= 0 <= high else f"costs {points(-last['difference'])}"
    return (
        f"{model}: uniform attention in the last block {loses} (95%: {points(-high)} to {points(-low)}); "
        f"in block {int(most['index'])} it costs {points(-most['difference'])}"
    )


def attention(model: str, table: pd.DataFrame) -> str:
    """How near to uniform the last block's attention is, beside the others'."""
    if not len(table):
        return ""
    mean = table.groupby("block")["entropy"].mean()
    others = share(float(mean.iloc[:-1].mean()))
    return (
        f"{model}: attention entropy in the last block is {share(float(mean.iloc[-1]))} of that of uniform attention, in "
        f"the others {others}"
    )


def joined(parts: list[str]) -> str:
    """Sentences about one or two models as one line."""
    said = [part for part in parts if part]
    return "; ".join(said) + "." if said else ""


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def points(value: float) -> str:
    """A difference of shares in percentage points."""
    rounded = round(100 * value, 1) + 0.0  # never minus nothing
    return f"{rounded:.1f} points".replace("-", "−")
