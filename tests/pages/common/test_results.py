"""What pages read: data sets as their files are now, and results with the precision that they were computed in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.core import config
from engine.core.images import to_png
from engine.core.request import Result
from engine.data import registry
from engine.data.registry import open_dataset
from pages.common import results
from tests.conftest import compute_in


def put(folder: Path, name: str, grey: int) -> None:
    (folder / name).write_bytes(to_png(np.full((8, 8, 3), grey, np.uint8)))


def seconds_pass() -> None:
    results._listed.clear()


@pytest.fixture
def folder(tmp_path: Path, configured: Callable[..., None]) -> Path:
    """The data folder “mine”, with one picture."""
    configured(data_folders={"mine": tmp_path})
    put(tmp_path, "b.png", 20)
    seconds_pass()  # since the tests before
    return tmp_path


def test_a_page_sees_the_pictures_that_requests_see_when_a_folder_has_changed(folder: Path) -> None:
    before = results.image("mine", 0, (8, 8))
    assert results.dataset("mine").image(0)[0, 0, 0] == 20
    put(folder, "a.png", 10)
    seconds_pass()
    assert results.dataset("mine").fingerprint == open_dataset("mine").fingerprint
    assert results.dataset("mine").image(0)[0, 0, 0] == 10
    assert results.image("mine", 1, (8, 8)) == before != results.image("mine", 0, (8, 8))


def test_a_folder_that_stays_the_same_is_listed_once_and_stays_the_same_object(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = results.dataset("mine")
    seconds_pass()
    assert results.dataset("mine") is first
    monkeypatch.setattr(registry, "open_dataset", lambda name: pytest.fail("the folder was listed again"))
    assert results.dataset("mine") is first


def foreign() -> None:
    import streamlit as st

    from pages.common import results

    with results.labelled():
        st.title("Page")
        for key in ("first", "second", "absent"):
            results.find(key)


def test_at_a_pages_end_stands_what_was_computed_in_another_precision(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute_in(monkeypatch, "bfloat16")
    for key, precision in {"first": "float32", "second": "bfloat16"}.items():
        request = {"experiment": "index", "model": f"my_{key}", "site": "head.logits"}
        config.store().put(f"{key}.{precision}", Result(request, facts={"precision": precision}).to_blob())
    app = AppTest.from_function(foreign, default_timeout=30).run()
    assert not app.exception
    told = [caption.value.replace("\\", "") for caption in app.caption]
    assert told == ["index `my_first@head.logits`: Computed in float32; this machine computes in bfloat16."]
    assert [each.type for each in app.main][-2:] == ["title", "caption"]
    config.store().delete("first.float32")
    st.cache_resource.clear()
    assert [*app.run().caption] == []
