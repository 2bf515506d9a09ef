"""ViTs use the background better, and stay better without foreground or background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.claims.claim import (
    UNTOLD,
    Claim,
    Part,
    Results,
    Verdict,
    apart,
    interval,
    judged,
    percent,
    points,
    sign,
    unseen,
)
from engine.claims.figure import named
from engine.claims.subject import Subject, known_kinds, no_comparison
from engine.core.choices import COMPARED_IMAGES
from engine.core.errors import BadRequest
from engine.core.request import Result, build
from engine.core.statistics import Estimate
from engine.data.registry import open_dataset
from engine.evaluation import comparison
from engine.evaluation.samples import best_cut, saliency_is_here
from engine.figures.chart import Chart
from engine.reliance.background import BackgroundRequest

VARIANTS = {"full": "whole images", "foreground": "objects alone", "background": "backgrounds alone"}


def missing(subject: Subject) -> str:
    return no_comparison(subject) or _no_cut(subject.data)


def _no_cut(data: str) -> str:
    """Why objects cannot be cut out of images; empty where they can."""
    if best_cut(open_dataset(data)) != "saliency" or saliency_is_here():
        return ""
    return f"The images of “{data}” have no boxes or masks, and the network that would find objects is not here."


def parts(subject: Subject) -> Sequence[Part]:
    if missing(subject):
        return []
    cut = best_cut(open_dataset(subject.data))
    return [
        Part(
            side,
            f"Objects and backgrounds alone, {model}",
            build(BackgroundRequest, model=model, data=subject.data, cut=cut, limit=COMPARED_IMAGES),
        )
        for side, model in subject.sides.items()
    ]


def tell(subject: Subject, results: Results) -> Verdict:
    """The ViT less the CNN, on the same images: on objects alone, among those that both get right whole; and on backgrounds
    alone, by how often the answer is a kind that lives there where places are known, else by accuracy."""
    if subject.vit is None or subject.cnn is None:
        return Verdict(UNTOLD, "No ViT and CNN to compare.")
    vit, cnn = subject.vit[1], subject.cnn[1]
    try:
        both = comparison.align([_result(subject, results, name) for name in (vit, cnn)])
    except BadRequest as error:
        return Verdict(UNTOLD, str(error))
    fair = comparison.matched(both)
    if not fair["n"]:
        return Verdict(
            UNTOLD, f"No whole image is classified correctly by both {vit} and {cnn}, so there is no fair comparison."
        )
    objects = _difference(fair["paired"], "foreground")
    places = comparison.paired_places(both)
    backgrounds = _difference(places or fair["paired"], "background")
    what = "answers of a kind that lives at the place shown" if places else "right answers"
    word = judged((sign(objects), sign(backgrounds)))
    kept = [_kept(name, _result(subject, results, name)) for name in (vit, cnn)]
    reach = _reach(_result(subject, results, vit)) if places else ""
    told = [_objects(objects, fair["n"]), _backgrounds(backgrounds, what), reach, *kept, known_kinds(subject)]
    sentence = " ".join(filter(None, told))
    return Verdict(word, sentence, objects, "on objects alone, ViT minus CNN", points(objects))


def _kept(model: str, result: Result) -> str:
    """The paper's own number, so that it can be held beside: of the top-5 accuracy on whole images, what is left."""
    rows = {row["variant"]: row for row in (_rows(result) if "variants" in result.tables else ())}
    parts = [
        f"{percent(interval(rows[name], 'top5_normalised'))} on {VARIANTS[name]}"
        for name in ("foreground", "background")
        if name in rows and "top5_normalised" in rows[name]
    ]
    return f"Of its top-5 accuracy {model} keeps {' and '.join(parts)}." if parts else ""


def _objects(found: Estimate, n: int) -> str:
    start = f"With the background blacked out, on the {n} images that both classify correctly whole,"
    if sign(found) is None:
        return f"{start} no difference was seen ({points(found)}; {unseen(found)})."
    return f"{start} the ViT is {apart(found)} {'ahead of' if found.value > 0 else 'behind'} the CNN."


def _backgrounds(found: Estimate, what: str) -> str:
    if sign(found) is None:
        return f"On backgrounds alone no difference in {what} was seen ({points(found)}; {unseen(found)})."
    return f"On backgrounds alone it gives {apart(found)} {'more' if found.value > 0 else 'fewer'} {what}."


def _reach(result: Result) -> str:
    """Chance, and the best possible observer, beside what models make of backgrounds alone; empty where neither is known."""
    rows = _rows(result) if "variants" in result.tables else []
    row = next((row for row in rows if row["variant"] == "background"), {})
    if not row.get("lives_chance", 0) > 0:  # NaN where no place is known
        return ""
    blind, ideal = row["lives_chance"], row["lives_ideal"]
    return f"A blind guess is such an answer in {100 * blind:.1f}%, the best possible observer's in {100 * ideal:.0f}%."


def figure(subject: Subject, results: Results) -> Chart | None:
    series = []
    for side, model in subject.sides.items():
        if (name := f"background-{side}") in results:
            rows = results[name].tables["variants"].to_dict("records")
            at = {row["variant"]: place for place, row in enumerate(rows) if row["variant"] in VARIANTS}
            values = {VARIANTS[variant]: interval(rows[place], "top1") for variant, place in at.items()}
            opens = [[f"{model}|{place}"] for place in at.values()]
            alone = rows[at["background"]] if "background" in at else {}
            if alone.get("lives") == alone.get("lives") is not None:
                values["kind of the place shown"] = interval(alone, "lives")
                opens.append([f"{model}|{at['background']}"])
            series.append(replace(named(model, side, values), opens=tuple(opens)))
    note = (
        "The model's first answer is right; objects and backgrounds cut out, the rest black. Whiskers: 95% intervals."
    )
    return Chart("dots", tuple(series), "answers", share=True, caption=note) if series else None


def _result(subject: Subject, results: Results, model: str) -> Result:
    return results[f"background-{subject.side_of(model)}"]


def _rows(result: Result) -> list[dict[Any, Any]]:
    return [row for row in result.tables["variants"].to_dict("records") if row["variant"] in VARIANTS]


def _difference(rows: Sequence[Mapping[str, Any]], variant: str) -> Estimate:
    row = next(row for row in rows if row["variant"] == variant)
    return Estimate(row["difference"], *row["interval"])


CLAIM = Claim(
    "background",
    "ViTs use the background better, and need it less",
    "From the background alone ViTs are right more often than CNNs, and without it, or without the object, they lose less.",
    "Section 5, Table 2",
    "of its top-5 accuracy (normalised) ViT-B16 keeps 95.64% on objects alone and 31.59% on backgrounds alone, ResNet-50 "
    "89.69% and 18.69%",
    "The ViT less the CNN on the same images: on objects alone (the rest black), among images that both classify "
    "correctly whole; and on backgrounds alone. It holds where the ViT is ahead in both. Holes are black, as in the paper; "
    "another fill can turn the order round, which the page Background and texture shows.",
    missing,
    parts,
    tell,
    figure,
)
