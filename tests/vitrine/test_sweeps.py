"""Sweeps in a notebook: what one comes to, carrying it out, its numbers, and the same one when it is asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

import vitrine
from engine.sweeps import running
from engine.visualization import recipes

ASKED = {"sites": "stages.0.*", "units": "0-2", "part": 2, "data": "photos"}


@pytest.mark.usefixtures("own_store")
def test_a_sweep_is_made_found_again_and_exported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(running, "POLL_SECONDS", 0.01)
    few = recipes.FAST.model_copy(update={"steps": 2, "finish": None})
    monkeypatch.setitem(recipes.RECIPES, "fast", few)
    sweep = vitrine.sweep("starter-cnn", **ASKED)
    before = sweep.cost()
    assert before["parts_there"] == before["pictures_there"] == 0 and before["room"].endswith("B")
    assert sweep.run(workers=0) is sweep and sweep.failed == {}
    again = vitrine.sweep("starter-cnn", **ASKED)
    assert again.id == sweep.id and again.cost()["parts_there"] == before["parts"]
    assert len(again.numbers) == before["pictures"] and {"model", "site", "unit", "activation"} <= set(again.numbers)
    assert [len(result.images) for result in again.results()][:2] == [2, 1]
    assert again.export(tmp_path / "out.zip") == before["parts"] and (tmp_path / "out.zip").exists()


def test_what_is_wrong_with_it_is_said() -> None:
    with pytest.raises(vitrine.VitrineError, match="has no setting “colour”"):
        vitrine.sweep("starter-cnn", colour="red").cost()
