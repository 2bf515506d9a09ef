"""What was interrupted is asked for again just as it was."""

from __future__ import annotations

import json

import pytest

from engine.evaluation.index import IndexRequest
from engine.visualization.recipes import PAPER
from engine.visualization.request import VisualizeRequest
from engine.visualization.tuning import changed
from pages.sections.home import interrupted
from pages.sections.visualize import permalink
from pages.sections.visualize.view import rows

MODEL, SITE = "starter-vit", "blocks.6.mlp.hidden"


@pytest.mark.parametrize(
    "more",
    [
        {"units": (0, 1, 2)},
        {"units": (3,), "recipe": "paper", "seed": 7, "opposite": True, "data": "photos"},
        {"targets": ("120@3x5", "(2-0.5*7)")},
        {"units": (3,), "targets": ("match:12",), "start": "17"},
        {"units": (3,), "recipe": changed(PAPER, "steps:64,view.side:0.5/0.25")},
        {"units": (3,), "importance": True, "several": 4, "seeds": 3},
    ],
)
def test_the_view_of_a_request_asks_for_the_same_request(more: dict) -> None:
    asked = VisualizeRequest(model=MODEL, site=SITE, **more)
    view = interrupted.view_of(json.loads(asked.canonical()))
    assert view is not None
    followed, problems = permalink.read(permalink.write(view))
    assert followed is not None and problems == []
    assert [row.request for row in rows(followed)] == [asked]


def test_the_key_of_what_is_asked_for_again_is_the_same() -> None:
    asked = VisualizeRequest(model=MODEL, site=SITE, targets=("120@3x5",), seeds=2)
    view = interrupted.view_of(json.loads(asked.canonical()))
    assert view is not None and [row.key for row in rows(view)] == [asked.key()]


@pytest.mark.parametrize(
    "facts",
    [
        json.loads(IndexRequest(model=MODEL, site=SITE, data="starter").canonical()),
        json.loads(VisualizeRequest(model=MODEL, site=SITE, units=(1,), recipe="fast-no-jitter").canonical()),
        json.loads(VisualizeRequest(model=MODEL, site=SITE, units=(1,), data="/somewhere/else").canonical()),
        {"experiment": "visualize", "version": 99, "model": MODEL, "data": "starter", "layer": SITE},
        {},
    ],
)
def test_what_no_view_shows_by_itself_has_none(facts: dict) -> None:
    assert interrupted.view_of(facts) is None
