"""The boxes for uploaded directions and images, and what to enter for them."""

from __future__ import annotations

import streamlit as st

from pages.common import errors
from pages.common.units.uploads import file_box, image_box, keep_image, keep_vector


def popover() -> None:
    """The upload boxes, and what to enter in the unit box for an uploaded file."""
    with st.popover("Files", icon=":material/upload_file:"):
        vector = file_box(
            "A direction: a vector over the layer's units",
            type=["npy", "safetensors"],
            key="fv_vector",
            help="A concept vector, a latent of a sparse autoencoder, a text embedding. Only numbers are read, never code. ",
        )
        tensor = st.text_input(
            "Which tensor", key="fv_tensor", help="Only needed for a .safetensors file with several tensors."
        )
        if vector is not None:
            with errors.shown():
                _told(f"dir-{keep_vector(vector.getvalue(), vector.name, tensor.strip())}")
        image = image_box("An image to invert, exaggerate or start from", "fv_image")
        if image is not None:
            with errors.shown():
                name = f"up-{keep_image(image.getvalue(), image.name)}"
                _told(f"invert:{name}", f"caricature:{name}")


def _told(*texts: str) -> None:
    st.caption("Enter this in the unit box:")
    for text in texts:
        st.code(text, language=None)
