"""Charts of words and units: everything is drawn, and no label covers another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pages.sections.concepts import charts


def test_labels_on_the_map_never_cover_each_other_and_every_unit_is_drawn() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"unit": range(90), "across": rng.uniform(size=90), "down": rng.uniform(size=90)})
    table = table.assign(
        selectivity=1.0, word=[f"word {n}" for n in range(90)], words="a, b", score=1.0, named=table.unit > 9
    )
    made = charts.units_map(table, "a")
    assert sorted(int(unit) for trace in made.data for unit in trace.customdata[:, 0]) == list(range(90))
    labels = [(note.x, note.y) for note in made.layout.annotations]
    assert 4 < len(labels) <= charts.LABELS
    wide, high = charts.APART
    pairs = [(a, b) for place, a in enumerate(labels) for b in labels[place + 1 :]]
    assert all(abs(a[0] - b[0]) > 0.9 * wide or abs(a[1] - b[1]) > 0.9 * high for a, b in pairs)


def test_texts_of_the_playground_are_drawn_best_on_top_each_with_its_own_bar() -> None:
    labels = ["x" * 60 + "1", "x" * 60 + "2", "a cat"]
    made = charts.texts(labels, np.array([0.2, 0.5, 0.3]), np.zeros(3))
    assert list(made.data[0].x) == pytest.approx([20, 30, 50]) and len(set(made.data[0].y)) == 3
