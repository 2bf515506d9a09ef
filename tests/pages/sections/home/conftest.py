"""What hangs on the home page of these tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from cache.blob import Blob
from engine.core import config
from pages.sections.home import gallery

UNITS = gallery.EXHIBITS[0].addresses[1]
KEYS = {address: f"k{number}.bfloat16" for number, address in enumerate(UNITS)}


@pytest.fixture
def hung(own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One layer of the first network has its pictures in the store."""
    for address, ratio, low in zip(UNITS, (1.84, 95.9), (1.5, -39.5), strict=True):
        table = pd.DataFrame({"unit": [*address.units], "ratio_to_best_scene": [ratio], "ratio_low": [low]})
        images = np.zeros((1, 16, 16, 3), np.uint8)
        request = {"experiment": "visualize", "version": 6, "model": address.model, "site": address.site}
        config.store().put(KEYS[address], Blob({"images": images}, {"units": table}, {"request": request, "facts": {}}))
    listed = {
        "pictures": {str(address): key for address, key in KEYS.items()},
        "verdicts": [["position", "Position lasts", "holds in part"]],
    }
    (tmp_path / "home.json").write_text(json.dumps(listed))
    monkeypatch.setattr(gallery, "LIST", tmp_path / "home.json")
    gallery.shipped.cache_clear()
    st.cache_resource.clear()
    yield
    gallery.shipped.cache_clear()
    st.cache_resource.clear()
