"""Where a claim can be looked at more closely: the page and its parameters. Knows no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.core.experiments import Page
from pages.common.experiments import single

if TYPE_CHECKING:
    from engine.claims.claim import Part
    from engine.claims.subject import Subject


POINTS: dict[Page, str] = {
    "spatial": "the maps of its block",
    "reliance": "the images that its model gets wrong",
    "visualize": "the pictures of these units",
}
"""What a point of a claim's chart opens, by the page that shows the claim."""


def at(where: tuple[Page, dict[str, str]], what: str) -> dict[str, str]:
    """The parameters of what a point opens there: `what` it carries is a depth, a model's variant, or the address of units."""
    page, params = where
    if page == "visualize":
        return {"a": what, **{name: value for name, value in params.items() if name == "data"}}
    return {**params, "depth" if page == "spatial" else "look": what}


def look(parts: Sequence[Part], subject: Subject) -> tuple[Page, dict[str, str]] | None:
    """The page that shows what these parts come to, and the parameters of its link; None where there are none."""
    if not parts:
        return None
    both, pair = {"a": subject.a, **({"b": subject.b} if subject.b else {})}, ",".join(subject.sides.values())
    kind = parts[0].request.experiment
    if kind in ("spatial-layers", "spatial-last"):
        return "spatial", {**both, "data": subject.data}
    if kind in ("background", "frequency"):  # both models, as that page shows them
        cut = str(dict(parts[0].request).get("cut", "box"))
        how = {} if cut == "box" else {"cut": cut}
        return "reliance", {"models": pair, "data": subject.data, "measures": kind, **how}
    if kind == "purity":
        return "concepts", {
            "a": subject.clip,
            "b": subject.vit[1] if subject.vit else "",
            "data": subject.data,
            "show": "purity",
        }
    return ("visualize" if kind == "explains" else "reliance"), single.link(parts[0].request)
