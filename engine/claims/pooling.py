"""The last layer pools: global information in every patch, and a class token that needs the others there only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from engine.claims.claim import UNTOLD, Claim, Part, Results, Verdict, judged, percent, points, sign
from engine.claims.figure import curve, named, together
from engine.claims.position import by_layer
from engine.claims.subject import Subject, no_answers, no_transformer
from engine.core.request import build
from engine.core.statistics import Estimate, combination
from engine.figures.chart import DEPTH, Chart
from engine.spatial.last import LastLayerRequest

MOST = 0.5
"""Of the accuracy of the model as it is: what a class token kept apart, or a single patch, keeps is most from here on."""
LITTLE = 0.1
"""Of the same: what averaging in place of attention may cost to count as little."""

NAMES = {
    "isolation": "class token apart",
    "patch": "from a single patch",
    "uniform": "last attention averages",
}


@dataclass(frozen=True)
class _Row:
    """One part of the claim: what is done to the model, how it is said, and whether the claim is seen to hold of it."""

    name: str
    label: str
    found: Estimate
    so: bool | None


def missing(subject: Subject) -> str:
    if why := no_transformer(subject):
        return why
    return no_answers(subject.vit[1], subject.data) if subject.vit else ""


def parts(subject: Subject) -> Sequence[Part]:
    """Without classes what is left is how uniform the maps of the last block are."""
    if subject.vit is None:
        return []
    side, model = subject.vit
    if missing(subject):
        return [part for part in by_layer(subject) if part.side == side]
    return [Part(side, f"The last layer of {model}", build(LastLayerRequest, model=model, data=subject.data))]


def tell(subject: Subject, results: Results) -> Verdict:
    """What is left of the accuracy when the class token is kept apart from the patches until the last block, from a single patch,
    and when the last block's attention only averages."""
    if subject.vit is None:
        return Verdict(UNTOLD, "No model here has attention.")
    side, model = subject.vit
    if (name := f"spatial-last-{side}") not in results:
        return _uniform_maps(model, results[f"spatial-layers-{side}"].facts["last"])
    table = results[name].tables["accuracy"]
    if not len(table):
        return Verdict(UNTOLD, " ".join(results[name].facts["missing"]))
    rows, natural = _rows(table)
    if not rows:
        return Verdict(UNTOLD, f"{model} cannot be taken apart: {' '.join(results[name].facts['missing'])}")
    first = rows[0]
    said = "; ".join(f"{row.label} {percent(row.found)}" for row in rows)
    sentence = f"{model} classifies {percent(natural)} correctly as it is; {said}."
    return Verdict(
        judged([row.so for row in rows]), sentence, first.found, f"top-1, {first.label}", percent(first.found)
    )


def _rows(table: pd.DataFrame) -> tuple[list[_Row], Estimate]:
    """The claim's parts that are known, and the accuracy of the model as it is."""
    records = table.to_dict("records")
    natural = _accuracy(next(row for row in records if row["experiment"] == "natural"))
    rows = []
    apart = sorted((row for row in records if row["experiment"] == "isolation"), key=lambda row: row["index"])
    if len(apart) > 2:
        found = _accuracy(apart[-2])
        rows.append(
            _Row("isolation", "with its class token kept apart until the last block", found, _at_least(found, natural))
        )
    if single := next((row for row in records if row["name"] == "patch_average"), None):
        found = _accuracy(single)
        rows.append(_Row("patch", "from a single patch, on average,", found, _at_least(found, natural)))
    means = sorted(
        (row for row in records if row["experiment"] == "uniform" and row["head"] != row["head"]),
        key=lambda row: row["index"],
    )
    if means:
        cost = sign(combination((LITTLE, natural), (1, interval_of(means[-1]))))
        rows.append(_Row("uniform", "with the last block's attention averaging", _accuracy(means[-1]), cost))
    return rows, natural


def interval_of(row: dict[Any, Any]) -> Estimate:
    """What a change makes of the accuracy: below zero where it costs some."""
    return Estimate(
        *(float(row[name]) for name in ("difference", "difference_interval_low", "difference_interval_high"))
    )


def _at_least(found: Estimate, natural: Estimate) -> bool | None:
    return sign(combination((1, found), (-MOST, natural)))


def _accuracy(row: dict[Any, Any]) -> Estimate:
    return Estimate(*(float(row[name]) for name in ("top1", "interval_low", "interval_high")))


def _uniform_maps(model: str, last: dict[str, Any]) -> Verdict:
    """What is known of the last block where no answer is: whether its maps are flatter than those before."""
    if "map_between" not in last:
        return Verdict(UNTOLD, "nothing about the last block's maps.")
    found = Estimate(last["map_between"]["difference"], *last["map_between"]["interval"])
    told = {True: "flatter than", False: "less flat than", None: "not seen to differ from"}[sign(found)]
    could = (
        f"; one of {100 * last['map_between']['smallest']:.1f} points would have been" if sign(found) is None else ""
    )
    sentence = (
        f"the maps of {model}'s last block are {told} those before: {points(found)} of the units' variance{could}."
    )
    return Verdict(UNTOLD, sentence, found, "of variance between images, last block minus the others", points(found))


def figure(subject: Subject, results: Results) -> Chart | None:
    if subject.vit is None:
        return None
    side, model = subject.vit
    if (last := results.get(f"spatial-last-{side}")) is not None and len(last.tables["accuracy"]):
        rows, natural = _rows(last.tables["accuracy"])
        values = {"as it is": natural} | {NAMES[row.name]: row.found for row in rows}
        series = tuple(named(name, side, {"": value}) for name, value in values.items())
        note = "Top-1 accuracy of the model's own head, not trained again. Whiskers: 95% intervals."
        return Chart("dots", series, "right answers", share=True, caption=note)
    if (layers := results.get(f"spatial-layers-{side}")) is not None:
        rows = layers.tables["layers"].to_dict("records")
        line = together([curve(model, side, rows, "depth", "map_between")])
        note = "At 100% every map is flat. Band: 95% interval over images."
        what = "share of a unit's variance between images"
        return Chart("lines", line, DEPTH, what, share=True, caption=note) if line else None
    return None


CLAIM = Claim(
    "pooling",
    "The last layer pools",
    "In the last layer every patch holds information about the whole image: attention there does little but average, and "
    "the class token needs the patches only there.",
    "Section 4, Table 1, Figure 5",
    "of ViT-B16's 84.20% top-1, 78.61% are left with the class token kept apart until the last block; 75.75% from a single "
    "patch on average (best patch 80.16%)",
    "Top-1 accuracy, the model's own head, not trained again. It holds where the class token kept apart and a single patch "
    "each keep more than half of the accuracy, and averaging in place of the last block's attention costs less than a "
    "tenth of it.",
    missing,
    parts,
    tell,
    figure,
)
