"""Results as commands tell them: intervals in pairs, None for what is not there, each thing left out once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.cli.rows import left_out, row_of, skipped, tables_of
from engine.core.request import Result


def test_an_interval_is_one_pair_under_the_name_of_its_value() -> None:
    cells = {"model": "a", "share": 0.5, "low": 0.4, "high": 0.6, "top1": 0.2, "top1_low": 0.1, "top1_high": 0.3}
    expected = {"model": "a", "share": 0.5, "top1": 0.2, "top1_interval": [0.1, 0.3], "interval": [0.4, 0.6]}
    assert row_of(cells) == expected


def test_what_is_not_there_is_none_and_so_is_its_interval() -> None:
    table = pd.DataFrame(
        {"loss": [1.0, np.nan], "ratio": [2.0, np.nan], "ratio_low": [1.0, np.nan], "ratio_high": [3.0, np.nan]}
    )
    rows = tables_of(Result({}, tables={"all": table}))["all"]
    assert rows[0] == {"loss": 1.0, "ratio": 2.0, "ratio_interval": [1.0, 3.0]}
    assert rows[1] == {"loss": None, "ratio": None, "ratio_interval": None}


def test_what_several_results_left_out_is_told_once_and_older_results_tell_nothing() -> None:
    told = [[["a.png", "damaged"], ["b.png", "empty"]], [["a.png", "damaged"]]]
    results = [Result({}), *(Result({}, facts={"skipped": entries}) for entries in told)]
    assert skipped(results) == [["a.png", "damaged"], ["b.png", "empty"]]
    assert left_out(skipped(results)) == ["left out: a.png: damaged", "left out: b.png: empty"]
