"""The table of seeds: a network's rows take the place of its former ones, and architectures differ only as far as seeds agree."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from engine.core.config import Settings
from starter.make import seeds_page
from starter.make.seeds import (
    COLUMNS,
    LAST,
    PAGE,
    PRECISION,
    TABLE,
    counts_from,
    kept,
    leaning,
    numbers,
    own,
    register,
    version_of,
    wanted,
)
from starter.make.seeds_page import Apart, about, difference, discoveries, page, said

MODELS = ["starter-vit", "starter-cnn"]


def table(**values: tuple[float, ...]) -> pd.DataFrame:
    """One number of each model, a value a seed."""
    name = numbers()[0].name
    rows = [
        [f"starter-{model}", seed, name, value, value - 0.01, value + 0.01, version_of(numbers()[0]), "bfloat16"]
        for model, of_seeds in values.items()
        for seed, value in enumerate(of_seeds, start=1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def over(mine: pd.DataFrame, percent: bool = True) -> str:
    found = difference(mine, MODELS, percent)
    assert found is not None
    return said(found, percent)


def test_the_difference_of_architectures_has_welchs_interval_over_networks():
    mine = table(vit=(0.90, 0.92, 0.94), cnn=(0.80, 0.81, 0.85)).set_index(["model", "seed"])
    # By hand: means .92 and .82, variances .0004 and .0007, error .01915, 3.72 degrees of freedom, quantile 2.862.
    assert over(mine) == "10.0 (4.5 to 15.5)"


def test_a_difference_that_so_few_networks_do_not_show_says_which_they_would_have_shown():
    mine = table(vit=(0.90, 0.92, 0.94), cnn=(0.91, 0.92, 0.95)).set_index(["model", "seed"])
    # By hand: error .01667, 3.99 degrees of freedom, quantiles 2.777 and .941.
    assert over(mine) == "-0.7 (-5.3 to 4.0); 6.2 would have been seen"


def test_shares_cannot_be_farther_apart_than_all_of_it():
    mine = table(vit=(0.02, 0.09), cnn=(0.98, 0.99)).set_index(["model", "seed"])
    assert over(mine).startswith("-93.0 (-100.0 to ")


def test_one_network_of_each_kind_says_nothing_of_architectures():
    mine = table(vit=(0.9,), cnn=(0.8, 0.81)).set_index(["model", "seed"])
    assert difference(mine, MODELS, percent=True) is None


def test_the_network_that_was_trained_in_another_precision_is_shown_and_not_counted():
    counted = table(vit=(0.90, 0.92, 0.94), cnn=(0.80, 0.81, 0.85))
    shipped = pd.DataFrame([["starter-vit", 0, numbers()[0].name, 0.1, 0.0, 0.2, 3, "bfloat16"]], columns=COLUMNS)
    both = kept(counted, shipped)
    assert over(both.set_index(["model", "seed"])) == "10.0 (4.5 to 15.5)"
    (head,) = [line for line in page(both, MODELS).splitlines() if line.startswith("|  |")]
    assert head.startswith("|  | starter-vit, float32 | starter-vit, seed 1 |")


def test_networks_measured_again_are_not_counted_twice():
    both = kept(table(vit=(0.9,), cnn=(0.8,)), table(vit=(0.7,)))
    assert len(both) == 2 and both.set_index("model").value.to_dict() == {"starter-vit": 0.7, "starter-cnn": 0.8}


def test_the_page_has_a_column_a_network_and_a_dash_for_what_was_not_measured():
    lines = page(table(vit=(0.9, 0.91), cnn=(0.8,)), MODELS).splitlines()
    (head,) = [line for line in lines if line.startswith("|  |")]
    assert [cell.strip() for cell in head.split("|")[2:-1]] == [
        "starter-vit, seed 1", "starter-vit, seed 2", "starter-cnn, seed 1", "difference over seeds",
    ]  # fmt: skip
    assert lines[-len(numbers())].endswith("| 90.0 (89.0 to 91.0) | 91.0 (90.0 to 92.0) | 80.0 (79.0 to 81.0) | – |")
    assert lines[-1].endswith("| – | – | – | – |")


def test_a_number_that_a_network_cannot_have_is_left_out_of_the_difference():
    mine = table(vit=(0.90, 0.92, 0.94), cnn=(0.80, math.nan, 0.85)).set_index(["model", "seed"])
    assert over(mine, percent=False).startswith("0.095 (")
    assert over(mine, percent=False) == over(mine.dropna(), percent=False)


def test_a_differences_probability_is_that_of_students_distribution():
    mine = table(vit=(0.90, 0.92, 0.94), cnn=(0.80, 0.81, 0.85)).set_index(["model", "seed"])
    found = difference(mine, MODELS, percent=True)
    assert found is not None and found.p == pytest.approx(0.0078, rel=0.01), "t = 5.22, 3.72 degrees of freedom"


def test_of_many_differences_those_stand_that_are_discoveries():
    clear, lucky = Apart(0.2, 0.1, 0.3, 0.2, 0.0001), Apart(0.2, 0.01, 0.4, 0.3, 0.04)
    nothing = {f"nothing {number}": Apart(0.0, -0.1, 0.1, 0.2, 0.5) for number in range(8)}
    (_, told) = discoveries({"clear": clear, "lucky": lucky, **nothing})
    assert told == (
        "At a false discovery rate of 5% over all 10 differences these stand: clear. By its own interval alone, and so no "
        "finding: lucky."
    )
    assert discoveries({}) == []


def test_what_another_version_measured_is_measured_again_and_marked_until_then():
    mine = table(vit=(0.9, 0.91), cnn=(0.8, 0.82))
    mine.loc[0, "version"] = 1
    names = [number.name for number in numbers()]
    assert [number.name for number in wanted(mine, "starter-vit", 1)] == names
    assert [number.name for number in wanted(mine, "starter-vit", 2)] == names[1:]
    (line,) = [line for line in page(mine, MODELS).splitlines() if line.startswith(f"| {names[0]}")]
    assert line.count("*") == 1 and "90.0 (89.0 to 91.0)* | 91.0 (90.0 to 92.0) |" in line


def test_rows_stand_in_the_order_of_the_page_however_they_came():
    names = [number.name for number in numbers()]
    rows = [["starter-vit", 1, name, 0.5, 0.4, 0.6, 1, "bfloat16"] for name in reversed(names)]
    both = kept(pd.DataFrame(rows[:5], columns=COLUMNS), pd.DataFrame(rows[5:], columns=COLUMNS))
    assert list(both["number"]) == names


def test_what_an_earlier_version_measured_is_counted_only_where_it_meant_the_same(monkeypatch: pytest.MonkeyPatch):
    first, *_ = numbers()
    mine = table(vit=(0.90, 0.92, 0.94), cnn=(0.80, 0.81, 0.85))
    mine.loc[mine["model"] == "starter-vit", "version"] = version_of(first) - 1

    def told() -> str:
        lines = page(mine, MODELS).splitlines()
        (line,) = [line for line in lines if line.startswith(f"| {first.name}")]
        return line + str("Not counted for that reason: accuracy, object at home." in " ".join(lines))

    assert counts_from(first) == version_of(first) and told().endswith("| – |True")
    monkeypatch.setattr(seeds_page, "numbers", lambda: [replace(first, since=version_of(first) - 1)])
    assert told().endswith("| 10.0 (4.5 to 15.5) |False") and told().count("*") == 3


def test_the_page_says_what_was_not_measured_of_further_seeds_and_how_many_comparisons_there_are():
    mine = table(vit=(0.90, 0.92, 0.94), cnn=(0.80, 0.81, 0.85))
    told = " ".join(about(mine, 1).split())
    names = [number.name for number in numbers()]
    assert f"Of further seeds these were not measured: {'; '.join(names[1:])}. " in told
    assert "All of it was measured in bfloat16." in told and "Of 40 comparisons at 95%, 2.0 leave out" in about(
        mine, 40
    )
    everything = pd.concat([mine.assign(number=name) for name in names])
    assert "these were not measured" not in about(everything, 1)


def test_the_page_that_ships_is_that_of_the_table_that_ships():
    kept_table = pd.read_csv(TABLE)
    assert kept_table["precision"].eq(PRECISION).all() and [*kept_table] == COLUMNS
    shipped = PAGE.read_text(encoding="utf-8").splitlines()
    heads = [line for line in shipped if line.startswith("|  |")]
    assert heads == [line for line in page(kept_table, MODELS).splitlines() if line.startswith("|  |")]
    pictures = [line for line in page(kept_table, MODELS).splitlines() if line.startswith("| pictures above every")]
    assert pictures[0].count("100.0 (89.1 to 100.0)*") == 2 and pictures[0].endswith("| – |")


def test_the_settings_of_the_run_hold_its_precision(tmp_path: Path):
    register(tmp_path)
    written = tomllib.loads((tmp_path / "vitrine.toml").read_text(encoding="utf-8"))
    assert written == {"models_toml": str(tmp_path / "models.toml"), "precision": PRECISION}
    assert Settings(**written).precision == PRECISION


def test_units_that_lean_are_a_share_of_all_units_of_the_last_layer():
    rows = {"question": ["object_lean", "low_lean"], "lean_first": [262, 181], "lean_second": [10, 51]}
    counts = pd.DataFrame({**rows, "neither": [14, 56], "unknown": [2, 0]})
    value, low, high = leaning(SimpleNamespace(tables={"counts": counts}), "object_lean", "lean_first")
    assert value == 262 / 288 and low < value < high
    assert own("starter-cnn", "unit-cues") == {"site": LAST["starter-cnn"]}
    assert {number.experiment for number in numbers()} >= {"unit-cues", "background"}
