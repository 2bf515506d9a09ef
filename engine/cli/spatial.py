"""`spatial`: how spatial information is preserved through the layers, and what the last layer does to it."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from engine.cli.answer import Answer, table
from engine.cli.asking import ask, data_name
from engine.cli.rows import left_out, skipped
from engine.core.request import Result, build
from engine.spatial.last import LastLayerRequest
from engine.spatial.layers import CURVES, LayersRequest
from engine.spatial.moves import MovesRequest
from engine.spatial.strongest import SIDES

MEASURED = (*CURVES, *SIDES)
TOLD = (*CURVES, "object_share", "preferring")
"""Of these, what the text shows; all of them are in the JSON."""
MOVED = 128
"""Images that are shifted and rotated by default: each takes five more passes."""


def spatial(arguments: Namespace) -> Answer:
    """The curves over the depth, the heads, class token isolation and uniform attention, and shifted and rotated images.

    A model without the data set's classes has the curves only, and `missing` says so.
    """
    data, most = data_name(arguments.data), arguments.images
    layers, _ = ask(build(LayersRequest, model=arguments.model, data=data, images=most))
    moves, _ = ask(build(MovesRequest, model=arguments.model, data=data, images=min(most or MOVED, MOVED)))
    facts = {
        "model": arguments.model,
        "data": arguments.data,
        "images": layers.facts["images"],
        "device": layers.facts["device"],
        "precision": layers.precision,
        "seconds": {"layers": layers.facts["seconds"], "moves": moves.facts["seconds"]},
        "layers": [_layer(row) for row in layers.tables["layers"].to_dict("records")],
        "last_against_others": layers.facts["last"],
        "moves": moves.tables["moves"].to_dict("records"),
        "missing": [*layers.facts["missing"]],
    }
    last, _ = ask(build(LastLayerRequest, model=arguments.model, data=data, images=most))
    facts["seconds"]["last"] = last.facts["seconds"]
    facts["missing"] += last.facts["missing"]
    facts["skipped"] = skipped([last, layers, moves])
    if len(last.tables["accuracy"]):
        facts |= _last(last)
    return Answer(facts, _text(facts))


def _layer(row: Mapping[Any, Any]) -> dict[str, Any]:
    intervals = {name: _interval(row, name) for name in MEASURED}
    rest = {name: value for name, value in row.items() if not str(name).endswith(("_low", "_high"))}
    return {**rest, "intervals": intervals}


def _last(result: Result) -> dict[str, Any]:
    rows = result.tables["accuracy"].to_dict("records")

    def of(experiment: str) -> Iterable[dict[Any, Any]]:
        return (row for row in rows if row["experiment"] == experiment)

    whole = [row for row in of("uniform") if row["head"] != row["head"]]  # no number: all heads
    single = [row for row in of("uniform") if row["head"] == row["head"]]
    return {
        "natural": _accuracy(next(iter(of("natural")))),
        "heads": {row["name"]: _accuracy(row) for row in of("heads")},
        "isolation": [{"isolated": int(row["index"]), **_accuracy(row)} for row in of("isolation")],
        "cls_only": [{"after": int(row["index"]), **_accuracy(row)} for row in of("cls_only")],
        "uniform_attention": [{"block": int(row["index"]), **_accuracy(row)} for row in whole],
        "uniform_heads": [
            {"block": int(row["index"]), "head": int(row["head"]), **_accuracy(row)} for row in single
        ],
        "attention": result.tables["attention"].to_dict("records"),
        "position_accuracy": result.arrays["position_accuracy"][0] if result.arrays else None,
        **{name: result.facts[name] for name in ("best_position", "held_out", "held_out_interval") if name in result.facts},
        "chance": result.facts["chance"],
        "evaluations": result.facts["evaluations"],
    }  # fmt: skip


def _accuracy(row: Mapping[Any, Any]) -> dict[str, Any]:
    """One row of the table with its intervals as pairs."""
    facts = {name: row[name] for name in ("top1", "top5", "n")}
    facts |= {name: _interval(row, name) for name in ("interval", "interval5")}
    if not math.isnan(row.get("difference", math.nan)):
        facts |= {"difference": row["difference"], "difference_interval": _interval(row, "difference_interval")}
        facts["smallest"] = row["smallest"]
    return facts


def _interval(row: Mapping[Any, Any], name: str) -> list[float]:
    return [row[f"{name}_low"], row[f"{name}_high"]]


def _within(row: Mapping[str, Any], name: str) -> str:
    """A number of a layer with its interval."""
    low, high = row["intervals"][name]
    return f"{row[name]:.3f} ({low:.3f} to {high:.3f})" if not math.isnan(row[name]) else "-"


def _text(facts: dict[str, Any]) -> str:
    """Tables as text: the curves, then all accuracies."""
    curves = [(row["site"], *(_within(row, name) for name in TOLD)) for row in facts["layers"]]
    parts = [table(("layer, 95% intervals", *TOLD), curves)]
    apart = facts["last_against_others"].items()
    rows = [(name, each["difference"], *each["interval"], each["smallest"]) for name, each in apart]
    parts.append(table(("last block minus the mean of the others", "difference", "from", "to", "seen from"), rows))
    rows = [("unmodified", facts["natural"])] if "natural" in facts else []
    rows += [(f"head on {name}", row) for name, row in facts.get("heads", {}).items()]
    rows += [(f"class token isolated for {row['isolated']} blocks", row) for row in facts.get("isolation", ())]
    rows += [(f"class token alone after {row['after']} blocks", row) for row in facts.get("cls_only", ())]
    rows += [(f"uniform attention in block {row['block']}", row) for row in facts.get("uniform_attention", ())]
    rows += [(f"... only in head {row['head']}", row) for row in facts.get("uniform_heads", ())]
    if rows:
        cells = [(name, row["top1"], *row["interval"], row["top5"], row["n"]) for name, row in rows]
        parts.append(table(("accuracy", "top1", "from", "to", "top5", "images"), cells))
    return "\n\n".join([*parts, *facts["missing"], *left_out(facts["skipped"])])
