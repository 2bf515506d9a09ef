"""The table of seeds: a network's rows take the place of its former ones, and architectures differ only as far as seeds agree."""

from __future__ import annotations

import math

import pandas as pd

from starter.make.seeds import COLUMNS, difference, kept, numbers, page

MODELS = ["starter-vit", "starter-cnn"]


def table(**values: tuple[float, ...]) -> pd.DataFrame:
    """One number of each model, a value a seed."""
    name = numbers()[0].name
    rows = [
        [f"starter-{model}", seed, name, value, value - 0.01, value + 0.01]
        for model, of_seeds in values.items()
        for seed, value in enumerate(of_seeds, start=1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_the_difference_of_architectures_has_welchs_interval_over_networks():
    mine = table(vit=(0.90, 0.92, 0.94), cnn=(0.80, 0.81, 0.85)).set_index(["model", "seed"])
    # By hand: means .92 and .82, variances .0004 and .0007, error .01915, 3.72 degrees of freedom, quantile 2.862.
    assert difference(mine, MODELS, percent=True) == "10.0 (4.5 to 15.5)"


def test_a_difference_that_so_few_networks_do_not_show_says_which_they_would_have_shown():
    mine = table(vit=(0.90, 0.92, 0.94), cnn=(0.91, 0.92, 0.95)).set_index(["model", "seed"])
    # By hand: error .01667, 3.99 degrees of freedom, quantiles 2.777 and .941.
    assert difference(mine, MODELS, percent=True) == "-0.7 (-5.3 to 4.0); 6.2 would have been seen"


def test_shares_cannot_be_farther_apart_than_all_of_it():
    mine = table(vit=(0.02, 0.09), cnn=(0.98, 0.99)).set_index(["model", "seed"])
    assert difference(mine, MODELS, percent=True).startswith("-93.0 (-100.0 to ")


def test_one_network_of_each_kind_says_nothing_of_architectures():
    mine = table(vit=(0.9,), cnn=(0.8, 0.81)).set_index(["model", "seed"])
    assert difference(mine, MODELS, percent=True) == "–"


def test_the_network_that_was_trained_in_another_precision_is_shown_and_not_counted():
    counted = table(vit=(0.90, 0.92, 0.94), cnn=(0.80, 0.81, 0.85))
    shipped = pd.DataFrame([["starter-vit", 0, numbers()[0].name, 0.1, 0.0, 0.2]], columns=COLUMNS)
    both = kept(counted, shipped)
    assert difference(both.set_index(["model", "seed"]), MODELS, percent=True) == "10.0 (4.5 to 15.5)"
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
    assert difference(mine, MODELS, percent=False).startswith("0.095 (")
    assert difference(mine, MODELS, percent=False) == difference(mine.dropna(), MODELS, percent=False)
