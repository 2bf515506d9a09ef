"""What the last layer's probes saw, as tables, an array and facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from engine.experiment import Result
from engine.spatial import attention
from engine.spatial.blocks import Stack
from engine.spatial.probes import Probes
from engine.statistics import bootstrap_interval


def result_of(probes: Probes, done: int, classes: int) -> Result:
    """What `probes` saw on `done` images of a model that answers with so many classes, as `LastLayerRequest` says."""
    rows = [{"experiment": "natural", "name": "natural", **_flat(probes.answers.accuracy("natural"))}]
    for name in ("cls", "patch_mean", "all_mean"):
        if name in probes.answers:
            rows.append({"experiment": "heads", "name": name, **_flat(probes.answers.accuracy(name, "natural"))})
    arrays, facts = {}, {}
    if probes.positions is not None and probes.readout is not None:
        grid, best = probes.readout.grid, probes.positions.maximum()
        facts = {"best_position": divmod(best.pop("position"), grid.width), "held_out": best.pop("held_out")}
        rows.append({"experiment": "heads", "name": "patch_average", **_flat(probes.positions.average())})
        rows.append({"experiment": "heads", "name": "patch_maximum", **_flat(best)})
        arrays["position_accuracy"] = probes.positions.map().reshape(2, grid.height, grid.width).astype(np.float32)
    for what in ("isolation", "cls_only", "uniform"):
        for condition in _conditions(probes, what):
            index, *head = map(int, condition.split()[1:])
            place: Mapping[str, Any] = {"experiment": what, "index": index, "head": head[0] if head else None}
            rows.append({**place, "name": condition, **_flat(probes.answers.accuracy(condition, "natural"))})
    table = pd.DataFrame(rows)
    for column in ("index", "head"):
        table[column] = table.get(column, pd.Series(np.nan, table.index)).astype(float)
    evaluations = {} if probes.stack is None else evaluations_of(probes.stack)
    facts |= {"images": done, "missing": [*probes.missing], "evaluations": evaluations, "chance": 1 / classes}
    facts["watched"] = min(done, probes.images) and sum(len(each) for each in next(iter(probes.seen.values()), []))
    return Result({}, arrays, {"accuracy": table, "attention": _attention_table(probes)}, facts)


def _conditions(probes: Probes, what: str) -> list[str]:
    blocks = len(probes.stack.blocks if probes.stack else probes.attentions)
    heads = attention.heads_of(probes.attentions[-1]) if probes.attentions else 0
    names = [f"{what} {index}" for index in range(blocks + 1)]
    names += [f"{what} {len(probes.attentions) - 1} {head}" for head in range(heads)]
    return [name for name in names if name in probes.answers]


def evaluations_of(stack: Stack) -> dict[str, Any]:
    """Block evaluations for each image, by kind, and what one pass for each L would need of patches alone."""
    batches = stack.evaluations["natural"] / len(stack.blocks)
    counted = {kind: round(count / batches) for kind, count in stack.evaluations.items()}
    depth = len(stack.blocks)
    return {**counted, "patches alone, one pass for each L": depth * (depth - 1) // 2}


def _attention_table(probes: Probes) -> pd.DataFrame:
    rows = []
    for (block, head), parts in sorted(probes.seen.items()):
        values = torch.cat(parts).double().numpy()
        row: dict[str, Any] = {"block": block, "head": head, "n": len(values)}
        for column, name in enumerate(("entropy", "distance", "cls_entropy")):
            if np.isnan(values[:, column]).any():
                continue
            low, high = bootstrap_interval(values[:, column])
            row |= {name: values[:, column].mean(), f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["block", "head", "n", "entropy", "distance"])


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    """Intervals as two columns each."""
    flat = {}
    for name, value in found.items():
        if isinstance(value, list):
            flat |= {f"{name}_low": value[0], f"{name}_high": value[1]}
        else:
            flat[name] = value
    return flat
