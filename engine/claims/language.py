"""Language supervision gives units of abstract concepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.claims.claim import (
    FAILS,
    HOLDS,
    PARTLY,
    UNTOLD,
    Claim,
    Part,
    Results,
    Side,
    Verdict,
    interval,
    percent,
    points,
    sign,
    unseen,
)
from engine.claims.figure import named
from engine.claims.subject import Subject, has, not_known
from engine.concepts.purity.compare import difference
from engine.concepts.purity.request import PurityRequest
from engine.concepts.purity.shares import HEADLINE
from engine.core.request import Result, build
from engine.core.statistics import Estimate
from engine.figures.chart import Chart


def missing(subject: Subject) -> str:
    if not subject.clip:
        return (
            "This claim is about models trained with language, and no CLIP is chosen here. Choose one to compare with."
        )
    if not has(subject.clip, "text"):
        return f"{subject.clip} has no text tower, so it was not trained with language as a CLIP is."
    if subject.vit is None:
        return "Neither model is a vision transformer to compare the CLIP with."
    if has(subject.vit[1], "text"):
        return f"{subject.vit[1]} has a text tower too: a model trained with labels is needed to compare with."
    return not_known(subject.data, "tags")


def parts(subject: Subject) -> Sequence[Part]:
    if missing(subject) or subject.vit is None:
        return []
    side, model = subject.vit
    return [
        Part(
            "c",
            f"Units that follow a concept, {subject.clip}",
            build(PurityRequest, model=subject.clip, data=subject.data),
        ),
        Part(side, f"Units that follow a concept, {model}", build(PurityRequest, model=model, data=subject.data)),
    ]


def tell(subject: Subject, results: Results) -> Verdict:
    """The share of units that follow a concept beyond likeness, CLIP less ViT; and whether the CLIP's are more than random
    directions of its layers."""
    if subject.vit is None:
        return Verdict(UNTOLD, "No ViT to compare with.")
    clip, vit = _row(results["purity-c"]), _row(results[f"purity-{subject.vit[0]}"])
    found = Estimate(*difference(clip, vit))
    of_clip, of_vit = (percent(interval(row, HEADLINE)) for row in (clip, vit))
    shares = f"{of_clip} of {subject.clip}'s units follow a concept, {of_vit} of {subject.vit[1]}'s"
    more = sign(found)
    if more is None:
        return _verdict(UNTOLD, f"{shares}. No difference was seen ({points(found)}); {unseen(found)}.", found)
    if not more:
        return _verdict(FAILS, f"{shares}: fewer of the CLIP's ({points(found)}).", found)
    beyond = Estimate(*difference(clip, _directions(clip)))
    if sign(beyond):
        return _verdict(HOLDS, f"{shares}: {points(found)}, and more than of random directions of its layers.", found)
    random = f"of random directions of the CLIP's layers {percent(interval(clip, 'directions'))} do"
    if sign(beyond) is None:
        but = f"Whether single units do so more than the layers as a whole was not seen: {random}; {unseen(beyond)}."
    else:
        but = f"But {random}, more than of its units: the concepts are in its layers, not in single units."
    return _verdict(PARTLY, f"{shares}: {points(found)}. {but}", found)


def _verdict(word: Any, sentence: str, found: Estimate) -> Verdict:
    return Verdict(word, sentence, found, "of units, CLIP minus ViT", points(found))


def _row(result: Result) -> dict[Any, Any]:
    return result.tables["overall"].to_dict("records")[0]


def _directions(row: dict[Any, Any]) -> dict[Any, Any]:
    """What random directions of the same layers come to, as if they were the units."""
    return {f"{HEADLINE}{end}": row[f"directions{end}"] for end in ("", "_low", "_high")}


NULLS = {HEADLINE: "units", "directions": "random directions", "twin": "untrained network"}


def figure(subject: Subject, results: Results) -> Chart | None:
    series = []
    sides: list[tuple[Side, str]] = [("c", subject.clip), *([subject.vit] if subject.vit else [])]
    for side, model in sides:
        if (name := f"purity-{side}") in results:
            row = _row(results[name])
            known = [column for column in NULLS if row.get(column) == row.get(column)]
            series.append(named(model, side, {NULLS[column]: interval(row, column) for column in known}))
    most = max((high for one in series for high in one.high), default=1.0)
    note = "Share that follows a concept beyond likeness. Whiskers: 95% intervals."
    return (
        Chart("dots", tuple(series), "follow a concept", share=True, span=(0, most), caption=note) if series else None
    )


CLAIM = Claim(
    "language",
    "Language supervision makes units of abstract concepts",
    "ViTs trained with language have units for things that are no objects, such as music, morbidity, “many” or “from "
    "above”; ViTs trained as classifiers have none.",
    "Section 6, Figures 8 and 9",
    "no count: single units, chosen by hand",
    "Of all units, the share that follows a concept which kinds of different groups share, beyond what merely looks alike: "
    "CLIP less ViT. It holds where the CLIP has more, and more than random directions of its layers do.",
    missing,
    parts,
    tell,
    figure,
)
