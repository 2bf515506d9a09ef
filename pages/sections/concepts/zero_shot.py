"""Texts for an image: which of several texts fits an image best, by the reader alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from pages.common import errors, results, widgets, words
from pages.common.charts import figure
from pages.common.charts.files import Source
from pages.common.experiment_page import ExperimentPage
from pages.common.units.uploads import image_box, keep_image
from pages.sections.concepts import charts, requests
from pages.sections.concepts import setup as choices
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from engine.core.request import Result

WIDTH = 240
HOW = {
    "softmax": "they sum to one, so they show which text fits best, not that it is true.",
    "sigmoid": "each text is rated independently, so several may fit, or none.",
}


def setup(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """The texts, one a line, and the image: a number of the data set, or a picture of one's own."""
    left, right = st.columns([1.5, 1], gap="large")
    state = st.session_state
    labels = choices.synced(page, "labels", view.labels.replace("|", "\n"))
    number = choices.synced(page, "image", view.image)
    with left:
        st.text_area(
            "Texts, one per line (2 to 50)", key=labels, height=150,
            help="Captions work better than single words.",
        )  # fmt: skip
    with right:
        st.text_input("Image", key=number, help="The number of an image of this data set.")
        given = image_box("Or upload an image", page.key("zero_file"))
    if choices.runs(page, "compare"):
        with errors.shown():
            texts = [line.strip().replace("|", "/") for line in (state[labels] or "").splitlines() if line.strip()]
            requests.check_labels(texts)
            image = (state[number] or "0").strip()
            if given is not None:
                image = f"up-{keep_image(given.getvalue(), given.name)}"
            asked = choices.asked(page).model_copy(update={"labels": "|".join(texts), "image": image[:80]})
            choices.begin(page, asked)


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, computed: Mapping[str, Result]) -> None:
    """The image beside a bar for each text."""
    if (result := computed.get("zero-shot")) is None:
        return
    labels = views.label_texts(view)
    table = result.tables["texts"]
    probabilities, similar = table["probability"].to_numpy(), table["similarity"].to_numpy()
    best, how = int(np.argmax(probabilities)), str(result.facts["function"])
    widgets.say_cut_texts(result)
    left, right = st.columns([1, 2.4], gap="large")
    with left:
        _image(view)
    with right:
        finding = (
            f"According to {errors.escape(view.reader)}, “{errors.escape(labels[best])}” fits best: "
            f"{words.share(float(probabilities[best]), 1)}."
        )
        figure.draw(
            charts.texts(labels, probabilities, similar, title="Which text fits the image", finding=finding),
            pd.DataFrame({"text": labels, "probability": probabilities, "cosine": similar}),
            Source("concepts", page.write(view), (result.key,)),
            key="cn-zero-shot",
            note=f"Cosine between the embeddings of the image and each text, converted to probabilities with the CLIP's own "
            f"scale: {HOW[how]}",
        )


def _image(view: ConceptsView) -> None:
    from engine.data import uploads

    if uploads.is_upload(view.image):
        from engine.core.images import to_png

        st.image(
            to_png(uploads.image(view.image.removeprefix(uploads.UPLOADED))), width=WIDTH, output_format="PNG",
            caption="Your image", alt="The uploaded image",
        )  # fmt: skip
        return
    told = words.scene(results.dataset(view.data).describe(int(view.image)))
    st.image(
        results.image(view.data, int(view.image), results.input_size(view.reader)), width=WIDTH, output_format="PNG",
        caption=f"Image {view.image} of {errors.escape(view.data)}: {errors.escape(told)}", alt=f"Image {view.image}: {told}",
    )  # fmt: skip
