"""What a unit's page says beyond its images: a name or none, the tag it follows, and the units that respond alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.concepts.naming import NameUnitsRequest
from engine.core import config
from engine.core.request import Result, build
from engine.evaluation import counterparts
from engine.evaluation.counterparts import CounterpartsRequest
from engine.jobs.runner import Runner
from engine.people.person import Person
from pages.sections.visualize import unit_facts
from tests.pages.opening import VISUALIZATION, opened, owners_of, said

MODEL, SITE, UNITS = "starter-vit", "blocks.6.mlp.hidden", 768
LINK = {"a": f"{MODEL}@{SITE}:3", "seed": "987654"}


def naming(named: bool) -> Result:
    """What a CLIP calls the units of a layer; unit 3 has a name, or none."""
    arrays = {
        "words": np.tile(np.int32([0, 1]), (UNITS, 1)),
        "scores": np.tile(np.float32([0.5, 0.25]), (UNITS, 1)),
        **{name: np.full(UNITS, value, np.float32) for name, value in (("held_out", 0.8), ("low", 0.7), ("high", 0.9))},
        **{name: np.full(UNITS, 0.5, np.float32) for name in ("p", "p_shuffled", "p_twin")},
        "abstained": np.full(UNITS, not named),
    }
    return Result({}, arrays, {}, {"words": ["violin", "harp"], "kinds": 40, "largest_p": 0.01, "level": 0.05})


def alike(other: str, site: str) -> Result:
    numbers = {"r": 0.5, "low": 0.4, "high": 0.6}
    arrays = {name: np.full((UNITS, 2), value, np.float32) for name, value in numbers.items()}
    arrays |= {"layer": np.zeros((UNITS, 2), np.int32), "unit": np.tile(np.int32([7, 9]), (UNITS, 1))}
    return Result({}, arrays, {}, {"sites": [site], "searched": 1104, "images": 3000, "independent": 425})


@pytest.fixture
def stored(own_store: None) -> Iterator[Runner]:
    st.cache_resource.clear()
    yield Runner(config.store())
    st.cache_resource.clear()


def texts(app: AppTest) -> str:
    return "\n".join(each.value for kind in (app.markdown, app.caption) for each in kind).replace("\\", "")


@pytest.mark.parametrize(
    ("named", "told"),
    [(True, "**“violin”**. On the other half of the kinds"), (False, "**No name.** “violin” comes nearest.")],
)
def test_a_unit_is_given_a_name_only_where_its_word_stands_the_test(stored: Runner, named: bool, told: str) -> None:
    stored.keep(build(NameUnitsRequest, model=MODEL, site=SITE), naming(named))
    app = opened(VISUALIZATION, **LINK)
    assert not app.exception, said(app)
    assert told in texts(app) and "in 80% of pairs (70 to 90%; chance 50%)" in texts(app)
    assert list(app.dataframe[0].value["word"]) == ["violin", "harp"]


def test_units_that_respond_alike_stand_there_with_their_correlation_and_lead_to_their_pages(stored: Runner) -> None:
    given = {"model": MODEL, "site": SITE}
    stored.keep(build(CounterpartsRequest, other="starter-cnn", **given), alike("starter-cnn", "stages.2.blocks.1"))
    app = opened(VISUALIZATION, **LINK)
    assert not app.exception, said(app)
    (found,) = [each.proto for each in app.get("page_link") if "Unit 7" in each.proto.label]
    assert "stage 2, block 1" in found.label and "r 0.50 (0.40 to 0.60)" in found.label
    assert "starter-cnn%40stages.2.blocks.1%3A7" in found.query_string
    assert "Of 1,104 units" in texts(app) and "425 independent images" in texts(app)


def test_what_nobody_asked_for_yet_is_one_click_away_and_starts_by_no_other(stored: Runner) -> None:
    from engine.jobs.scheduler import jobs

    app = opened(VISUALIZATION, **LINK)
    labels = [button.label for button in app.button]
    assert "Run: name the units of this layer" in labels
    assert "Run: find them in starter-cnn" in labels and "Run: find them in this model" in labels
    assert [job for job in jobs().active() if job.request.experiment in ("counterparts", "name-units")] == []


def test_units_that_respond_alike_are_found_without_a_click_where_both_models_have_seen_the_images(
    stored: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.jobs.scheduler import jobs

    monkeypatch.setattr(unit_facts, "is_quick", lambda asked: asked.experiment == "counterparts")
    app = opened(VISUALIZATION, **LINK)
    asked = [build(CounterpartsRequest, model=MODEL, site=SITE, other=other) for other in ("starter-cnn", MODEL)]
    assert not app.exception and all(each.key() in jobs()._records for each in asked)
    assert "Run: name the units of this layer" in [button.label for button in app.button]
    for each in asked:
        (owner,) = owners_of(each.key())
        jobs().cancel(each.key(), Person(owner))
        assert jobs().wait(each.key(), 60).status == "cancelled"
    app.run()
    assert [button.label for button in app.button if "find them" in button.label], "not again by itself"
    assert not any(jobs().snapshot(each.key()).active for each in asked)


def test_a_tag_is_called_followed_only_where_the_unit_is_a_concept_unit() -> None:
    row = {"tag": "music", "auroc": 0.81, "concept": True, "beyond_likeness": True}
    assert unit_facts.tag_of(row) == "Follows the tag “music” (AUROC 0.81), which kinds of different groups share."
    assert unit_facts.tag_of(row | {"concept": False}) == (
        "May follow the tag “music” (AUROC 0.81); among so many units that is not certain."
    )
    assert unit_facts.tag_of(row | {"concept": False, "beyond_likeness": False}) == (
        "Was not seen to follow a tag; “music” (AUROC 0.81) comes nearest."
    )


def test_a_unit_is_compared_with_another_model_than_its_own() -> None:
    assert unit_facts.other_of("starter-vit") == "starter-cnn" and unit_facts.other_of("starter-cnn") == "starter-vit"
    assert unit_facts.other_of("dinov2-s14-saliency") != "dinov2-s14-saliency"


def test_on_too_few_images_it_is_said_that_units_cannot_be_compared_and_nothing_is_offered(
    stored: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counterparts, "too_few", lambda data: "Only 5 images: units can be compared on 8 or more.")
    app = opened(VISUALIZATION, **LINK)
    assert not app.exception, said(app)
    assert texts(app).count("Only 5 images") == 1
    assert not [button for button in app.button if "find them in" in button.label]


def test_a_unit_that_never_changes_is_like_no_other(stored: Runner) -> None:
    found = alike("starter-cnn", "stages.2.blocks.1")
    for name in ("r", "low", "high"):
        found.arrays[name][3] = np.nan
    stored.keep(build(CounterpartsRequest, model=MODEL, site=SITE, other="starter-cnn"), found)
    app = opened(VISUALIZATION, **LINK)
    assert not app.exception, said(app)
    assert "This unit is the same on all images that" in texts(app) and "nan" not in texts(app)
    assert not [each for each in app.get("page_link") if "Unit 7" in each.proto.label]
