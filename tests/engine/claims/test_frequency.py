"""A ViT that needs high frequencies less, one that does in part, one that needs them more, and none to tell apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.claims.claim import FAILS, HOLDS, PARTLY, UNTOLD
from engine.claims.frequency import CLAIM, figure
from tests.engine.claims.planted import SUBJECT, answers, rows

CUTOFFS = (0.1, 0.2, 0.4, 0.8)
EARLY, LATE = (0.4, 0.8, 1.0, 1.0), (0.1, 0.2, 0.8, 1.0)


def filtered(model: str, curve: tuple[float, ...]):
    names = [("full", 0.0, 1.0), *(("low", 0.0, cutoff) for cutoff in CUTOFFS)]
    right = {str(number): share for number, share in enumerate((1.0, *curve))}
    made = answers(model, right, [(str(number),) for number in range(len(names))])
    made.facts["variants"] = [list(name) for name in names]
    kept = [*CUTOFFS, 1.0]
    crossing = float(np.interp(0.5, [*curve, 1.0], kept)) if min(curve) < 0.5 else None
    made.facts["low_half_cutoff"] = crossing and [crossing, crossing - 0.01, crossing + 0.01]
    made.tables["low"] = pd.DataFrame(rows([*curve, 1.0], "normalised")).assign(kept=kept)
    return made


def told(vit: tuple[float, ...], cnn: tuple[float, ...]):
    return CLAIM.tell(SUBJECT, {"frequency-a": filtered("vit", vit), "frequency-b": filtered("cnn", cnn)})


@pytest.mark.parametrize(
    "vit, cnn, word",
    [
        (EARLY, LATE, HOLDS),
        ((0.55, 0.8, 1.0, 1.0), LATE, PARTLY),
        (LATE, EARLY, FAILS),
        (EARLY, EARLY, UNTOLD),
    ],
)
def test_each_verdict_from_planted_curves(kinds, vit, cnn, word: str) -> None:
    assert told(vit, cnn).word == word, told(vit, cnn).sentence


def test_the_number_is_how_far_apart_the_halves_are(kinds) -> None:
    found = told(EARLY, LATE)
    assert found.number is not None and found.number.value == pytest.approx(0.125 - 0.3, abs=1e-6)
    assert found.shown.startswith("−0.175 (") and "lower" in found.sentence


def test_areas_that_were_not_seen_to_differ_say_what_would_have_been_seen(kinds) -> None:
    same = told(EARLY, EARLY).sentence
    assert "were not seen to differ" in same and "; a difference of 0.0" in same and same.endswith("in 80% of samples.")


def test_a_half_that_may_lie_below_all_cut_offs_has_an_open_interval(kinds) -> None:
    """At the first cut-off the ViT is near half: in many samples it does not fall so low."""
    found = told((0.49, 0.8, 1.0, 1.0), LATE)
    assert found.number is not None and found.number.low == -np.inf and found.word == HOLDS
    assert "(at most −0." in found.shown and "inf" not in found.sentence + found.shown


def test_the_figure_marks_the_half(kinds) -> None:
    drawn = figure(SUBJECT, {"frequency-a": filtered("vit", EARLY)})
    assert drawn is not None and drawn.ticks and drawn.levels[0].at == 0.5
    assert drawn.series[0].x == (*CUTOFFS, 1.0)
    blurred = filtered("vit", EARLY)
    blurred.tables["low"].loc[0, "kept"] = 0.0
    drawn = figure(SUBJECT, {"frequency-a": blurred})
    assert drawn is not None and drawn.series[0].x == (*CUTOFFS[1:], 1.0), "a logarithmic axis has no zero"
