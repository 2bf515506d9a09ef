"""Units with their words as a table: filters keep exactly what fits, and the file has every unit."""

from __future__ import annotations

import pandas as pd

from engine.concepts import browsing
from tests.engine.concepts.made import MODEL, UNITS, index, naming, purity


def test_filters_keep_exactly_the_units_that_fit() -> None:
    table = browsing.units_table(naming(), index(), purity())
    assert list(browsing.chosen(table)["unit"][:1]) == [100]
    assert list(browsing.chosen(table, sort="unit", named=True)["unit"][:4]) == [0, 1, 2, 4]
    assert list(browsing.chosen(table, sort="purity", concept="music")["unit"]) == [6, 5, 7]
    assert list(browsing.chosen(table, sort="purity", least=0.75)["unit"]) == [6, 5]
    assert set(browsing.chosen(table, word="GUIT")["unit"]) == {u for u in range(UNITS) if u % 4 != 1}
    assert browsing.concepts(table) == ["music"] and list(browsing.followers(purity(), "music")["unit"]) == [6, 5]


def test_without_purity_nothing_is_said_of_concepts() -> None:
    table = browsing.units_table(naming())
    assert not table["pure"].any() and table["auroc"].isna().all() and browsing.concepts(table) == []


def test_the_csv_has_every_unit_of_every_named_layer_with_words_and_scores() -> None:
    lines = browsing.names_csv([naming(), naming("blocks.7.mlp.hidden")]).splitlines()
    assert len(lines) == 1 + 2 * UNITS
    assert lines[0] == "address,site,unit,named,word_1,score_1,word_2,score_2,word_3,score_3"
    assert lines[1] == f"{MODEL}@blocks.6.mlp.hidden:0,blocks.6.mlp.hidden,0,True,guitar,0.5,apple,0.4,sea,0.3"
    assert lines[4].split(",")[3] == "False"


def test_layers_run_from_the_first_to_the_last() -> None:
    assert list(browsing.by_depth(pd.DataFrame({"layer": range(3)}))["depth"]) == [0, 0.5, 1]
