"""What the feature visualization page is showing: kept in the session, and always the same as what its address says."""

from __future__ import annotations

from engine.core.errors import VitrineError
from pages.common import experiment_page, results
from pages.common.batch import Batch
from pages.common.experiment_page import ExperimentPage
from pages.sections.visualize import permalink, pickers
from pages.sections.visualize.view import Row, View, check, rows

coming = experiment_page.coming


def _refusal(view: View) -> str | None:
    """Why a view that came with a link cannot be shown; None where it can."""
    try:
        for row in rows(view):
            # What is stored needs no model: it shows at once.
            if results.find(row.key) is None:
                check(row.address, view.data)
    except VitrineError as error:
        return str(error)
    return None


_PAGE: ExperimentPage[View] = ExperimentPage(
    "fv",
    permalink.read,
    permalink.write,
    requests=lambda view: [row.request for row in rows(view)],
    fill=pickers.fill,
    refusal=_refusal,
    nothing="The link names no units. Write ?a=model@site:units.",
)
SETUP = _PAGE.setup
follow_link, view, show, settle = _PAGE.follow_link, _PAGE.shown, _PAGE.show, _PAGE.settle


def batch(shown: list[Row]) -> Batch | None:
    """The jobs of this view: those that this session started, or those that are on already (a reloaded page)."""
    return _PAGE.batch([row.request for row in shown])
