"""Charts of results: one for every experiment, and none of what does not go together."""

from __future__ import annotations

import numpy as np
import pytest

import vitrine
from engine.core.experiments import experiments
from engine.core.request import Result as StoredResult
from vitrine import figures

SITE = "stages.0.blocks.0"


def test_charts_of_what_does_not_go_together_are_refused_in_a_sentence(pictures):
    other = StoredResult({"experiment": "index", "model": "m", "site": SITE}, {"selectivity": np.ones(3)})
    with pytest.raises(vitrine.VitrineError, match="index and visualize cannot be combined"):
        pictures.figure(other)
    with pytest.raises(vitrine.VitrineError, match="There is no chart of spatial-maps"):
        figures.draw([StoredResult({"experiment": "spatial-maps", "model": "m"})])
    with pytest.raises(vitrine.VitrineError, match="too many for one chart of spatial-layers: the limit is 2"):
        figures.draw([StoredResult({"experiment": "spatial-layers", "model": "m"})] * 3)


def test_every_chart_is_of_an_experiment_that_there_is():
    assert set(figures.CHARTS) <= set(experiments())
