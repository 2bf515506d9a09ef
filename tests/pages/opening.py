"""Pages as a browser that follows a link sees them, and what stands in their notices."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT

VISUALIZATION = "pages/feature_visualization.py"
PAGES = ["pages/home.py", VISUALIZATION, "pages/models.py"]
GOOD = "starter-vit@blocks.6.mlp.hidden:0-3"


def owners_of(key: str) -> list[str]:
    from engine.jobs.scheduler import jobs

    return list(jobs()._records[key].owners)


def opened(page: str, **link: str) -> AppTest:
    """A page as a browser that follows this link would see it first."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params.update(link)
    app.run()
    return app.switch_page(page).run() if page != PAGES[0] else app


def said(app: AppTest) -> str:
    """Everything that stands in notices and errors."""
    return "\n".join(each.value for kind in (app.error, app.warning, app.info) for each in kind)
