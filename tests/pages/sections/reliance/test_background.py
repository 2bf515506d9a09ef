"""Objects and backgrounds: a point of each chart opens the images that its model gets wrong there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.evaluation.comparison import Aligned
from pages.common.charts.files import Source
from pages.sections.reliance import background
from pages.sections.reliance.view import View

VARIANTS = (("full", ""), ("foreground", "black"), ("background", "black"))
MODELS = ("vit", "cnn")


class Clicks:
    """The charts that were drawn, and what the page turned to when one was clicked."""

    def __init__(self) -> None:
        self.charts: dict[str, Any] = {}
        self.views: list[View] = []
        table = pd.DataFrame([{"variant": name, "fill": fill, "lives": np.nan} for name, fill in VARIANTS])
        for name in ("lives", "lives_low", "lives_high", "lives_chance", "lives_ideal", "lives_smallest", "top1_ideal"):
            table.loc[2, name] = 0.5
        tables = {model: table for model in MODELS}
        self.shown: Any = SimpleNamespace(
            view=View(models=MODELS),
            keys=(),
            source=Source("background", {}),
            tables=lambda _: tables,
            turn=self.views.append,
        )

    def draw(self, chart: Any, *rest: Any, key: str, on_click: Any = None, **more: Any) -> None:
        self.charts[key] = chart, on_click

    def looks(self, key: str, model: int, point: int) -> str:
        chart, on_click = self.charts[key]
        on_click(list(chart.series[model].opens[point]))
        return self.views[-1].look


@pytest.fixture
def clicks(monkeypatch: pytest.MonkeyPatch) -> Clicks:
    made, none = Clicks(), np.zeros((2, 1, 3), bool)
    both = Aligned(MODELS, np.arange(1), VARIANTS, none, none, none.astype(float))
    monkeypatch.setattr(background, "aligned", lambda keys: both)
    monkeypatch.setattr(background.figure, "draw", made.draw)
    return made


def test_a_bar_among_equals_opens_what_its_model_gets_wrong_there(clicks: Clicks) -> None:
    rows = [
        {"model": model, "variant": name, "fill": fill, "top1": 0.5, "top1_interval": (0.4, 0.6)}
        for model in MODELS
        for name, fill in VARIANTS[1:]
    ]
    background._matched_bars({"models": rows, "n": 10}, clicks.shown)
    assert clicks.looks("bg_equals", 1, 0) == "cnn|1" and clicks.looks("bg_equals", 0, 1) == "vit|2"


def test_a_bar_of_places_opens_what_its_model_gets_wrong_on_backgrounds_alone(clicks: Clicks) -> None:
    background._places(clicks.shown, {"places": []})
    assert clicks.looks("bg_lives", 1, 0) == "cnn|2"


def test_a_point_of_effective_robustness_opens_what_its_model_gets_wrong_in_that_variant(clicks: Clicks) -> None:
    point = {"full": 0.5, "cut": 0.4, "full_interval": (0, 1), "cut_interval": (0, 1)}
    fit = {"points": [{"model": model, **point} for model in MODELS], "line": None}
    background._robustness(clicks.shown, "background", fit)
    assert clicks.looks("bg_robust_background", 0, 0) == "vit|2"


def test_of_three_models_the_note_says_what_the_sentences_allow_for() -> None:
    assert background._chosen(2, 0) == background._chosen(2, 1) == ""
    assert "corrected for the choice among 3 pairs" in background._chosen(3, 0) and "lives" not in background._chosen(
        3, 0
    )
    assert "The 3 sentences on what lives at the place shown tell every pair" in background._chosen(3, 3)
    assert "furthest apart" not in background._chosen(2, 4) and "for that many" in background._chosen(2, 4)


def test_what_is_said_of_a_model_alone_has_its_intervals() -> None:
    rows = [
        {"variant": name, "fill": fill, "top1": value, "top1_low": value - 0.02, "top1_high": value + 0.02}
        for name, fill, value in (("full", "", 0.86), ("foreground", "black", 0.52))
    ]
    result = SimpleNamespace(tables={"variants": pd.DataFrame(rows)})
    shown: Any = SimpleNamespace(computed={"vit": result})
    assert background._alone(shown) == (
        "vit classifies 86% (84 to 88%) of the images correctly; with the background blacked out 52% (50 to 54%)."
    )
