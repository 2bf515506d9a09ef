"""Where each page stands: its script by the name of its sections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from engine.core.experiments import Page

SCRIPTS: dict[Page, str] = {
    "visualize": "pages/feature_visualization.py",
    "spatial": "pages/spatial.py",
    "reliance": "pages/background.py",
    "concepts": "pages/concepts.py",
    "photo": "pages/photo.py",
}
"""The pages that show experiments, in the order of the navigation."""
LOOKS: dict[Page, tuple[str, str]] = {
    "visualize": ("Feature visualization", "visibility"),
    "spatial": ("Spatial probe", "grid_on"),
    "reliance": ("Background", "texture"),
    "concepts": ("Concepts", "translate"),
    "photo": ("In a photo", "image_search"),
}
"""What these pages are called in the navigation, and their icons."""
HOME, CLAIMS, MODELS = "pages/home.py", "pages/claims.py", "pages/models.py"
ACTIVITY, PRIVACY = "pages/activity.py", "pages/privacy.py"
COLLECTIONS, HISTORY, RESULT, TOKENS = (
    "pages/collections.py",
    "pages/history.py",
    "pages/result.py",
    "pages/tokens.py",
)
BY_NAME = {
    Path(script).stem: script for script in (*SCRIPTS.values(), HOME, CLAIMS, MODELS, COLLECTIONS, HISTORY, RESULT)
}
"""The pages that links and collections may open, by the names that they have there."""
_OPEN = "open_page"


def looks(page: str) -> tuple[str, str] | None:
    """Title and icon of a page that shows experiments, by the name that links and collections have for it; None for others."""
    return next((LOOKS[each] for each, script in SCRIPTS.items() if Path(script).stem == page), None)


def note_open(url_path: str) -> None:
    """The page of this path is open in this session."""
    st.session_state[_OPEN] = url_path or Path(HOME).stem


def opened() -> str:
    """The name of the page that is open."""
    return str(st.session_state.get(_OPEN, Path(HOME).stem))


def link_to_photo(label: str, image: int | str, data: str, models: Sequence[str], icon: str | None = None) -> None:
    """From an image of a data set to what these models see in it: the first two; what the page opens on where none is named."""
    about, params = "What models see in this image", photo(image, data, models)
    st.page_link(SCRIPTS["photo"], label=label, icon=icon, query_params=params, help=about)


def photo(image: int | str, data: str, models: Sequence[str]) -> dict[str, str]:
    """The parameters of that link."""
    return {"image": str(image), "data": data, **dict(zip("ab", models, strict=False))}
