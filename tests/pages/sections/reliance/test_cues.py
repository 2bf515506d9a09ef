"""Place, texture and shape: what is said where nothing can be drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

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
