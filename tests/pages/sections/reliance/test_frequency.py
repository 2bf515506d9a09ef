"""Filtered images: curves that stand beside each other have one scale."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.reliance.gradient_spectrum import HIGH
from pages.common.charts.files import Source
from pages.sections.reliance import frequency
from pages.sections.reliance.view import View
from tests.engine.reliance.test_frequency import heard
from tests.engine.reliance.test_gradient_spectrum import planted


def curve(high: float) -> pd.DataFrame:
    numbers = {
        "kept": [0.1, 1.0],
        "normalised": [0.5, 1.0],
        "normalised_low": [0.4, 1.0],
        "normalised_high": [0.6, high],
    }
    return pd.DataFrame(numbers)


@pytest.mark.parametrize("low, high", [(1.0, 1.2), (1.2, 1.0)])
def test_low_pass_and_high_pass_have_one_range(monkeypatch: pytest.MonkeyPatch, low: float, high: float) -> None:
    drawn: dict[str, Any] = {}
    monkeypatch.setattr(frequency.figure, "draw", lambda chart, *_, key, **__: drawn.update({key: chart}))
    monkeypatch.setattr(frequency.images, "filtered", lambda *_: None)
    monkeypatch.setattr(frequency, "cutoffs", lambda _: [])
    variants = [["full", 0.0, 1.0], ["high", 0.1, 1.0], ["high", 1.0, 1.0]]
    facts = {"variants": variants, "low_half_cutoff": None, "low_area": None, "high_area": None, "images": 10}
    tables = {"low": {"vit": curve(low)}, "high": {"vit": curve(high)}}
    shown: Any = SimpleNamespace(
        view=View(models=("vit",)), keys=(), source=Source("background", {}), computed={"vit": SimpleNamespace(facts=facts)},
        first=SimpleNamespace(facts=facts), tables=lambda name: tables.get(name, {}), turn=lambda _: None,
    )  # fmt: skip
    frequency.frequency(shown)
    assert drawn["bg_low"].span == drawn["bg_high"].span == (0.0, 1.2)


def band_finding(*shares: float) -> str:
    rows = [{"from": place / 10, "to": (place + 1) / 10, "top1": each, "top1_low": each - 0.05, "top1_high": each + 0.05}
            for place, each in enumerate(shares)]  # fmt: skip
    return frequency._band_finding({"vit": heard(*shares)}, {"vit": pd.DataFrame(rows)})


def test_a_band_is_the_best_where_it_is_seen_to_be() -> None:
    told = band_finding(0.2, 0.6, 0.5)
    assert told.startswith(
        "vit is most accurate on the band from 0.1 to 0.2 of Nyquist, 60% (55 to 65%), 10.0 points ("
    )
    assert told.endswith(") more than on the next")
    told = band_finding(0.2, 0.6, 0.59)
    assert "not seen to be more so than on that from 0.2 to 0.3 of Nyquist: 1.0 points (−" in told
    assert told.endswith("would have been seen in 80% of samples")


def test_last_layers_of_two_models_are_told_apart_or_with_what_would_have_been_seen() -> None:
    images, luck = np.arange(60), np.random.default_rng(0).uniform(0.2, 0.6, 60)
    noisy = luck + np.random.default_rng(1).normal(0, 0.01, 60)
    a, b, c = planted(images, noisy + 0.05), planted(images, luck), planted(images, noisy)
    told = frequency._last_layers({"vit": b, "cnn": a}, HIGH, frequency._points)
    assert told.startswith("In the last layer, on the same images, cnn is 5.") and told.endswith("above vit.")
    told = frequency._last_layers({"vit": b, "cnn": c}, HIGH, frequency._points)
    assert "no difference between" in told and told.endswith("would have been, in 80% of samples.")
    assert frequency._last_layers({"vit": b}, HIGH, frequency._points) == ""


def test_a_point_of_a_high_pass_and_a_bar_of_a_band_open_the_scenes_under_their_filter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: dict[str, Any] = {}
    monkeypatch.setattr(
        frequency.figure, "draw", lambda chart, *_, key, on_click=None, **__: drawn.update({key: (chart, on_click)})
    )
    monkeypatch.setattr(frequency, "_band_finding", lambda *_: "")
    views: list[View] = []
    variants = [["full", 0.0, 1.0], ["low", 0.0, 0.5], ["high", 0.0, 1.0], ["high", 0.5, 1.0], ["band", 0.0, 0.5]]
    high = curve(1.0).assign(kept=[0.0, 0.5])
    band = pd.DataFrame([{"from": 0.0, "to": 0.5, "top1": 0.4, "top1_low": 0.3, "top1_high": 0.5}])
    shown: Any = SimpleNamespace(
        view=View(models=("vit",)), source=Source("background", {}), computed={},
        first=SimpleNamespace(facts={"variants": variants, "images": 10}),
        tables=lambda name: {"vit": {"high": high, "band": band}[name]}, turn=views.append,
    )  # fmt: skip
    frequency._filter_curves(shown, "high", "Without low frequencies", 1.0)
    frequency._bands(shown, shown.tables("band"))
    for key, at in (("bg_high", 3), ("bg_bands", 4)):
        chart, on_click = drawn[key]
        assert len(chart.series[0].opens) == 1, "a filter that takes nothing away has no point"
        on_click(list(chart.series[0].opens[0]))
        assert views.pop().at == at
