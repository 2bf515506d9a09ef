"""Pages as a browser that follows a link sees them, and what stands in their notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pages.common.charts.files import Files

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


def figure_of(app: AppTest, key: str) -> tuple[list[str], list[np.ndarray], pd.DataFrame]:
    """What the figure behind a section's button “Figure” holds: its texts, its pictures and its numbers."""
    from engine.figures.drawing import Image, Text
    from pages.common.charts import figure

    taken: list[Files] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure, "_ways", lambda files, name, of, csv=False: of == key and taken.append(files))
        app.session_state[f"{key}-figure"] = True
        app.run()
    assert not app.exception and not app.error, said(app)
    files = taken[-1]  # a page may run more than once until it stands
    items = files.drawn().items
    texts = [item.text for item in items if isinstance(item, Text)]
    return texts, [item.pixels for item in items if isinstance(item, Image)], files.numbers()
