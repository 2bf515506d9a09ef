"""What was interrupted is asked for again just as it was, or dismissed, one by one or all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from cache.store import ResultStore
from engine.core.experiments import experiments, find
from engine.core.request import Request, build
from engine.evaluation.index import IndexRequest
from engine.jobs import scheduler
from engine.jobs.journal import Journal
from engine.jobs.scheduler import Jobs
from engine.people.person import LOCAL
from engine.visualization.recipes import PAPER
from engine.visualization.request import VisualizeRequest
from engine.visualization.tuning import changed
from pages.common import query, who
from pages.common.experiments import opening, single
from pages.common.experiments.places import SCRIPTS
from pages.common.units.rows import rows
from pages.common.units.view import View

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
    view = opening.view_of(asked)
    assert view is not None
    followed, problems = query.read(View, query.write(view))
    assert followed is not None and problems == []
    assert [row.request for row in rows(followed)] == [asked]


def test_the_key_of_what_is_asked_for_again_is_the_same() -> None:
    asked = VisualizeRequest(model=MODEL, site=SITE, targets=("120@3x5",), seeds=2)
    view = opening.view_of(asked)
    assert view is not None and [row.key for row in rows(view)] == [asked.key()]


@pytest.mark.parametrize(
    "asked",
    [
        IndexRequest(model=MODEL, site=SITE, data="starter"),
        VisualizeRequest(model=MODEL, site=SITE, units=(1,), recipe="fast-no-jitter"),
        VisualizeRequest(model=MODEL, site=SITE, units=(1,), data="/somewhere/else"),
    ],
)
def test_what_no_view_shows_by_itself_has_none(asked: Request) -> None:
    assert opening.view_of(asked) is None


SAID = {
    "model": MODEL,
    "other": "starter-cnn",
    "site": SITE,
    "data": "photos",
    "units": (3, 1),
    "text": "a red, red boat",
    "texts": ("one, two", "three\\", "four"),
    "image": "17",
    "unit": 5,
    "shown": (3, 14),
    "wanted": "5@3x4",
    "recipe": changed(PAPER, "steps:64,view.side:0.5/0.25"),
    "seed": 7,
    "bands": (),
    "fills": ("mean", "tile"),
    "direction": -1,
    "low": False,
}
"""A value for each field that must be given, and for some that need not."""


@pytest.mark.parametrize("name", [name for name in experiments() if name != "visualize"])
def test_every_experiment_is_listed_with_a_link_to_just_the_same_request(name: str) -> None:
    entry = find(name)
    asked = build(entry.kind, **{field: SAID[field] for field in entry.kind.model_fields if field in SAID})
    told = opening.of_facts(json.loads(asked.canonical()))
    assert told is not None and told.script == SCRIPTS[entry.page] and told.label.startswith(entry.title)
    browser = dict(parse_qsl(query.text(told.link)[1:]))
    assert browser == told.link
    assert single.page_of(entry).read(browser) == (asked, [])


def test_pictures_are_listed_on_the_page_that_shows_them_best() -> None:
    asked = VisualizeRequest(model=MODEL, site=SITE, units=(3,), seed=7)
    told = opening.of_facts(json.loads(asked.canonical()))
    assert told is not None and told.script == SCRIPTS["visualize"] and "experiment" not in told.link


@pytest.mark.parametrize(
    "facts",
    [
        {"experiment": "visualize", "version": 99, "model": MODEL, "data": "starter", "layer": SITE},
        {"experiment": "x"},
        {},
    ],
)
def test_a_request_of_another_version_is_not_listed(facts: dict) -> None:
    assert opening.of_facts(facts) is None


def listing() -> None:
    """The list alone, its links as plain text: only the app itself knows the pages that they lead to."""
    from unittest.mock import patch

    import streamlit as st

    from pages.sections.home import interrupted

    with patch.object(st, "page_link", lambda page, label, **_: st.markdown(label)):
        interrupted.draw()


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """The jobs of a process whose predecessor died over the indexes of three layers."""
    earlier = ResultStore(tmp_path)
    journal = Journal(earlier.mark)
    for number in range(3):
        asked = IndexRequest(model=MODEL, site=f"blocks.{number}.mlp.hidden", top=21)
        journal.begin(f"k{number}", json.loads(asked.canonical()))
    earlier.close()
    store = ResultStore(tmp_path)
    jobs = Jobs(store)
    monkeypatch.setattr(scheduler, "jobs", lambda: jobs)
    monkeypatch.setattr(who, "person", lambda: LOCAL)
    yield jobs
    jobs.close()
    store.close()


def listed(app: AppTest) -> list[str]:
    assert not app.exception
    return [each.value for each in app.markdown if "Index" in each.value or "blocks." in each.value]


def test_one_interrupted_request_is_dismissed_and_the_others_stay(three: Jobs) -> None:
    app = AppTest.from_function(listing, default_timeout=30).run()
    assert len(listed(app)) == 3
    app.button(key="forget-k1").click().run()
    assert [*three.interrupted()] == ["k0", "k2"]
    left = listed(app)
    assert len(left) == 2 and "blocks.0." in left[0] and "blocks.2." in left[1]
    app.button(key="forget").click().run()
    assert three.interrupted() == {} and listed(app) == [] and not app.button


def test_a_single_line_has_its_own_control_alone(three: Jobs) -> None:
    for key in ("k0", "k1"):
        three.forget_interrupted(key=key)
    app = AppTest.from_function(listing, default_timeout=30).run()
    assert [button.key for button in app.button] == ["forget-k2"]
    app.button(key="forget-k2").click().run()
    assert three.interrupted() == {} and not app.markdown
