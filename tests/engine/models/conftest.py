"""A person's models, and the hub's cache, for the tests of models."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from huggingface_hub import constants

from engine.models import hub as hub_of_models


@pytest.fixture
def folder(tmp_path, configured) -> Path:
    """A folder whose models.toml and `models` are a person's own for one test."""
    configured(models_toml="models.toml")
    return tmp_path


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty hub cache, and a hub that may be asked (nobody answers at its address)."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(hub_of_models, "_silent_until", 0.0)
    return tmp_path / "hub"


@pytest.fixture
def patience(monkeypatch) -> list[float]:
    """How many seconds each question to the hub was given."""
    given: list[float] = []
    ask = urllib.request.urlopen

    def noted(request, timeout):
        given.append(timeout)
        return ask(request, timeout=timeout)

    monkeypatch.setattr(hub_of_models.urllib.request, "urlopen", noted)
    return given
