"""A ViT, a CNN and a CLIP, of which nothing is known but what kinds of layers they have."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.claims import subject
from tests.engine.claims.planted import ROLES


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, frozenset[str]]:
    """The roles of the planted models; for one test the catalog has these."""
    monkeypatch.setattr(subject.catalog, "fingerprint", lambda name: f"weights of {name}")
    monkeypatch.setattr(subject, "_roles", lambda name, fingerprint: ROLES[name])
    return ROLES
