"""The named units of a site as one table that can be sorted, filtered and taken along.

Invariant: a table has one row a unit, and filtering never changes what stands in a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

from engine.concepts.abstract import Split, split_of, starter_split
from engine.concepts.vocabulary import open_vocabulary
from engine.core.export import to_csv
from engine.core.request import Result

Sort = Literal["score", "selectivity", "purity", "unit"]


def units_table(naming: Result, index: Result | None = None, purity: Result | None = None) -> pd.DataFrame:
    """One row for each unit of a `name-units` result.

    Columns: address, site, unit, words (the best words, joined), word and score (the best one's), named (whether it is
    above chance); selectivity where the index is there; concept, auroc and pure (whether the unit is a concept unit)
    where purity was measured for this site. What is not known is missing (NaN).
    """
    request, known = naming.request, naming.facts["words"]
    numbers, scores = naming.arrays["words"], naming.arrays["scores"]
    count = len(numbers)
    table = pd.DataFrame(
        {
            "address": [f"{request['model']}@{request['site']}:{unit}" for unit in range(count)],
            "site": request["site"],
            "unit": np.arange(count),
            "word": [known[row[0]] for row in numbers],
            "score": scores[:, 0],
            "words": [", ".join(known[number] for number in row) for row in numbers],
            "named": ~naming.arrays["abstained"].astype(bool),
            "selectivity": np.nan if index is None else index.arrays["selectivity"],
        }
    )
    if purity is None:
        return table.assign(concept=None, auroc=np.nan, pure=False)
    mine = purity.tables["units"]
    mine = mine[mine["site"] == request["site"]].set_index("unit")[["tag", "auroc", "concept"]]
    mine = mine.rename(columns={"tag": "concept", "concept": "pure"}).reindex(table["unit"]).reset_index(drop=True)
    return table.assign(
        concept=mine["concept"], auroc=mine["auroc"], pure=[value is True or value == 1 for value in mine["pure"]]
    )


def chosen(
    table: pd.DataFrame,
    sort: Sort = "score",
    word: str = "",
    concept: str = "",
    least: float = 0.0,
    named: bool = False,
) -> pd.DataFrame:
    """The rows that fit, best first (units by number where sorted by unit).

    `word`: text that one of the unit's words contains; `concept`: the tag it follows best; `least`: the smallest AUROC
    against that tag (0: any); `named`: leave out units whose best word is not above chance. Units without the number
    that is sorted by come last.
    """
    kept = table
    if word.strip():
        kept = kept[kept["words"].str.contains(word.strip(), case=False, regex=False)]
    if concept:
        kept = kept[kept["concept"] == concept]
    if least > 0:
        kept = kept[kept["auroc"] >= least]
    if named:
        kept = kept[kept["named"]]
    column = "auroc" if sort == "purity" else sort
    return kept.sort_values(column, ascending=sort == "unit", kind="stable", na_position="last")


def concepts(table: pd.DataFrame) -> list[str]:
    """The concepts that some unit of the table follows, in the order of the alphabet."""
    return sorted(table.loc[table["pure"], "concept"].dropna().unique())


def names_csv(namings: Iterable[Result]) -> str:
    """Every unit of these `name-units` results as CSV: address, site, unit, named, then each word with its score."""
    parts = []
    for naming in namings:
        table = units_table(naming)[["address", "site", "unit", "named"]]
        known, scores = naming.facts["words"], naming.arrays["scores"]
        for place, numbers in enumerate(naming.arrays["words"].T, start=1):
            table[f"word_{place}"] = [known[number] for number in numbers]
            table[f"score_{place}"] = scores[:, place - 1]
        parts.append(table)
    return to_csv(pd.concat(parts)) if parts else ""


def by_depth(layers: pd.DataFrame) -> pd.DataFrame:
    """A table with one row a layer, in order, with its `depth`: 0 for the first layer and 1 for the last."""
    return layers.assign(depth=np.linspace(0, 1, len(layers)) if len(layers) > 1 else 1.0)


def followers(purity: Result, concept: str) -> pd.DataFrame:
    """The units beyond likeness of a `purity` result that have this tag as their best, highest AUROC first."""
    units = purity.tables["units"]
    mine = units[units["beyond_likeness"].astype(bool) & (units["tag"] == concept)]
    return mine.sort_values("auroc", ascending=False, kind="stable")


def concreteness(name: str) -> Split:
    """What says how concrete words are: the vocabulary of that name, which has a score for each word, or ("") the starter's.

    Raises VitrineError where there is no such list, or one without scores.
    """
    if not name:
        return starter_split()
    listed = open_vocabulary(name)
    return split_of(name, listed.words, listed.scores)
