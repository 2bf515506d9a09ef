"""A recipe's text is part of keys: those of before keep theirs."""

from __future__ import annotations

from engine.visualization.recipes import (
    FAST,
    MACO,
    PAPER,
    PAPER_CODE,
    Recipe,
)


def test_recipes_of_before_keep_their_text_and_so_their_results():
    for recipe in (FAST, PAPER, PAPER_CODE):
        assert recipe.model_dump().keys().isdisjoint({"optimizer", "schedule", "canvas", "view"})
    assert Recipe.model_validate(MACO.model_dump()) == MACO
