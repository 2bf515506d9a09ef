"""Filtered images: curves that stand beside each other have one scale."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pages.common.charts.files import Source
from pages.sections.reliance import frequency
from pages.sections.reliance.view import View


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
    facts = {"low_half_cutoff": None, "low_area": None, "high_area": None, "images": 10}
    tables = {"low": {"vit": curve(low)}, "high": {"vit": curve(high)}}
    shown: Any = SimpleNamespace(
        view=View(models=("vit",)), keys=(), source=Source("background", {}), computed={"vit": SimpleNamespace(facts=facts)},
        first=SimpleNamespace(facts=facts), tables=lambda name: tables.get(name, {}), turn=lambda _: None,
    )  # fmt: skip
    frequency.frequency(shown)
    assert drawn["bg_low"].span == drawn["bg_high"].span == (0.0, 1.2)
