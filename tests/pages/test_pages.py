"""Every page, run without a browser: it opens, it says what is wrong, and it starts nothing that was not asked for."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from pages.common.experiment_page import CHANGED
from tests.conftest import ROOT
from tests.pages.opening import PAGES, VISUALIZATION, opened, said


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(page: str) -> None:
    app = opened(page)
    assert not app.exception and not app.error, said(app)
    assert app.title[0].value


def test_nothing_is_computed_before_somebody_asks() -> None:
    from engine.jobs.scheduler import jobs

    opened(VISUALIZATION)
    assert [job.request for job in jobs().active()] == []


@pytest.mark.parametrize(
    ("page", "widget", "key", "chosen"),
    [
        (VISUALIZATION, "number_input", "fv_seed", 7),
        (VISUALIZATION, "selectbox", "fv_watched", "off"),
        ("pages/spatial.py", "selectbox", "sp_data", "photos"),
        ("pages/background.py", "selectbox", "bg_data", "photos"),
        ("pages/concepts.py", "selectbox", "cn_data", "photos"),
        ("pages/photo.py", "text_input", "ph_image", "5"),
    ],
)
def test_what_was_chosen_and_not_yet_run_is_there_when_one_comes_back(
    page: str, widget: str, key: str, chosen: object
) -> None:
    app = opened(page)
    getattr(app, widget)(key=key).set_value(chosen).run()
    app.switch_page("pages/models.py").run()
    app.switch_page(page).run()
    assert not app.exception and getattr(app, widget)(key=key).value == chosen


@pytest.mark.parametrize(
    ("page", "key", "other"),
    [
        (VISUALIZATION, "fv_data", "photos"),
        ("pages/spatial.py", "sp_a", "starter-cnn"),
        ("pages/claims.py", "cl_b", "No second model"),
        ("pages/concepts.py", "cn_data", "photos"),
        ("pages/photo.py", "ph_a", "starter-cnn"),
    ],
)
def test_a_choice_that_is_not_shown_yet_is_told_and_none_is_told_before_or_when_it_is_taken_back(
    page: str, key: str, other: str
) -> None:
    app = opened(page)
    before = app.selectbox(key=key).value
    assert not app.exception and CHANGED not in [caption.value for caption in app.caption]
    app.selectbox(key=key).set_value(other).run()
    assert not app.exception and [caption.value for caption in app.caption].count(CHANGED) == 1
    app.selectbox(key=key).set_value(before).run()
    assert not app.exception and CHANGED not in [caption.value for caption in app.caption]


def test_what_is_measured_of_other_models_is_told_to_be_of_others() -> None:
    app = opened("pages/background.py")
    assert CHANGED not in [caption.value for caption in app.caption]
    app.multiselect(key="bg_models").set_value(["starter-cnn"]).run()
    assert not app.exception and CHANGED in [caption.value for caption in app.caption]


def test_the_first_page_is_drawn_without_torch() -> None:
    """What app.py and the home page import when they are read."""
    imports = [
        node
        for script in (ROOT / "app.py", ROOT / "pages" / "home.py")
        for node in ast.parse(script.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
    ]
    lines = [
        f"from {node.module} import {', '.join(one.name for one in node.names)}"
        for node in imports
        if node.module != "__future__"
    ]
    asks = "; ".join([*lines, "import sys", "print({'torch', 'timm'} & sys.modules.keys())"])
    told = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
