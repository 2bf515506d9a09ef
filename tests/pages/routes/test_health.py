"""Ready means: the engine is there, and results can be kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core import config
from pages.common import serve
from pages.routes import health


class Warm:
    error: Exception | None = None


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> Warm:
    warmth = Warm()
    monkeypatch.setattr(serve, "is_ready", lambda: True)
    monkeypatch.setattr(serve, "warm_up", lambda: warmth)
    return warmth


def test_it_is_ready_once_the_engine_is_there(own_store: Path, warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    assert health.why_not() == []
    monkeypatch.setattr(serve, "is_ready", lambda: False)
    assert health.why_not() == ["The engine is loading."]


def test_an_engine_that_cannot_be_loaded_is_not_ready(own_store: Path, warm: Warm) -> None:
    warm.error = ImportError("/somewhere/torch.so")
    (why,) = health.why_not()
    assert "could not be loaded" in why and "/somewhere" not in why


def test_a_cache_folder_that_is_gone_is_not_ready_and_its_path_is_not_told(own_store: Path, warm: Warm) -> None:
    folder = config.store().folder
    folder.rename(folder.with_name("elsewhere"))
    (why,) = health.why_not()
    assert "cache folder" in why and str(own_store) not in why
    folder.with_name("elsewhere").rename(folder)
    assert health.why_not() == []


def test_settings_that_cannot_be_used_are_not_ready(
    warm: Warm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vitrine.toml").write_text("nonsense")
    monkeypatch.setenv("VITRINE_CONFIG", str(tmp_path / "vitrine.toml"))
    config.settings.cache_clear()
    monkeypatch.setattr(config, "_open_store", lambda: config.settings())
    assert ["settings file" in why for why in health.why_not()] == [True]
    config.settings.cache_clear()
