"""Models: which are at hand, where their weights come from, and how to add one's own."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve
from pages.sections.home import model_table

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
    "All models that Vitrine can visualize. Accuracy is the share of held-out images that are classified correctly."
)
serve.ready()
with errors.shown():
    model_table.draw()

st.header("Add your own", anchor=False)
left, right = st.columns(2, gap="large")
with left:
    st.markdown(
        "Any checkpoint of a [timm](https://github.com/huggingface/pytorch-image-models) architecture can be used. Describe "
        "it in `models.toml`, restart Vitrine, and it is listed as `local/my-run`.\n\n"
        "Weights are read as safetensors, or as PyTorch files that hold tensors only; a file that would execute code is "
        "refused.\n\n"
        "Models on the hub need no description: type their name, like `timm/resnet50.a1_in1k` or "
        "`open_clip/ViT-B-16/openai`, wherever a model is chosen. Their weights are downloaded at first use."
    )
with right:
    st.code(OWN, language="toml")
