"""What the table over all rows says of one result."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from engine.core.request import Result
from pages.sections.visualize import comparison
from pages.sections.visualize.comparison import line


def test_a_result_tells_how_many_of_its_pictures_beat_the_scenes_and_in_which_batches_they_were_made() -> None:
    table = pd.DataFrame(
        {
            "unit": range(4),
            "activation": [1.0, 2.0, 3.0, 4.0],
            "ratio_to_best_scene": [2.0, 2.0, 4.0, 0.5],
            "beats_every_scene": [True, True, True, False],
            "failed": [False, False, False, True],
            "seconds": [1.0] * 4,
            "batch": [16, 4, 16, 1],
        }
    )
    row: Any = SimpleNamespace(name="starter-vit")
    told = line(row, Result({}, {}, {"units": table}))
    assert told["name"] == "starter-vit" and told["ratio"] == 2.0
    assert told["beats"] == "75% (19% to 99%)" and told["succeeding"] == "75% (19% to 99%)"
    assert told["batches"] == "1, 4, 16"


@pytest.mark.parametrize(("data", "what"), [("starter", "scene"), ("mine", "image")])
def test_the_table_speaks_of_scenes_only_where_there_are_some(
    monkeypatch: pytest.MonkeyPatch, data: str, what: str
) -> None:
    shown: list[Any] = []
    numbers = {"name": "vit", "ratio": 2.0, "stability": 1.0, "between": 0.5}
    monkeypatch.setattr(comparison, "line", lambda row, result: numbers)
    monkeypatch.setattr(comparison.results, "find", lambda key: Result({}))
    monkeypatch.setattr(comparison.st, "markdown", shown.append)
    monkeypatch.setattr(comparison.st, "dataframe", lambda *_, column_config, **__: shown.append(str(column_config)))
    row: Any = SimpleNamespace(name="vit", key="k", request=SimpleNamespace(data=data))
    comparison.draw([row])
    heading, columns = shown
    assert f"ratio to the strongest {what}: " in heading
    assert f"ratio to {what}" in columns and f"beat every {what}" in columns and f"95% of the {what}s" in columns
    assert what == "scene" or "scene" not in columns
