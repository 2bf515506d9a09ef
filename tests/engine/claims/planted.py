"""Results with planted numbers, for a ViT, a CNN and a CLIP that there are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.claims.subject import Subject
from engine.core.request import Result

SUBJECT = Subject("vit", "cnn", "clip", "somewhere")
BOTH = {"vit": frozenset({"attn.query", "mlp.hidden", "head.logits"}), "cnn": frozenset({"stage.block", "head.logits"})}
ROLES = {**BOTH, "clip": frozenset({"attn.query", "head.embedding"})}


def rows(values: Sequence[float], name: str, reach: float = 0.01) -> list[dict[str, float]]:
    """Rows of a table with this column, and intervals of this reach."""
    return [{name: value, f"{name}_low": value - reach, f"{name}_high": value + reach} for value in values]


def layers(name: str, values: Sequence[float], reach: float = 0.01, last: Any = None) -> Result:
    """Curves over the depth: one measurement, the other claims' being unknown."""
    table = pd.DataFrame(rows(values, name, reach))
    table["depth"] = (np.arange(len(table)) + 1) / len(table)
    return Result({}, tables={"layers": table}, facts={"last": last or {}})


def last_layer(natural: float, isolated: float, patch: float, cost: float, reach: float = 0.01) -> Result:
    """Accuracies of a network of four blocks."""

    def row(experiment: str, name: str, top1: float, index: float = np.nan) -> dict[str, Any]:
        ends = {"interval_low": top1 - reach, "interval_high": top1 + reach}
        apart = {
            "difference": -cost,
            "difference_interval_low": -cost - reach,
            "difference_interval_high": -cost + reach,
        }
        return {"experiment": experiment, "name": name, "index": index, "head": np.nan, "top1": top1, **ends, **apart}

    table = [row("natural", "natural", natural), row("heads", "patch_average", patch)]
    table += [row("isolation", f"isolation {n}", isolated if n == 3 else natural, n) for n in range(5)]
    table += [row("uniform", f"uniform {n}", natural - cost, n) for n in range(4)]
    return Result({}, tables={"accuracy": pd.DataFrame(table)}, facts={"missing": []})


def explained(
    hidden: float,
    query: float,
    key: float,
    value: float,
    units: int = 40,
    *,
    top: float = 0.9,
    common: Mapping[str, float] | None = None,
) -> Result:
    """How often an observer is right (of 16), unit by unit, with a little scatter; `top`: shown top images; `common`: shown
    another unit's picture, by role (else half)."""
    draws, table = np.random.default_rng(0), []
    for role, share in (("mlp.hidden", hidden), ("attn.query", query), ("attn.key", key), ("attn.value", value)):
        for way, mean in (("fast", share), ("fast of another unit", (common or {}).get(role, 0.5))):
            right = np.clip(mean + draws.normal(0, 0.05 if way == "fast" else 0, units), 0, 1)
            table += [
                {"site": f"blocks.2.{role}", "unit": n, "shown": way, "accuracy": each, "trials": 16}
                for n, each in enumerate(right)
            ]
    table += [{**row, "shown": "top images", "accuracy": top} for row in table if row["shown"] == "fast"]
    return Result({}, tables={"units": pd.DataFrame(table)}, facts={"observer": "cnn"})


def answers(
    model: str, right: dict[str, float], names: Sequence[tuple[str, ...]], lives: float | None = None
) -> Result:
    """Answers to 400 images under variants: so many of each are right, always the first ones. `lives`: so many of them are of a
    kind that lives at the place shown."""
    n = 400
    top = np.ones((n, len(names), 5), np.int32)
    for place, (name, *_) in enumerate(names):
        top[: round(right[name] * n), place, 0] = 0
    arrays = {
        "images": np.arange(n),
        "labels": np.zeros(n, np.int32),
        "top": top,
        "loss": np.ones((n, len(names)), np.float32),
    }
    if lives is not None:
        arrays["lives"] = np.repeat((np.arange(n) < lives * n)[:, None], len(names), axis=1)
    return Result({"model": model, "data": "somewhere"}, arrays, facts={"variants": [list(each) for each in names]})


def purity(share: float, directions: float, reach: float = 0.02) -> Result:
    """The share of all units that follow a concept."""
    row = {**rows([share], "beyond_likeness", reach)[0], **rows([directions], "directions", reach)[0], "twin": np.nan}
    return Result({}, tables={"overall": pd.DataFrame([row])})
