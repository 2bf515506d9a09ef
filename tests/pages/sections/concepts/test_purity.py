"""The purity section of the page "Concepts", drawn from whole results of two models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from engine.core.request import Result
from pages.common import query
from pages.sections.concepts import purity, requests
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView
from tests.engine.concepts.made import naming
from tests.pages.sections.concepts.opening import jobs_of_the_page, opened, store, text_of

SITES = [f"blocks.{block}.mlp.hidden" for block in range(8)]
VIEW = ConceptsView(a="starter-vit", b="starter-clip", reader="local/clip", show="purity")
SHARES = {
    "beyond_likeness": 1, "twin": 0.2, "directions": 0.5, "shuffled": 0.1, "concept_units": 0.1, "nominal_units": 1.5,
    "kind_units": 2.5, "twin_kind_units": 0.8, "directions_kind_units": 1.6, "baseline": 0.375, "strict_baseline": 0.5,
}  # fmt: skip
"""As multiples of the first."""


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    """Pages remember results by their keys, whatever store they came from, and other tests store others under these."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def spread(row: dict[str, object], share: float) -> dict[str, object]:
    """Each share with an interval of two points to either side, under the names that the engine gives them."""
    for name, times in SHARES.items():
        row |= {name: times * share, f"{name}_low": times * share - 0.02, f"{name}_high": times * share + 0.02}
    return row


def result(model: str, language: bool, share: float, of_data: str = "starter") -> Result:
    """A model of whose units `share` are beyond likeness in every layer; units 0, 4 and 5 of block 6 follow music."""
    layers = [
        spread({"site": site, "layer": n, "units": 768, "independent": 400}, share) for n, site in enumerate(SITES)
    ]
    units = pd.DataFrame(
        {
            "site": "blocks.6.mlp.hidden", "layer": 6, "unit": np.arange(8), "tag": "sea", "auroc": 0.5,
            "score": 0.0, "beyond_likeness": False, "kind": "", "kind_unit": False, "concept": False,
        }
    )  # fmt: skip
    units.loc[[0, 4, 5], "tag"] = "guitar"
    units.loc[[0, 4, 5], "auroc"] = [0.8, 0.9, 0.7]
    units.loc[[0, 4, 5], "score"] = [5.0, 4.0, 3.0]
    units.loc[[0, 4, 5], "beyond_likeness"] = True
    concepts = pd.DataFrame(
        {
            "tag": ["guitar", "sea"], "names": ["guitar", "sea"], "units": [3, 0], "concept_units": [1, 0],
            "kinds": [12, 9], "auroc": [0.9, np.nan], "by_chance": [0.4, 0.2], "by_chance_low": 0.0, "by_chance_high": 2.0,
        }
    )  # fmt: skip
    overall = pd.DataFrame([spread({"units": 6144, "independent": 3000}, share) | {"average_precision": 0.026}])
    tables = {"units": units, "layers": pd.DataFrame(layers), "overall": overall, "concepts": concepts}
    facts = {"concepts": 148, "kinds": 849, "images": 1698, "language": language, "few": 0.67}
    facts |= {
        "left_out": ["two"],
        "power": 0.23,
        "power_single": 0.08,
        "kinds_by_chance": 0.004,
        "by_chance": 0.008,
        "level": 0.05,
        "permutations": 1000,
    }
    return Result({"model": model, "data": of_data}, {}, tables, facts)


def show(**results: Result) -> str:
    """The page's words with these results of `starter-vit` and `starter-clip` in the store."""
    for part in requests.parts(VIEW):
        if (model := getattr(part.request, "model", "").removeprefix("starter-")) in results:
            store(part.request, results[model])
    app = opened(**query.write(VIEW))
    assert not app.exception and not app.error, text_of(app)
    assert jobs_of_the_page() == []
    return text_of(app)


@pytest.mark.usefixtures("reader")
def test_two_models_are_held_against_each_other_in_a_sentence_and_a_table() -> None:
    app_text = show(vit=result("starter-vit", False, 0.12), clip=result("starter-clip", True, 0.30))
    assert (
        "30.0% (28.0% to 32.0%) of starter-clip's units follow a concept beyond likeness, 12.0% (10.0% to 14.0%) of starter-vit's"
        in (app_text)
    )
    assert "148 concepts, 849 kinds, 1698 images" in app_text
    assert "Fewer than 16 concept units of a layer of 768 cannot be found, however clear they are" in app_text


@pytest.mark.usefixtures("reader")
def test_every_share_that_a_chart_tells_stands_with_its_interval_beside_what_it_is_held_against() -> None:
    app_text = show(vit=result("starter-vit", False, 0.12), clip=result("starter-clip", True, 0.30))
    assert (
        "Units beyond likeness, all layers: :blue[starter-vit] 12.0% (10.0 to 14.0%); untrained 2.4% (0.4 to 4.4%); random "
        "directions 6.0% (4.0 to 8.0%) · :orange[starter-clip] 30.0% (28.0 to 32.0%)" in app_text
    )
    assert (
        "Units that single out one kind: :blue[starter-vit] 30.0% (28.0 to 32.0%); untrained 9.6% (7.6 to 11.6%); random "
        "directions 19.2% (17.2 to 21.2%)" in app_text
    )
    assert "in a random order 0.4% single one out" in app_text


def test_the_units_of_a_concept_are_candidates_beside_how_many_chance_gives() -> None:
    row = result("starter-vit", False, 0.12).tables["concepts"].iloc[0].to_dict()
    assert purity.candidates(row).startswith(
        "3 candidates for **guitar**, each tested at 5%; with tags permuted among kinds that look alike 0.4 (0 to 2) would pass. "
        "1 of them is certain"
    )
    assert "None of them is certain" in purity.candidates(row | {"concept_units": 0})


@pytest.mark.usefixtures("reader")
def test_the_table_of_all_layers_has_a_row_for_each_measure_and_a_column_for_each_model() -> None:
    show(vit=result("starter-vit", False, 0.12), clip=result("starter-clip", True, 0.30))
    app = opened(**query.write(VIEW))
    (table,) = [each.value for each in app.dataframe if "Units" in each.value and "starter-clip" in each.value]
    rows = table.set_index("Units")
    assert rows.loc["Beyond likeness"].tolist() == ["12.0% (10.0–14.0%)", "30.0% (28.0–32.0%)"]
    assert rows.loc["with tags permuted", "starter-vit"] == "4.5% (2.5–6.5%)"
    assert rows.loc["one kind, untrained network", "starter-vit"] == "9.6% (7.6–11.6%)"
    listed = [each.value for each in app.dataframe if "tag" in each.value]
    assert [list(each["tag"]) for each in listed] == [["guitar"], ["guitar"]], "a concept without units is not listed"


@pytest.mark.usefixtures("reader")
def test_names_are_held_against_the_truth_in_the_layers_that_are_named() -> None:
    """Unit 0 is named guitar and is one, 4 is named guitar too, 5 is named apple."""
    text = show(vit=result("starter-vit", False, 0.12), clip=result("starter-clip", True, 0.30))
    assert "Run **All units of a layer**" in text
    store(views.naming(VIEW, "starter-vit", "blocks.6.mlp.hidden"), naming())
    app = opened(**query.write(VIEW))
    (table,) = [each.value for each in app.dataframe if "Top-1 label is the concept" in each.value]
    row = table.iloc[0]
    assert (row["Layer"], row["Beyond likeness"], row["Labelled"]) == ("blocks.6.mlp.hidden", 3, 3)
    assert row["Top-1 label is the concept"].startswith("67%")


@pytest.mark.usefixtures("reader")
def test_a_result_that_is_there_alone_says_what_it_says_alone() -> None:
    alone = VIEW.model_copy(update={"b": ""})
    store(requests.parts(alone)[0].request, result("starter-vit", False, 0.12))
    text = text_of(opened(**query.write(alone)))
    assert (
        "12.0% (10.0% to 14.0%) of starter-vit's units follow a concept beyond likeness. The same test: untrained 2.4%"
        in text
    )
    assert (
        "0.026 (by chance 0.008). A unit with an AUROC of 0.77 is found in 23% of cases where it is tested alone"
        in text
    )
    assert "and in 8% at the p-value of 1/1001" in text
    assert "starter-clip" not in text
