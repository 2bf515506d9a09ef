"""Where pages stand: each has its script, and those that show experiments a title and an icon of their own."""

from __future__ import annotations

from pathlib import Path

from engine.core.experiments import experiments
from pages.common.experiments import places
from tests.conftest import ROOT


def test_every_page_has_its_script() -> None:
    assert all((ROOT / script).is_file() for script in places.BY_NAME.values())
    assert {entry.page for entry in experiments().values()} <= places.SCRIPTS.keys()


def test_each_page_of_experiments_is_told_from_the_others_in_words_and_by_its_icon() -> None:
    assert places.LOOKS.keys() == places.SCRIPTS.keys()
    for part in zip(*places.LOOKS.values(), strict=True):
        assert len({*part}) == len(places.LOOKS)
    for page, script in places.SCRIPTS.items():
        assert places.looks(Path(script).stem) == places.LOOKS[page]
    assert places.looks("home") is None and places.looks("no such page") is None
