"""A figure's caption says where its numbers come from."""

from __future__ import annotations

from engine import __version__
from engine.core.request import Result
from engine.figures.provenance import made_with
from tests.engine.figures.made import result


def test_experiment_models_data_seed_and_version_are_said_once_each():
    said = made_with([result(), result(model="starter-cnn")])
    assert said == (
        f"Vitrine {__version__}: experiment visualize (version 6); models starter-vit@blocks.6.mlp.hidden, "
        "starter-cnn@blocks.6.mlp.hidden; data starter; seed 0; float32."
    )


def test_what_a_request_does_not_have_is_left_out():
    one = Result({"experiment": "words", "version": 1})
    assert made_with([one]) == f"Vitrine {__version__}: experiment words (version 1)."
    assert made_with([]) == f"Vitrine {__version__}."
