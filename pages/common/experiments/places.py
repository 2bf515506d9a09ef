"""Where each page stands: its script by the name of its sections."""

from __future__ import annotations

from engine.core.experiments import Page

SCRIPTS: dict[Page, str] = {
    "visualize": "pages/feature_visualization.py",
    "spatial": "pages/spatial.py",
    "reliance": "pages/background.py",
    "concepts": "pages/concepts.py",
}
"""The pages that show experiments, in the order of the navigation."""
HOME, MODELS = "pages/home.py", "pages/models.py"
