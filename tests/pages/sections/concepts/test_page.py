"""The page "Concepts": it opens, searches, explains what is wrong, and shows what is there without computing anything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.core.request import Result
from pages.common import query, results
from pages.sections.concepts import abstract, browse, requests, search, setup
from pages.sections.concepts import view as views
from pages.sections.concepts.view import SECTIONS, ConceptsView
from tests.engine.concepts.made import IMAGES, MODEL, READER, UNITS, found, index, naming, purity
from tests.pages.opening import figure_of, said
from tests.pages.sections.concepts.opening import VIEW, jobs_of_the_page, opened, store, text_of, units_of


def test_the_page_opens_with_the_search_box_first_and_starts_nothing() -> None:
    app = opened()
    assert not app.exception and not app.error, said(app)
    assert app.title[0].value == "Concepts" and app.text_input[0].key == "cn_text"
    assert app.selectbox(key="cn_a").label == "Model A" and "sensitive" in text_of(app)
    assert jobs_of_the_page() == []


@pytest.mark.parametrize(
    "typed, told",
    [("   ", "No text given"), ("a" * 5000, "5,000 characters")],
)
def test_a_text_that_cannot_be_searched_is_explained(typed: str, told: str) -> None:
    app = opened()
    app.text_input(key="cn_text").set_value(typed)
    app.run()
    assert not app.exception and told in text_of(app)
    assert app.text_input(key="cn_text").value == typed and jobs_of_the_page() == []


@pytest.mark.usefixtures("reader")
def test_a_picture_of_no_text_is_refused() -> None:
    app = opened(a=MODEL, reader=READER, show="draw")
    app.button(key="cn_run").click().run()
    assert not app.exception and "No text given" in text_of(app)


def test_a_reader_without_a_text_tower_is_explained_in_one_sentence() -> None:
    app = opened({"reader": "starter-cnn"})
    app.text_input(key="cn_text").set_value("music").run()
    assert not app.exception and "starter-cnn has no text tower" in text_of(app)
    assert jobs_of_the_page() == []


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.usefixtures("reader")
def test_every_section_opens_by_its_link_and_gives_its_view_back(section: str) -> None:
    link = {
        "a": MODEL,
        "reader": READER,
        "show": section,
        "text": "music, loud",
        "labels": "a cat|a dog",
        "units": "1,2",
    }
    view, problems = query.read(ConceptsView, link)
    assert view is not None and problems == [] and query.read(ConceptsView, query.write(view)) == (view, [])
    app = opened(**link)
    assert not app.exception and not app.error, text_of(app)
    assert app.button(key="cn_compute").label == "Run" and jobs_of_the_page() == []


def test_a_layer_whose_index_is_stored_is_drawn_as_a_map_without_a_click(reader: str) -> None:
    view = VIEW.model_copy(update={"show": "map"})
    asked = {each.experiment: each for each in requests.requests(view)}
    store(asked["name-units"], naming())
    assert opened(**query.write(view)).button(key="cn_compute").label == "Run"
    store(views.index(view, MODEL, views.layer(view, "a")), index())
    app = opened(**query.write(view))
    assert not app.exception and [each for each in app.header if "map" in each.value.lower()], text_of(app)
    assert results.is_stored(asked["unit-map"])


@pytest.mark.parametrize(
    "link, told",
    [
        ({"a": "no-such-model"}, "no model"),
        ({"a": MODEL, "show": "nowhere"}, "show:"),
        ({"a": MODEL, "show": "browse", "vocabulary": "voc-" + "0" * 16}, "on this machine"),
        ({"a": MODEL, "show": "browse", "template": "no place for it"}, "template"),
        ({"a": MODEL, "show": "zero-shot", "labels": "only one"}, "Give 2 to 50"),
        ({"a": MODEL, "show": "read", "units": "seven"}, "is not a unit"),
        ({"text": "music"}, "names no model"),
    ],
)
@pytest.mark.usefixtures("reader")
def test_a_link_that_cannot_be_followed_is_explained(link: dict[str, str], told: str) -> None:
    app = opened(**{"reader": READER, **link})
    assert not app.exception and told in text_of(app)


@pytest.mark.usefixtures("reader")
def test_a_search_that_is_there_shows_its_units_with_their_words() -> None:
    view = ConceptsView(a=MODEL, reader=READER, text="music")
    store(requests.parts(view)[0].request, found())
    app = opened(**query.write(view))
    shown = text_of(app)
    assert not app.exception and not app.error, shown
    assert app.header[0].value == "1 unit of :blue[starter-vit] correlates higher with “music” than with any other word"
    assert "2,648 of 6,144 units follow it more than chance. The highest correlation is 0.61 (chance 0.07)." in shown
    assert shown.index("#### These correlate higher with “music” than with any other word") < shown.index(
        "#### This correlates higher with “apple”"
    )
    assert ":blue[***r* 0.61**] :small[(" in shown and ":small[before it apple 0.60, sea 0.30]" in shown
    assert units_of(app) == [4, 8] and jobs_of_the_page() == []
    assert app.button(key="cn_make_found_a").label == "Run: make 2 pictures (about 20 s)"
    texts, pixels, numbers = figure_of(app, "cn-found")
    assert (
        "Units that follow “music”" in texts
        and "1 unit of starter-vit correlates higher with “music” than with any other word." in " ".join(texts)
    )
    assert numbers["unit"].tolist() == [4, 8] and len(pixels) > 2 and any("r 0.61" in text for text in texts)


@pytest.mark.usefixtures("reader")
def test_a_word_typed_into_the_box_is_searched_and_its_units_are_shown() -> None:
    from engine.jobs.scheduler import jobs

    app = opened({"a": READER, "b": "No second model", "reader": READER, "data": "squares"})
    app.text_input(key="cn_text").set_value("  a red   square ").run()
    for job in jobs_of_the_page():
        jobs().wait(job.key(), 60)
    app.run()
    shown = text_of(app)
    assert not app.exception and not app.error, shown
    assert (
        "a red square" in shown and "units" in shown and app.query_params["text"] in ("a red square", ["a red square"])
    )
    assert len(units_of(app)) > 3


@pytest.mark.usefixtures("own_store")
def test_without_a_reader_the_page_says_what_to_do_and_what_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "readers", list)
    app = opened()
    assert "There is no CLIP on this machine" in text_of(app)
    assert (app.selectbox(key="cn_a").value, app.selectbox(key="cn_b").value) == ("starter-vit", "starter-cnn")
    app.button(key="cn_run").click().run()
    asked = {(job.experiment, job.model_dump()["model"]) for job in jobs_of_the_page()}
    assert asked == {("purity", "starter-vit"), ("purity", "starter-cnn")}
    assert not app.exception and not app.error, text_of(app)


@pytest.mark.usefixtures("reader")
def test_a_link_to_purity_can_be_followed_where_its_reader_is_not_here() -> None:
    app = opened(a=MODEL, reader="local/elsewhere", show="purity")
    assert not app.warning and app.button(key="cn_compute").label == "Run"


def test_a_search_no_better_than_chance_says_so_and_gives_no_count() -> None:
    assert search.against_chance(found(False)) == ":material/info: A sentence by the engine."
    assert search.against_chance(found()).startswith("2,648 of 6,144 units")


@pytest.mark.usefixtures("reader")
def test_units_that_are_marked_on_the_map_stand_below_it_the_best_named_first() -> None:
    view = VIEW.model_copy(update={"show": "map"})
    where = np.linspace(-1, 1, UNITS)
    units = pd.DataFrame({"unit": range(UNITS), "across": where, "down": where, "selectivity": 1.0})
    placed = Result({}, {}, {"units": units}, {"images": IMAGES, "still": 0, "explained": [0.3, 0.2]})
    for part, result in zip(requests.parts(view), (placed, naming()), strict=True):
        store(part.request, result)
    app = opened(**query.write(view))
    assert not app.exception and "Draw a box or a lasso" in text_of(app)
    app.session_state["cn_map_a"] = {"selection": {"points": [{"customdata": [5]}, {"customdata": [100]}]}}
    app.run()
    shown = text_of(app)
    assert not app.exception and "2 units selected." in shown and units_of(app) == [100, 5]


def test_abstract_words_are_told_with_their_intervals() -> None:
    table = pd.DataFrame({"judged": [10, 20], "share": [0.1, 0.5], "low": [0.02, 0.3], "high": [0.4, 0.7]})
    said = abstract.finding({"a": ("m", table)})
    assert "from 10% (2–40%) in its first layer to 50% (30–70%) in its last" in said


@pytest.mark.usefixtures("reader")
def test_browsing_shows_words_sorts_filters_and_abstains_without_computing() -> None:
    for request, result in (
        (views.naming(VIEW, MODEL, VIEW.layer), naming()),
        (views.index(VIEW, MODEL, VIEW.layer), index()),
        (views.purity(VIEW, "a"), purity()),
    ):
        store(request, result)
    app = opened(**query.write(VIEW))
    shown = text_of(app)
    assert not app.exception and not app.error, shown
    assert "768 of 768 units shown. 576 of 768 units (75.0%) have a name" in shown
    texts, pixels, numbers = figure_of(app, "cn-layer-a")
    assert (
        f"Units of {MODEL}, {VIEW.layer}" in texts and numbers["unit"].tolist() == units_of(app) and len(pixels) >= 12
    )
    assert units_of(app)[:2] == [100, 0], "the best fitting word comes first"
    app.toggle(key="cn_named_at").set_value(True).run()
    assert "576 of 768 units shown" in text_of(app) and app.query_params["named"] in ("1", ["1"])
    app.selectbox(key="cn_concept_at").set_value("music").run()
    assert "2 of 768 units shown" in text_of(app) and "concept **music** AUROC 0.90" in text_of(app)
    app.text_input(key="cn_word_at").set_value("no such word").run()
    assert "No unit matches these filters" in text_of(app)
    assert not app.exception and jobs_of_the_page() == []


def test_a_card_calls_a_tag_a_concept_only_where_the_unit_is_a_concept_unit() -> None:
    by_purity = VIEW.model_copy(update={"sort": "purity"})
    row = {"selectivity": 0.5, "pure": False, "concept": "music", "auroc": 0.81}
    assert browse._why(by_purity, row) == "nearest tag **music** AUROC 0.81"
    assert browse._why(by_purity, row | {"pure": True}) == "concept **music** AUROC 0.81"
    assert browse._why(VIEW, row) == ""


@pytest.mark.usefixtures("reader")
def test_the_pictures_of_a_text_are_one_figure() -> None:
    picture = {"images": np.full((1, 8, 8, 3), 9, np.uint8)}
    table = pd.DataFrame({"unit": ["t"], "activation": [0.3], "percentile": [99.0]})
    view = ConceptsView(a=MODEL, reader=READER, show="draw", text="drums")
    find, says = sorted((part.request for part in requests.parts(view)), key=lambda each: each.experiment)
    store(says, Result({}, picture, {"units": table}, {"images": 9}))
    sparse = {"site": VIEW.layer, "target": "(2*7)", "correlation": 0.5, "held_out": 0.4}
    store(find, Result({}, {}, found().tables, {**found().facts, "sparse": sparse}))
    store(views.picture(view, MODEL, VIEW.layer, "(2*7)"), Result({}, picture, {"units": table}, {"images": 9}))
    texts, pixels, numbers = figure_of(opened(**query.write(view)), "cn-text")
    assert "“drums”" in texts and len(pixels) == len(numbers) == 2
    assert any(text.startswith(MODEL) for text in texts) and numbers["site"].tolist()[1] == VIEW.layer
