"""Uploaded directions and images, stored under a name that requests accept; each is read once."""

from __future__ import annotations

import streamlit as st


@st.cache_data(max_entries=32, show_spinner=False)
def keep_vector(data: bytes, name: str, tensor: str) -> str:
    """The digest that a direction is known by from now on. Raises RefusedFile for a file that holds none."""
    from engine.data.uploads import keep_vector

    return keep_vector(data, name, tensor)


@st.cache_data(max_entries=32, show_spinner=False)
def keep_image(data: bytes, name: str) -> str:
    """The digest that an image is known by from now on. Raises RefusedFile for what is no image."""
    from engine.data.uploads import keep_image

    return keep_image(data, name)
