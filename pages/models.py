"""Models: which are at hand, where their weights come from, and how to add one's own."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve
from pages.sections.home import model_cards, sweeping
from pages.sections.people import fetching

OWN = """\
# models.toml, in the folder from which Vitrine is started
[[model]]
name = "my-run"
# any architecture of timm
architecture = "vit_small_patch16_224"
weights = "runs/my-run.safetensors"
input_size = 224
num_classes = 1000
# one name per line; optional
classes_file = "classes.txt"
"""

st.title("Models", anchor=False)
st.caption(
    "All models that Vitrine can look into: what each is, how good it is, what it can be used for, and the way to its units."
)
serve.ready()
if by_link := fetching.named_by_link():  # what a link names comes first
    with errors.shown():
        fetching.draw()
for draw in (model_cards.draw, sweeping.draw, *([] if by_link else [fetching.draw]), fetching.upload):
    with errors.shown():
        draw()

st.header("Add your own", anchor=False)
left, right = st.columns(2, gap="large")
with left:
    st.markdown(
        "Any checkpoint of a [timm](https://github.com/huggingface/pytorch-image-models) architecture can be used. Describe "
        "it in `models.toml`, restart Vitrine, and it is listed as `local/my-run`.\n\n"
        "Weights are read as safetensors, or as PyTorch files that hold tensors only; a file that would execute code is "
        "refused.\n\n"
        "Models on the hub need no description: once their weights are here, type their name wherever a model is chosen."
    )
with right:
    st.code(OWN, language="toml", wrap_lines=True)
