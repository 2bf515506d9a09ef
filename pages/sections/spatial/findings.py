"""The findings of the spatial probe in one sentence each, computed from the numbers. Pure.

Every number has its 95% interval. Where nothing was seen, the sentence says which difference so many images would have shown
with 80% power.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.core.statistics import Estimate, combination, smallest_like, smallest_share
from pages.common.words import percent, share, shares

Row = Mapping[Any, Any]
ENDS = ("", "_low", "_high")
"""What follows a measure's name in the columns of its value and interval."""


def across(model: str, table: pd.DataFrame, name: str, what: str) -> str:
    """How a curve runs from the first block to the last where it is known, and where it is highest on these images."""
    values = table[name].to_numpy(float)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return ""
    rows = table.to_dict("records")
    begin, end, peak = rows[known[0]], rows[known[-1]], rows[int(np.nanargmax(values))]
    runs = f"{what} {_runs(begin, end, name)} {_value(begin, name)} in block {known[0]} {_joins(begin, end, name)} "
    runs += f"{_value(end, name)} in block {known[-1]}"
    if known[-1] < len(values) - 1:
        runs += ", the last in which it can be measured"
    most = (
        ""
        if peak is begin or peak is end
        else f"; most in block {np.nanargmax(values)}, chosen on the same images: {_value(peak, name)}"
    )
    return f"{model}: {runs}{most}"


WAYS = {1: "learn where they are", -1: "forget where they are", 0: "were not seen to learn or forget their place"}


def places_known(tables: Mapping[str, pd.DataFrame]) -> str:
    """What tokens of one or two models come to know of where they are, block by block, without the numbers."""
    ends = {model: known for model, table in tables.items() if (known := _place_ends(table))}
    ways = {model: WAYS[_direction(*known, "position_r2")] for model, known in ends.items()}
    if len({*ways.values()}) < 2:
        return f"Block by block, tokens of {' and '.join(ways)} {next(iter(ways.values()))}." if ways else ""
    return f"Block by block, tokens of {', those of '.join(f'{model} {way}' for model, way in ways.items())}."


def place_known(model: str, table: pd.DataFrame) -> str:
    """How well the place of a model's tokens is known in the first block and in the last that tell something of it."""
    if (ends := _place_ends(table)) is None:
        return ""
    said = [f"{_value(row, 'position_r2')} in block {int(row['layer'])}" for row in ends]
    could = f" (a change of {smallest_like(_change(*ends, 'position_r2')):.2f} would have been seen)"
    return f"{model}: R² {', '.join(said)}{'' if _direction(*ends, 'position_r2') else could}"


def _place_ends(table: pd.DataFrame) -> tuple[Row, Row] | None:
    from engine.spatial.layers import place_told

    rows = [row for row in place_told(table).to_dict("records") if not np.isnan(row["position_r2"])]
    return (rows[0], rows[-1]) if rows else None


def _direction(begin: Row, end: Row, name: str) -> int:
    """1 where a curve is seen to end higher than it begins, -1 where lower; 0 where neither is seen."""
    change = _change(begin, end, name)
    return int(change.low > 0) - int(change.high < 0)


def _change(begin: Row, end: Row, name: str) -> Estimate:
    ends = [Estimate(*(float(row[f"{name}{part}"]) for part in ENDS)) for row in (begin, end)]
    return combination((1, ends[1]), (-1, ends[0]))


def _runs(begin: Row, end: Row, name: str) -> str:
    return {1: "rises from", -1: "falls from", 0: "is"}[_direction(begin, end, name)]


def _joins(begin: Row, end: Row, name: str) -> str:
    return "to" if _direction(begin, end, name) else "and"


def last_block(model: str, last: Mapping[str, Any], name: str, what: str) -> str:
    """The last block against the mean of the others, with its interval, or what could have been seen."""
    if name not in last:
        return ""
    difference, (low, high) = last[name]["difference"], last[name]["interval"]
    numbers = f"{_signed(difference)}, {_signed(low)} to {_signed(high)}"
    if low <= 0 <= high:
        return (
            f"{model}: no difference in {what} was seen between the last block and the mean of the others ({numbers}); "
            f"one of {last[name]['smallest']:.3f} would have been"
        )
    return f"{model}: {what} is {'higher' if low > 0 else 'lower'} in the last block than on average in the others ({numbers})"


def direction(model: str, table: pd.DataFrame) -> str:
    """Which side units mark on their strongest images, in the first block and in the last."""
    rows = [row for row in table.to_dict("records") if row.get("direction_units", 0) > 0]
    if not rows:
        return ""
    said = [f"{_side(row)} in block {int(row['layer'])}" for row in (rows[0], *rows[1:][-1:])]
    last = rows[-1]
    alone = f"{_shares(last, 'preferring_control')} would by where objects mostly are alone"
    if last["preferring_control"] > 0:
        alone += f", of these {_shares(last, 'object_share_control')} the object"
    return (
        f"{model}: of the units that mark one side, {' and '.join(said)}; {_shares(last, 'preferring')} of the last block's "
        f"units mark one (by chance 2%); {alone}"
    )


def disagreement(model: str, table: pd.DataFrame, last: Mapping[str, Any]) -> str:
    """Whether two measures of how uniform maps are contradict each other: about the last block against the others, or about the
    block that each finds most uniform, where either is seen to put its own above the other's."""
    names = ("map_uniformity", "map_between")
    if any(name not in last or table[name].isna().all() for name in names):
        return ""
    signs = [_sign(last[name]["interval"]) for name in names]
    tops = [table.iloc[int(np.nanargmax(table[name].to_numpy(float)))].to_dict() for name in names]
    means, variance = (int(top["layer"]) for top in tops)
    if signs[0] == signs[1] and means == variance:
        return f"{model}: both measures of uniformity agree: block {means} has the most uniform maps of these images"
    against = [_direction(other, top, name) == 1 for name, top, other in zip(names, tops, reversed(tops), strict=True)]
    apart = signs[0] * signs[1] < 0 or all(against)
    words = {1: "more uniform", -1: "less uniform", 0: "not seen to differ"}
    return (
        f"{model}: the two measures of uniformity {'disagree' if apart else 'were not seen to disagree'}: of these images block "
        f"{means} has the most uniform maps by their means, block {variance} by their variance; against the others, the last "
        f"block's are {words[signs[0]]} by the one and {words[signs[1]]} by the other"
    )


def isolation(model: str, table: pd.DataFrame) -> str:
    """What the paper's isolation leaves when the class token joins in the last block only, and its complement."""
    apart, alone = (table[table.experiment == name].sort_values("index") for name in ("isolation", "cls_only"))
    if len(apart) < 2:
        return ""
    late, early = apart.to_dict("records")[-2], alone.to_dict("records")[-2]
    natural = table[table.experiment == "natural"].to_dict("records")[0]
    return (
        f"{model} reaches {_accuracy(late)} (unmodified: {_accuracy(natural)}) if the class token attends to the patches "
        f"only in the last block, and {_accuracy(early)} if it does so in all blocks but the last"
    )


def heads(model: str, table: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """Class token, single positions and the mean of the patches. The best position is told as what it is worth on images that it
    was not chosen on, from the result's facts."""
    rows = {row["name"]: row for row in table[table.experiment == "heads"].to_dict("records")}
    if not rows:
        return ""
    single = f"a single position classifies {_accuracy(rows['patch_average'])} of images correctly on average"
    best = f"the best one, chosen on the other half of them, {held_out(facts)}"
    own = (
        f"its class token {_accuracy(rows['cls'])}"
        if "cls" in rows
        else f"all of them pooled {_accuracy(rows['patch_mean'])}"
    )
    return f"{model}: {single}, {best}, {own}"


def held_out(facts: Mapping[str, Any]) -> str:
    """What the best position of either half of the images is worth on the other half."""
    low, high = facts["held_out_interval"]
    return shares(facts["held_out"], low, high, digits=1)


def uniform(model: str, table: pd.DataFrame) -> str:
    """What attention in the last block is worth beyond averaging, beside the block where it is worth most on these images."""
    rows = table[(table.experiment == "uniform") & table["head"].isna()].sort_values("index")
    if not len(rows):
        return ""
    ordered = rows.to_dict("records")
    last, most = ordered[-1], min(ordered, key=lambda row: row["difference"])
    found = f"{model}: uniform attention in the last block costs {cost(last)}"
    if last["difference_interval_low"] <= 0 <= last["difference_interval_high"]:
        found = (
            f"{model}: no cost of uniform attention in the last block was seen ({cost(last)}); one of "
            f"{points(last['smallest'])} would have been"
        )
    return f"{found}; in block {int(most['index'])}, where it costs most (chosen on the same images), {cost(most)}"


def attention(model: str, table: pd.DataFrame) -> str:
    """How near to uniform the last block's attention is, beside the others'."""
    if not len(table):
        return ""
    # The interval of a mean over heads is at most as wide as the mean of theirs, since all look at the same images.
    mean = table.groupby("block")[["entropy", "entropy_low", "entropy_high"]].mean()
    last, others = mean.iloc[-1], mean.iloc[:-1].mean()
    return (
        f"{model}: attention entropy in the last block is {_shares(last, 'entropy')} of that of uniform attention, in the "
        f"others {_shares(others, 'entropy')}"
    )


def moved(model: str, kind: str, rows: pd.DataFrame, name: str) -> str:
    """How maps or means follow one kind of move, in the first block and in the last."""
    first, last = rows.to_dict("records")[0], rows.to_dict("records")[-1]
    return f"{model}, {kind}: {_value(first, name)} in the first block, {_value(last, name)} in the last"


def joined(parts: list[str]) -> str:
    """Sentences about one or two models as one line."""
    said = [part for part in parts if part]
    return "; ".join(said) + "." if said else ""


def cost(row: Row) -> str:
    """What a change costs, with its interval, in percentage points."""
    low, high = -row["difference_interval_high"], -row["difference_interval_low"]
    return f"{points(-row['difference'])} ({_rounded(low)} to {_rounded(high)})"


def points(value: float) -> str:
    """A difference of shares in percentage points."""
    return f"{_rounded(value)} points"


def _side(row: Row) -> str:
    """The side that most units with a direction mark; where that could be chance, what could have been seen."""
    value, low, high = (row[f"object_share{end}"] for end in ENDS)
    numbers = f"{share(value)} mark the object ({percent(low)} to {share(high)})"
    if low <= 0.5 <= high:
        seen = smallest_share(0.5, row["direction_units"])
        return f"{numbers}, not seen to differ from half (from {share(seen)} on it would have been)"
    return (
        numbers if value > 0.5 else f"{share(1 - value)} mark the background ({percent(1 - high)} to {share(1 - low)})"
    )


def _sign(interval: list[float]) -> int:
    return 1 if interval[0] > 0 else -1 if interval[1] < 0 else 0


def _value(row: Row, name: str) -> str:
    """A number and its interval: 0.90 (0.89 to 0.91)."""
    return f"{row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})".replace("-", "−")


def _shares(row: Row | pd.Series, name: str) -> str:
    return shares(*(row[f"{name}{end}"] for end in ENDS))


def _accuracy(row: Row) -> str:
    return shares(row["top1"], row["interval_low"], row["interval_high"], digits=1)


def _rounded(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:.1f}".replace("-", "−")  # never minus nothing


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
