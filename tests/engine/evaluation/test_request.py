"""What experiments on a model and a data set share: the data set is opened once, however often it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.concepts.projection import UnitMapRequest
from engine.core import config
from engine.core.request import build
from engine.data import registry
from engine.jobs.runner import Runner


def test_a_data_set_is_opened_once_for_a_requests_key_its_work_and_what_it_builds_on(
    person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, open_path = [], registry.open_path

    def counting(path: Path, name: str) -> registry.Dataset:
        opened.append(name)
        return open_path(path, name)

    monkeypatch.setattr(registry, "open_path", counting)
    runner = Runner(config.store())
    request = build(UnitMapRequest, model="local/clip", site="head.embedding", data="squares")
    result = runner.fetch(request, lambda progress: None)
    assert result.facts["images"] == 40 and opened == ["squares"]
    runner.fetch(request, lambda progress: None)
    assert opened == ["squares"] * 2, "the next one looks at the files anew"
