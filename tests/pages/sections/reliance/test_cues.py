"""Place, texture and shape: what is said where nothing can be drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.core.request import Result
from pages.sections.reliance import cues
from pages.sections.reliance.view import View


def test_where_no_reliance_is_known_it_is_said_and_the_answers_still_stand_below(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nan, drawn = float("nan"), list[str]()
    facts = {
        "reliance": (nan, nan, nan), "reliance_left_out": 0, "temperatures": (nan, nan),
        "planted": {"home": 0.6, "elsewhere": 0.1, "log_ratio": 1.8},
    }  # fmt: skip
    result = SimpleNamespace(facts=facts)
    monkeypatch.setattr(cues.st, "markdown", drawn.append)
    monkeypatch.setattr(cues, "_answers", lambda shown: drawn.append("answers"))
    monkeypatch.setattr(cues.figure, "draw", lambda chart, *_, **__: drawn.append("chart"))
    shown: Any = SimpleNamespace(view=View(models=("vit",)), computed={"vit": result}, first=result, source=None)
    cues.counterfactual(shown)
    assert drawn == ["**Reliance on the place: vit unknown**", "answers"]


def test_answers_to_empty_places_stand_with_their_intervals_their_difference_and_what_could_have_been_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = list[str]()
    monkeypatch.setattr(cues.st, "caption", said.append)
    kinds = [("the object's kind", 0.01, 0.05), ("a kind of the place shown", 0.1, 0.95)]
    rows = [{"variant": "place", "answer": kind, "chance": one, "ideal": other} for kind, one, other in kinds]

    def answering(model: str, answers: list[int]) -> Result:
        answer = np.resize([[3, 3, 3, each] for each in answers], (100, 4))
        arrays = {"images": np.arange(400).reshape(100, 4), "labels": np.arange(100), "answer": answer}
        return Result({"experiment": "counterfactual", "model": model}, arrays, {"answers": pd.DataFrame(rows)})

    cues._empty({"vit": answering("vit", [0, 1, 1, 3, 3]), "cnn": answering("cnn", [0, 1, 1, 1, 3])})
    assert "vit 60.0% (49.7 to 69.7%) · cnn 80.0% (70.8 to 87.4%); a blind guess 11.0%" in said[0]
    assert "cnn names a kind that lives there 20 points more often \\(11 to 27\\) than vit" in said[0]
    assert "in 80% of samples" in said[0] and "reaches 5.00%" in said[0] and "Bonferroni" not in said[0]
    assert "allow for all 3 pairs" in cues._allowed(3)
