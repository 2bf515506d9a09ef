"""The paper, claim by claim: what it found, and whether that holds of two models here."""

from __future__ import annotations

from pages.common import errors
from pages.common.experiment_page import flat_page
from pages.sections.claims import cards, setup
from pages.sections.claims.view import ClaimsView, example, requests
from pages.sections.home import gallery

PAGE = flat_page(
    setup.PREFIX,
    ClaimsView,
    requests,
    nothing="The link names no model. Write ?a=starter-vit&b=starter-cnn.",
    fill=setup.fill,
    example=example,
)

view = PAGE.opening(
    "The paper, claim by claim",
    "What “What do Vision Transformers Learn? A Visual Exploration” (2022) found, one claim after the other, and whether "
    "it holds of the two models chosen here. Verdicts are computed from the numbers; where these cannot tell, the card says why.",
    setup.draw,
)
if view is not None:
    with errors.shown():
        cards.draw(PAGE, view, gallery.shipped().places)
