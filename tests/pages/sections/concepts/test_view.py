"""What the page shows of a second model, and of a layer whose reader is not here."""

from __future__ import annotations

import pytest

from pages.sections.concepts import browse, making
from pages.sections.concepts import view as views
from tests.engine.concepts.made import MODEL, naming
from tests.pages.sections.concepts.opening import VIEW, store


@pytest.mark.usefixtures("reader")
def test_a_layer_has_no_words_where_its_reader_is_not_here() -> None:
    store(views.naming(VIEW, MODEL, VIEW.layer), naming())
    assert making.named(VIEW, MODEL, VIEW.layer) is not None
    assert making.named(VIEW.model_copy(update={"reader": "local/elsewhere"}), MODEL, VIEW.layer) is None


def test_a_second_model_shows_the_layer_that_is_equally_deep() -> None:
    pair = VIEW.model_copy(update={"b": "starter-cnn"})
    assert views.layer(pair, "a") == "blocks.6.mlp.hidden"
    assert views.layer(pair, "b") in views.layers(pair, "b")
    first, last = (
        pair.model_copy(update={"layer": views.layers(pair, "a")[place]}) for place in (0, -1)
    )  # fmt: skip
    assert views.layer(first, "b") == views.layers(pair, "b")[0]
    assert views.layer(last, "b") == views.layers(pair, "b")[-1]


def test_a_point_of_either_model_s_curve_opens_the_layer_that_shows_it() -> None:
    pair = VIEW.model_copy(update={"b": "starter-cnn"})
    assert browse.layer_of(pair, "a", "blocks.3.mlp.hidden") == "blocks.3.mlp.hidden"
    last = views.layers(pair, "b")[-1]
    asked = browse.layer_of(pair, "b", last)
    assert asked is not None and views.layer(pair.model_copy(update={"layer": asked}), "b") == last
    assert browse.layer_of(pair, "b", "no.such.layer") is None
