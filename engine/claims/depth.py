"""Patterns first, objects later: what units respond to through the depth."""

from __future__ import annotations

from collections.abc import Sequence

from engine.claims.claim import (
    HOLDS,
    PARTLY,
    UNTOLD,
    Claim,
    Part,
    Results,
    Verdict,
    interval,
    judged,
    percent,
    plain,
    sign,
)
from engine.claims.figure import curve, together
from engine.claims.position import by_layer
from engine.claims.subject import Subject, no_transformer, not_known
from engine.core.statistics import Estimate, combination, smallest_like
from engine.figures.chart import DEPTH, Chart, Level

MEASURE = "localisation_strongest"
SIDE = "object_share"
BANDS = "Median over units; bands: 95% intervals over images."


def missing(subject: Subject) -> str:
    if lacking := not_known(subject.data, "masks", "boxes"):
        return f"{lacking[:-1]}, so it is not known where an object is."
    return no_transformer(subject)


def parts(subject: Subject) -> Sequence[Part]:
    return [] if missing(subject) else by_layer(subject)


def tell(subject: Subject, results: Results) -> Verdict:
    """How well units' maps tell object from background on the images that excite them, last block less first; the claim says
    that it grows, in ViTs as in CNNs. Maps that are bright beside the object tell the two apart as well, so which of them the
    last block's units mark, beyond where objects mostly are, counts too."""
    changes: dict[str, Estimate] = {}
    sides: dict[str, Estimate] = {}
    for side, model in subject.sides.items():
        rows = results[f"spatial-layers-{side}"].tables["layers"].to_dict("records")
        known = [interval(row, MEASURE) for row in rows if row[MEASURE] == row[MEASURE]]
        if len(known) > 1:
            changes[model] = combination((1, known[-1]), (-1, known[0]))
        if rows and rows[-1].get("direction_units", 0) > 0:
            sides[model] = interval(rows[-1], SIDE)
    vit = subject.vit[1] if subject.vit else ""
    if vit not in changes:
        return Verdict(UNTOLD, f"Too few images of “{subject.data}” have positions both on and off their object.")
    word = judged([sign(change) for change in changes.values()])
    if word == HOLDS and not all(_object(found) for found in sides.values()):
        word = PARTLY
    told = [_said(model, change) for model, change in changes.items()]
    told += [_marked(model, found) for model, found in sides.items()]
    of = "AUROC of maps against objects, last block minus first"
    return Verdict(word, f"{'; '.join(told)}.", changes[vit], of, plain(changes[vit], 2, True))


def _said(model: str, change: Estimate) -> str:
    if sign(change) is None:
        return (
            f"no change from {model}'s first block to its last was seen ({plain(change, 2, True)}; one of "
            f"{smallest_like(change):.2f} would have been)"
        )
    how = "better" if change.value > 0 else "worse"
    return f"{model}'s units tell object from background {how} in the last block than in the first ({plain(change, 2, True)})"


def _object(share: Estimate) -> bool | None:
    """Whether most units that mark one side mark the object; None where that is not seen."""
    return sign(combination((1, share), (-1, Estimate(0.5, 0.5, 0.5))))


def _marked(model: str, share: Estimate) -> str:
    of = f"of the units of {model}'s last block that mark one side"
    if _object(share) is False:
        return f"{of}, {percent(Estimate(1 - share.value, 1 - share.high, 1 - share.low))} mark the background, not the object"
    return f"{of}, {percent(share)} mark the object"


def figure(subject: Subject, results: Results) -> Chart | None:
    lines = together(
        [
            curve(model, side, results[name].tables["layers"].to_dict("records"), "depth", MEASURE)
            for side, model in subject.sides.items()
            if (name := f"spatial-layers-{side}") in results
        ]
    )
    what = "object against background (AUROC)"
    chance = (Level(0.5, "chance"),)
    return Chart("lines", lines, DEPTH, what, levels=chance, caption=BANDS) if lines else None


CLAIM = Claim(
    "depth",
    "Patterns first, objects later",
    "Early units respond to edges, colours and textures, middle ones to parts, deep ones to whole objects; in ViTs as in CNNs.",
    "Section 5, Figures 1 and 6",
    "no number: pictures of units, layer by layer",
    "How well a unit's map separates the object from the rest on the ten images that excite it most (AUROC, median over "
    "units), last block less first. It holds where both models rise and most of the last block's units that mark one side mark "
    "the object; where they mark the background, in part at most. A unit marks a side where its map separates its own image's "
    "object better, or worse, than the objects of other images, on nine of the ten.",
    missing,
    parts,
    tell,
    figure,
)
