"""The table of seeds: a network's rows take the place of its former ones, and architectures differ only as far as seeds agree."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from starter.make.seeds import COLUMNS, kept, numbers, version_of, wanted
from starter.make.seeds_page import Apart, difference, discoveries, of_one_meaning, page, said

MODELS = ["starter-vit", "starter-cnn"]


def table(**values: tuple[float, ...]) -> pd.DataFrame:
    """One number of each model, a value a seed."""
    name = numbers()[0].name
    rows = [
        [f"starter-{model}", seed, name, value, value - 0.01, value + 0.01, version_of(numbers()[0])]
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
    shipped = pd.DataFrame([["starter-vit", 0, numbers()[0].name, 0.1, 0.0, 0.2, 3]], columns=COLUMNS)
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
    rows = [["starter-vit", 1, name, 0.5, 0.4, 0.6, 1] for name in reversed(names)]
    both = kept(pd.DataFrame(rows[:5], columns=COLUMNS), pd.DataFrame(rows[5:], columns=COLUMNS))
    assert list(both["number"]) == names


def test_what_meant_something_else_is_not_compared_with_what_is_meant_now():
    mine = table(vit=(0.02, 0.09), cnn=(0.98, 0.99)).assign(version=3).set_index(["model", "seed"])
    assert len(of_one_meaning(mine, 4)) == 4, "all of them meant the same"
    mine.loc[("starter-cnn", 1), "version"] = 4
    assert len(of_one_meaning(mine, 3)) == 4
    assert of_one_meaning(mine, 4).index.tolist() == [("starter-cnn", 1)]
    assert difference(of_one_meaning(mine, 4), MODELS, percent=True) is None


def test_the_page_compares_no_two_meanings():
    (number,) = [each for each in numbers() if each.name == "units that mark the object, last block"]
    mine = table(vit=(0.02, 0.09), cnn=(0.98, 0.99)).assign(number=number.name, version=number.since - 1)

    def last() -> str:
        (line,) = [line for line in page(mine, MODELS).splitlines() if line.startswith(f"| {number.name}")]
        return line.split("|")[-2].strip()

    assert last().startswith("-93.0 (-100.0 to ")
    mine.loc[0, "version"] = number.since
    assert last() == "–"
