"""Every page, run without a browser: it opens, it says what is wrong, and it starts nothing that was not asked for."""

from __future__ import annotations

import pytest

from pages.sections.home import gallery
from tests.pages.opening import PAGES, VISUALIZATION, opened, owners_of, said


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(page: str) -> None:
    app = opened(page)
    assert not app.exception and not app.error, said(app)
    assert app.title[0].value


def test_nothing_is_computed_before_somebody_asks() -> None:
    from engine.jobs.scheduler import jobs

    opened(VISUALIZATION)
    # The home page's gallery, through which every session of these tests comes, is the one thing that starts by itself.
    assert [job.request for job in jobs().active() if owners_of(job.id) != [gallery.OWNER]] == []
