"""Texts for an image: they are there to begin with, and either Run compares the image with what is written now."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.choices import EMBEDDING
from engine.core.request import Result
from pages.common import results
from pages.sections.concepts import requests
from pages.sections.concepts import view as views
from pages.sections.concepts.view import LABELS, ConceptsView
from tests.engine.concepts.made import READER
from tests.pages.sections.concepts.opening import opened, store, text_of

VIEW = ConceptsView(a=READER, reader=READER, data="squares", show="zero-shot")
LINK = {"a": READER, "reader": READER, "data": "squares", "show": "zero-shot"}


@pytest.mark.usefixtures("reader")
def test_it_opens_on_texts_and_an_image_which_are_compared_at_once_where_the_clip_has_seen_the_images() -> None:
    (asked,) = requests.requests(VIEW)
    app = opened(**LINK)
    assert not app.exception and app.button(key="cn_compute").label == "Run" and not results.is_stored(asked)
    assert app.text_area(key="cn_labels_at").value.splitlines() == LABELS.split("|")
    store(views.index(VIEW, READER, EMBEDDING), Result({}, {"images": np.arange(40, dtype=np.int32)}))
    app = opened(**LINK)
    assert not app.exception and not app.error and results.is_stored(asked), text_of(app)
    assert "Which text fits the image" not in text_of(app) and "fits best" in text_of(app)


@pytest.mark.parametrize("run", ["cn_run", "cn_compare"])
@pytest.mark.usefixtures("reader")
def test_either_run_takes_what_is_written_here_and_what_is_chosen_on_top(run: str) -> None:
    app = opened(**LINK)
    app.text_area(key="cn_labels_at").set_value("a cat\na dog")
    app.text_input(key="cn_template").set_value("{} in the snow")
    app.button(key=run).click().run()
    shown = app.session_state["cn_view"]
    assert not app.exception and not app.error, text_of(app)
    assert (shown.labels, shown.template, shown.show) == ("a cat|a dog", "{} in the snow", "zero-shot")


@pytest.mark.usefixtures("reader")
def test_a_single_text_is_refused_by_the_run_on_top_too() -> None:
    app = opened(**LINK)
    app.text_area(key="cn_labels_at").set_value("only one")
    app.button(key="cn_run").click().run()
    assert not app.exception and "A single text leaves no choice" in text_of(app)
