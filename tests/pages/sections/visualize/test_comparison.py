"""What the table over all rows says of one result."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.core.request import Result
from pages.sections.visualize import comparison
from pages.sections.visualize.comparison import highest, line


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
    assert told["beats"] == "75% (19 to 99%)" and told["succeeding"] == "75% (19 to 99%)"
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
    monkeypatch.setattr(comparison, "highest", lambda made, what: f"The highest ratios to the strongest {what}.")
    row: Any = SimpleNamespace(name="vit", key="k", side="a", request=SimpleNamespace(data=data))
    comparison.draw([row])
    heading, columns = shown
    assert f"strongest {what}." in heading
    assert f"ratio to {what}" in columns and f"beat every {what}" in columns and f"95% of the {what}s" in columns
    assert what == "scene" or "scene" not in columns


def of_ratios(ratios: np.ndarray, site: str = "blocks.1.mlp.hidden", first: int = 0) -> Result:
    table = pd.DataFrame({"unit": range(first, first + len(ratios)), "ratio_to_best_scene": ratios})
    return Result({"model": "m", "site": site}, {}, {"units": table})


def test_recipes_are_told_apart_unit_by_unit_or_not_at_all() -> None:
    """Units differ far more than recipes do: only unit by unit is a lead of a tenth seen."""
    draws = np.random.default_rng(0)
    ratios = np.exp(draws.normal(1, 0.8, 12))
    slightly = ratios * 1.1 * np.exp(draws.normal(0, 0.02, 12))
    told = highest({"`paper`": of_ratios(ratios), "`fast`": of_ratios(slightly)})
    assert told.startswith(
        "**`fast` has the highest ratios to the strongest scene**, 1.09× (1.08 to 1.11) those of `paper`"
    )
    assert "(geometric mean over 12 units, 95% interval)" in told
    mixed = ratios * np.exp(draws.normal(0, 0.5, 12))
    told = highest({"`paper`": of_ratios(ratios), "`fast`": of_ratios(mixed)})
    assert "was not seen" in told and "would have been seen in 80% of samples" in told


def test_layers_have_units_of_their_own_which_are_held_against_each_other_as_two_samples() -> None:
    ratios = np.exp(np.random.default_rng(1).normal(1, 0.8, 12))
    told = highest({"`a`": of_ratios(ratios, "a"), "`b`": of_ratios(ratios * 1.1, "b")})
    assert "was not seen" in told and "12 and 12 units, which are not the same" in told


def test_pictures_of_one_unit_and_results_without_ratios_name_no_winner() -> None:
    assert highest({"`a`": of_ratios(np.ones(1)), "`b`": of_ratios(np.full(1, 9.0))}) == ""
    assert highest({"`a`": of_ratios(np.full(3, np.nan)), "`b`": of_ratios(np.ones(3))}) == ""


def test_a_picture_that_silences_its_unit_counts_against_its_recipe() -> None:
    ratios = np.linspace(1, 2, 12)
    failing = np.where(np.arange(12) < 6, -0.5, ratios)
    assert highest({"`a`": of_ratios(failing), "`b`": of_ratios(ratios)}).startswith("**`b` has the highest")
