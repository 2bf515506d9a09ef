"""High frequencies matter less to ViTs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine.claims.claim import UNTOLD, Claim, Part, Results, Verdict, judged, plain, sign
from engine.claims.figure import curve, together
from engine.claims.subject import Subject, known_kinds, no_comparison
from engine.core.choices import COMPARED_IMAGES, NYQUIST_TICKS
from engine.core.errors import BadRequest
from engine.core.request import build
from engine.core.statistics import Estimate, smallest_like
from engine.figures.chart import Chart, Level
from engine.reliance import frequency
from engine.reliance.frequency import FrequencyRequest


def parts(subject: Subject) -> Sequence[Part]:
    if no_comparison(subject):
        return []
    asked = {"data": subject.data, "limit": COMPARED_IMAGES, "high": False, "bands": ()}
    return [
        Part(side, f"Low-passed images, {model}", build(FrequencyRequest, model=model, **asked))
        for side, model in subject.sides.items()
    ]


def tell(subject: Subject, results: Results) -> Verdict:
    """The ViT less the CNN, on the same images: the cut-off of a low-pass that takes half of the accuracy (lower: less needed),
    and the area under the curve (more: less lost)."""
    if subject.vit is None or subject.cnn is None:
        return Verdict(UNTOLD, "No ViT and CNN to compare.")
    models = (subject.vit[1], subject.cnn[1])
    try:
        row = frequency.paired([results[f"frequency-{subject.side_of(model)}"] for model in models])[0]
    except BadRequest as error:
        return Verdict(UNTOLD, str(error))
    half, area = (None if row[name] is None else Estimate(*row[name]) for name in ("half_cutoff", "area"))
    if area is None:
        return Verdict(UNTOLD, "One of the models classifies nothing correctly, filtered or not.")
    word = judged((None if (later := sign(half)) is None else not later, sign(area)))
    cutoffs = [results[f"frequency-{subject.side_of(model)}"].facts["low_half_cutoff"] for model in models]
    sentence = f"{_halves(cutoffs, half)} {_area(area)} {known_kinds(subject)}".rstrip()
    if half is None:
        return Verdict(word, sentence, area, "area under the low-pass curve, ViT minus CNN", plain(area, 3, True))
    return Verdict(word, sentence, half, "of Nyquist where half is lost, ViT minus CNN", plain(half, 3, True))


def _halves(cutoffs: Sequence[Sequence[float] | None], half: Estimate | None) -> str:
    if half is None or None in cutoffs:
        return "No cut-off that was tried takes half of the accuracy of both models."
    vit, cnn = (plain(Estimate(*each), 3) for each in cutoffs if each is not None)
    start = f"A low-pass takes half of the ViT's accuracy where it keeps {vit} of Nyquist, of the CNN's at {cnn}"
    if sign(half) is None:
        return f"{start}; no difference was seen, and {_could(half, 'one')}."
    size = plain(Estimate(abs(half.value), *sorted((abs(half.low), abs(half.high)))), 3)
    return f"{start}, {size} {'lower' if half.value < 0 else 'higher'}."


def _area(area: Estimate) -> str:
    if sign(area) is None:
        return (
            f"The areas under the curves were not seen to differ ({plain(area, 3, True)}); {_could(area, 'a difference')}, in "
            "80% of samples."
        )
    return f"Over all cut-offs the ViT keeps {'more' if area.value > 0 else 'less'} of its accuracy ({plain(area, 3, True)})."


def _could(found: Estimate, what: str) -> str:
    least = smallest_like(found)
    return f"{what} of {least:.3f} would have been" if math.isfinite(least) else "it is not known which would have been"


def figure(subject: Subject, results: Results) -> Chart | None:
    lines = together(
        [
            curve(model, side, _drawn(results[name].tables["low"].to_dict("records")), "kept", "normalised")
            for side, model in subject.sides.items()
            if (name := f"frequency-{side}") in results
        ]
    )
    if not lines:
        return None
    across, up = "frequencies kept, up to this share of Nyquist", "accuracy, of that on unfiltered images"
    half = (Level(0.5, "half"),)
    return Chart(
        "lines", lines, across, up, True, ticks=NYQUIST_TICKS, levels=half, caption="Bands: 95% intervals over images."
    )


def _drawn(rows: list[dict[Any, Any]]) -> list[dict[Any, Any]]:
    """Without filters that keep nothing but the mean colour: the axis has no place for them."""
    return [row for row in rows if row["kept"] > 0]


CLAIM = Claim(
    "frequency",
    "High frequencies matter less to ViTs",
    "When a low-pass filter takes the fine detail away, ResNets lose much of their accuracy and ViTs little.",
    "Section 5, Figure 14",
    "no number in the main text; it names neither the filter nor its cut-offs",
    "Accuracy on low-passed images, ViT less CNN, on the same images: the cut-off at which half of the accuracy is gone, "
    "and the area under the curve. It holds where the ViT is ahead in both. Filter and cut-offs are ours.",
    no_comparison,
    parts,
    tell,
    figure,
)
