"""Files that become part of what is looked at: a direction or an image, kept under a name that the unit box takes."""

from __future__ import annotations

import streamlit as st

from pages.common import errors


def popover() -> None:
    """The upload boxes, with the text to write for what was uploaded."""
    with st.popover("Files", icon=":material/upload_file:"):
        vector = st.file_uploader(
            "A direction: a vector over the layer's units",
            type=["npy", "safetensors"],
            key="fv_vector",
            help="A concept vector, a latent of a sparse autoencoder, a text embedding. Only numbers are read.",
        )
        tensor = st.text_input("Which tensor", key="fv_tensor", help="Only for a .safetensors file with several.")
        if vector is not None:
            with errors.shown():
                _told(f"dir-{keep_vector(vector.getvalue(), vector.name, tensor.strip())}")
        image = st.file_uploader(
            "An image to match, exaggerate or start from", ["png", "jpg", "jpeg", "webp"], key="fv_image"
        )
        if image is not None:
            with errors.shown():
                name = f"up-{keep_image(image.getvalue(), image.name)}"
                _told(f"match:{name}", f"caricature:{name}")


def _told(*texts: str) -> None:
    st.caption("Write this among the units:")
    for text in texts:
        st.code(text, language=None)


@st.cache_data(max_entries=32, show_spinner=False)
def keep_vector(data: bytes, name: str, tensor: str) -> str:
    from engine.data.uploads import keep_vector

    return keep_vector(data, name, tensor)


@st.cache_data(max_entries=32, show_spinner=False)
def keep_image(data: bytes, name: str) -> str:
    from engine.data.uploads import keep_image

    return keep_image(data, name)
