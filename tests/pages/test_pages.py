"""Every page, run without a browser: it opens, it says what is wrong, and it starts nothing that was not asked for."""

from __future__ import annotations

import pytest

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
