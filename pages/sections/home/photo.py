"""The home page's box for a photo: what is dropped on it opens on the page "In a photo"."""

from __future__ import annotations

import streamlit as st

from pages.common.experiments.places import SCRIPTS
from pages.common.units.uploads import photo_box, photo_link


def box() -> None:
    """The box. A photo that was given switches to its page, which shows it at once."""
    image = photo_box("home_photo")
    if image is not None:
        st.switch_page(SCRIPTS["photo"], query_params=photo_link(image))
