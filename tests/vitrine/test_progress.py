"""The progress bar follows a job through its stages and leaves nothing behind."""

from __future__ import annotations

import io

import pytest
from tqdm import tqdm

from engine.core.request import Progress
from vitrine import progress


@pytest.fixture
def bars(monkeypatch):
    """All bars that were shown, each drawn into memory."""
    shown = []

    def shown_bar(**options):
        shown.append(tqdm(file=io.StringIO(), mininterval=0, **options))
        return shown[-1]

    monkeypatch.setattr(progress, "tqdm", shown_bar)
    return shown


def test_each_stage_has_a_bar_that_moves_with_the_steps(bars):
    with progress.bar("visualize") as shown:
        shown.show(None)
        assert bars == []
        for step in (0, 3, 10):
            shown.show(Progress(step, 10, "Making pictures"))
        shown.show(Progress(1, 4, "Reading images"))
        assert [(bar.n, bar.total) for bar in bars] == [(10, 10), (1, 4)]
        assert [bar.desc for bar in bars] == ["Making pictures: ", "Reading images: "]
        shown.show(Progress(0, 4))
        assert len(bars) == 3 and bars[-1].desc == "visualize: "


def test_no_bar_stays_when_a_job_fails(bars):
    with pytest.raises(KeyboardInterrupt), progress.bar("index") as shown:
        shown.show(Progress(1, 2))
        raise KeyboardInterrupt
    assert bars[0].disable, "tqdm calls a closed bar disabled"
