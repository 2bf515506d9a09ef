"""Patches keep their position until the last layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from engine.claims.claim import (
    FAILS,
    HOLDS,
    PARTLY,
    UNTOLD,
    Claim,
    Part,
    Results,
    Verdict,
    interval,
    plain,
    sign,
)
from engine.claims.figure import curve, together
from engine.claims.subject import Subject, no_transformer
from engine.core.request import build
from engine.core.statistics import Estimate, combination, smallest_like
from engine.figures.chart import DEPTH, Chart
from engine.spatial.layers import LayersRequest, place_told

FEWEST = 3
"""Blocks that a network needs for a last one, one before it, and some before that."""


def parts(subject: Subject) -> Sequence[Part]:
    return [] if no_transformer(subject) else by_layer(subject)


def by_layer(subject: Subject) -> list[Part]:
    """What each model's layers hold, for every claim that asks it."""
    return [
        Part(side, f"Position by layer of {model}", build(LayersRequest, model=model, data=subject.data))
        for side, model in subject.sides.items()
    ]


def tell(subject: Subject, results: Results) -> Verdict:
    """How much of the position that a token's features tell (R² of a ridge regression) is lost in the last block, and how much in
    the blocks before it."""
    if subject.vit is None:
        return Verdict(UNTOLD, "No model here has patches as tokens.")
    side, model = subject.vit
    table = results[f"spatial-layers-{side}"].tables["layers"]
    rows = table.to_dict("records")
    known = [_from_zero(interval(row, "position_r2")) for row in rows if row["position_r2"] == row["position_r2"]]
    if len(known) < FEWEST:
        return Verdict(
            UNTOLD, f"{model} has too few blocks whose position is known: {len(known)}; {FEWEST} are needed."
        )
    first, before, last = known[0], known[-2], known[-1]
    late, early, steps = combination((1, before), (-1, last)), combination((1, first), (-1, before)), len(known) - 2
    more = combination((1 + 1 / steps, before), (-1, last), (-1 / steps, first))
    mostly = combination((2, before), (-1, last), (-1, first))
    word = (HOLDS if sign(mostly) else PARTLY) if sign(more) else UNTOLD if sign(more) is None else FAILS
    run = (
        f"In {model}, what a patch knows of its position (R²) goes from {plain(first)} in the first block to {plain(before)} "
        "before the last"
    )
    sentence = f"{run} and {plain(last)} after it: {_said(word, late, early, more, mostly)}"
    return Verdict(word, sentence, late, "R² lost in the last block", plain(late))


def _from_zero(found: Estimate) -> Estimate:
    """Below zero a regression tells nothing of the place, and there is no less than nothing to lose."""
    return Estimate(*(max(0.0, each) for each in found))


def _said(word: str, late: Estimate, early: Estimate, more: Estimate, mostly: Estimate) -> str:
    """`more`, `mostly`: the last block's loss less the mean of the earlier ones, and less all of them together."""
    if word == HOLDS:
        return "most of the loss is the last block's."
    if word == PARTLY:
        run = "the last block takes more than any other does on average"
        if sign(mostly) is False:
            return f"{run}, but the others take {plain(early)} together."
        return (
            f"{run}; whether more than all others together ({plain(early)}) is not seen, {smallest_like(mostly):.2f} more "
            "would have been, in 80% of samples."
        )
    if word == FAILS:
        return f"the last block takes {plain(late)}, no more than the blocks before it do on average."
    return (
        f"the last block is not seen to take more than those before it do on average ({plain(more, 2, True)}); "
        f"{smallest_like(more):.2f} more would have been, in 80% of samples."
    )


def figure(subject: Subject, results: Results) -> Chart | None:
    lines = together(
        [
            curve(model, side, _told(results[name].tables["layers"]), "depth", "position_r2")
            for side, model in subject.sides.items()
            if (name := f"spatial-layers-{side}") in results
        ]
    )
    caption = "Blocks below 0, which tell nothing, are left out. Bands: 95% intervals over images."
    return (
        Chart("lines", lines, DEPTH, "position read from a patch (R²)", span=(0.0, 1.0), caption=caption)
        if lines
        else None
    )


def _told(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """The blocks that tell something of the place, their intervals from zero on."""
    return place_told(table).assign(position_r2_low=table["position_r2_low"].clip(lower=0)).to_dict("records")


CLAIM = Claim(
    "position",
    "Patches keep their position until the last layer",
    "In all layers but the last, what a patch token holds belongs to its place in the image, like a saliency map; in the "
    "last layer that is gone.",
    "Section 4, Figures 2 and 7",
    "no number in the main text: maps of single units",
    "How well a patch's row and column can be read from its token (R², fitted on half of the images, scored on the "
    "others). It holds where the last block is seen to lose more than all before it together; in part where it is seen to "
    "lose more than one of them on average.",
    no_transformer,
    parts,
    tell,
    figure,
)
