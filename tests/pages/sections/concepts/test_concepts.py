"""The page "Concepts": it opens, searches, explains what is wrong, and shows what is there without computing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine.concepts import browsing
from engine.concepts.projection import plane
from engine.core import config
from engine.core.request import Request, Result
from engine.jobs.runner import Runner
from pages.common import query
from pages.sections.concepts import abstract, charts, making, requests, search, setup
from pages.sections.concepts import view as views
from pages.sections.concepts.view import SECTIONS, ConceptsView
from tests.conftest import ROOT, forget_settings
from tests.engine.clips import settle
from tests.pages.test_pages import no_job_is_left_behind, said

__all__ = ["no_job_is_left_behind"]
MODEL, READER = "starter-vit", "local/clip"
VIEW = ConceptsView(a=MODEL, reader=READER, show="browse", layer="blocks.6.mlp.hidden")
WORDS = ["guitar", "apple", "sea", "night"]
UNITS, IMAGES = 768, 60


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_store: Path) -> Iterator[str]:
    """A small CLIP of random weights as `local/clip`, and the data set `squares`: 40 scenes of 32 x 32 pixels."""
    home = tmp_path / "home"
    settle(home)
    monkeypatch.setenv("VITRINE_CONFIG", str(home / "vitrine.toml"))
    forget_settings(config)
    yield READER


def opened(chosen: dict[str, str] | None = None, **link: str) -> AppTest:
    """The page as a browser that follows this link sees it first; `chosen` is what stands in the setup's widgets."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params.update(link)
    for name, value in (chosen or {}).items():
        app.session_state[f"cn_{name}"] = value
    return app.switch_page("pages/concepts.py").run()


def text_of(app: AppTest) -> str:
    """Everything that stands on the page, without the marks that keep it from being Markdown."""
    kinds: tuple[Any, ...] = (app.markdown, app.caption, app.error, app.warning, app.subheader)
    return "\n".join(each.value for kind in kinds for each in kind).replace("\\", "")


def jobs_of_the_page() -> list[Request]:
    from engine.jobs.scheduler import jobs

    mine = ("name-units", "find-units", "unit-map", "purity", "zero-shot", "picture-words")
    return [job.request for job in jobs().active() if job.request.experiment in mine]


def naming(site: str = "blocks.6.mlp.hidden") -> Result:
    """Unit 0 is a guitar, unit 1 an apple and so on; every fourth unit (3, 7, ...) has no word; 100 fits its word best."""
    numbers = np.stack([(np.arange(UNITS) + step) % len(WORDS) for step in range(3)], axis=1).astype(np.int32)
    scores = np.tile(np.array([0.5, 0.4, 0.3], np.float32), (UNITS, 1))
    scores[100] += 1
    arrays = {"words": numbers, "scores": scores, "abstained": np.arange(UNITS) % 4 == 3, "threshold": np.float32(0.2)}
    return Result({"model": MODEL, "site": site, "data": "starter"}, arrays, {}, {"words": WORDS, "images": IMAGES})


def index() -> Result:
    top = np.tile(np.arange(20, dtype=np.int32), (UNITS, 1))
    arrays = {
        "images": np.arange(IMAGES, dtype=np.int32),
        "position_mean": np.random.default_rng(0).normal(size=(IMAGES, UNITS)).astype(np.float32),
        "selectivity": np.arange(UNITS, dtype=np.float32),
        "top_mean": top,
        "top_mean_values": np.ones((UNITS, 20), np.float32),
        "top_mean_maps": np.zeros((UNITS, 20, 12, 12), np.float16),
    }
    return Result({"model": MODEL, "site": "blocks.6.mlp.hidden"}, arrays, {}, {"images": IMAGES})


def purity() -> Result:
    """Units 5 and 6 follow music, 6 the more purely; unit 7 comes close."""
    units = pd.DataFrame({"site": "blocks.6.mlp.hidden", "unit": np.arange(UNITS), "tag": "sea", "auroc": 0.5})
    units["concept"], units["score"] = False, 0.0
    units.loc[[5, 6, 7], "tag"] = "music"
    units.loc[[5, 6, 7], "auroc"] = [0.8, 0.9, 0.7]
    units.loc[[5, 6], ["concept", "score"]] = [[True, 3.0], [True, 4.0]]
    return Result({"model": MODEL}, {}, {"units": units}, {})


def found(above_chance: bool = True) -> Result:
    units = pd.DataFrame(
        {
            "address": [f"{MODEL}@blocks.6.mlp.hidden:{unit}" for unit in (4, 8)], "site": "blocks.6.mlp.hidden",
            "unit": [4, 8], "score": [0.61, 0.5], "z": [20.0, 16.0], "rank": [1, 2],
            "words_above": [0, 3],
        }
    )  # fmt: skip
    words = {
        "words": np.array([[0, 1], [1, 2]], np.int32),
        "word_scores": np.array([[0.5, 0.4], [0.6, 0.3]], np.float32),
    }
    facts = {
        "text": "music", "words": WORDS, "found": above_chance, "chance": 0.07, "among_words": 0.9, "searched": 6144,
        "sentence": "A sentence by the engine.",
        "sparse": {"site": "blocks.6.mlp.hidden", "target": "(4+0.5*8)", "correlation": 0.7, "held_out": 0.6},
    }  # fmt: skip
    return Result({}, words, {"units": units}, facts)


def store(request: Request, result: Result) -> None:
    Runner(config.store()).keep(request, result)


def test_the_page_opens_with_the_search_box_first_and_starts_nothing() -> None:
    app = opened()
    assert not app.exception and not app.error, said(app)
    assert app.title[0].value == "Concepts" and app.text_input[0].key == "cn_text"
    assert "sensitive" in text_of(app)
    assert jobs_of_the_page() == []


@pytest.mark.parametrize(
    "typed, told",
    [("   ", "There is no text to look for"), ("a" * 5000, "5,000 characters")],
)
def test_a_text_that_cannot_be_searched_is_explained(typed: str, told: str) -> None:
    app = opened()
    app.text_input(key="cn_text").set_value(typed)
    app.button(key="cn_search").click().run()
    assert not app.exception and told in text_of(app)
    assert app.text_input(key="cn_text").value == typed and jobs_of_the_page() == []


def test_a_reader_without_a_text_tower_is_explained_in_one_sentence() -> None:
    app = opened({"reader": "starter-cnn"})
    app.text_input(key="cn_text").set_value("music").run()
    assert not app.exception and "starter-cnn has no text tower, so it cannot read words" in text_of(app)
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
    assert app.button(key="cn_compute").label == "Compute" and jobs_of_the_page() == []


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
    assert "Of 6,144 units, unit 4 of `blocks.6.mlp.hidden` follows “music” best" in shown and "**Unit 8**" in shown
    assert "Follows 3 words more closely than this text." in shown
    assert ":blue-badge[apple 0.6]" in shown and jobs_of_the_page() == []


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
    assert len([each for each in app.markdown if each.value.startswith("**Unit ")]) == search.CARDS_A_PAGE


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
    assert not app.warning and app.button(key="cn_compute").label == "Compute"


@pytest.mark.usefixtures("reader")
def test_a_layer_has_no_words_where_its_reader_is_not_here() -> None:
    store(views.naming(VIEW, MODEL, VIEW.layer), naming())
    assert making.named(VIEW, MODEL, VIEW.layer) is not None
    assert making.named(VIEW.model_copy(update={"reader": "local/elsewhere"}), MODEL, VIEW.layer) is None


def test_a_search_no_better_than_chance_says_so_and_names_no_best_unit() -> None:
    assert search.finding(found(False)) == ":material/info: A sentence by the engine."
    assert "unit 4 of `blocks.6.mlp.hidden` follows “music” best" in search.finding(found())


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
    app.session_state["cn_map_a"] = {"selection": {"points": [{"customdata": [5, ""]}, {"customdata": [100, ""]}]}}
    app.run()
    shown = text_of(app)
    assert (
        not app.exception and "2 units selected." in shown and shown.index("**Unit 100**") < shown.index("**Unit 5**")
    )


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
    assert "768 of 768 units shown; 576 (75%) have a label" in shown
    assert shown.index("**Unit 100**") < shown.index("**Unit 0**"), "the best fitting word comes first"
    app.toggle(key="cn_named_at").set_value(True).run()
    assert "576 of 768 units shown" in text_of(app) and app.query_params["named"] in ("1", ["1"])
    app.selectbox(key="cn_concept_at").set_value("music").run()
    assert "2 of 768 units shown" in text_of(app) and "concept **music** AUROC 0.90" in text_of(app)
    app.text_input(key="cn_word_at").set_value("no such word").run()
    assert "No unit matches these filters" in text_of(app)
    assert not app.exception and jobs_of_the_page() == []


def test_filters_keep_exactly_the_units_that_fit() -> None:
    table = browsing.units_table(naming(), index(), purity())
    assert list(browsing.chosen(table)["unit"][:1]) == [100]
    assert list(browsing.chosen(table, sort="unit", named=True)["unit"][:4]) == [0, 1, 2, 4]
    assert list(browsing.chosen(table, sort="purity", concept="music")["unit"]) == [6, 5, 7]
    assert list(browsing.chosen(table, sort="purity", least=0.75)["unit"]) == [6, 5]
    assert set(browsing.chosen(table, word="GUIT")["unit"]) == {u for u in range(UNITS) if u % 4 != 1}
    assert browsing.concepts(table) == ["music"] and list(browsing.followers(purity(), "music")["unit"]) == [6, 5]


def test_without_purity_nothing_is_said_of_concepts() -> None:
    table = browsing.units_table(naming())
    assert not table["pure"].any() and table["auroc"].isna().all() and browsing.concepts(table) == []


def test_the_csv_has_every_unit_of_every_named_layer_with_words_and_scores() -> None:
    lines = browsing.names_csv([naming(), naming("blocks.7.mlp.hidden")]).splitlines()
    assert len(lines) == 1 + 2 * UNITS
    assert lines[0] == "address,site,unit,named,word_1,score_1,word_2,score_2,word_3,score_3"
    assert lines[1] == f"{MODEL}@blocks.6.mlp.hidden:0,blocks.6.mlp.hidden,0,True,guitar,0.5,apple,0.4,sea,0.3"
    assert lines[4].split(",")[3] == "False"


def test_units_that_do_the_same_share_a_place_and_still_ones_have_none() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 500))
    values = np.stack([first, 3 * first + 5, second, -first, np.full(500, 2.0)], axis=1)
    numbers, places, explained = plane(values)
    assert list(numbers) == [0, 1, 2, 3] and explained.sum() == pytest.approx(1, abs=1e-6)
    assert places[0] == pytest.approx(places[1]) and np.linalg.norm(places[0] - places[3]) > 1.9
    again = plane(values[rng.permutation(500)])[1]
    assert again == pytest.approx(places)


def test_the_plane_keeps_the_distances_of_two_dimensional_profiles() -> None:
    basis = np.linalg.qr(np.random.default_rng(2).normal(size=(300, 3)) - 0.0)[0]
    basis -= basis.mean(axis=0)
    angles = np.linspace(0, np.pi, 7)
    values = basis[:, :1] * np.cos(angles) + basis[:, 1:2] * np.sin(angles)
    alike = np.corrcoef(values.T)
    _, places, _ = plane(values)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert apart == pytest.approx(np.sqrt((2 - 2 * alike).clip(min=0)), abs=1e-6)


def test_layers_run_from_the_first_to_the_last() -> None:
    assert list(browsing.by_depth(pd.DataFrame({"layer": range(3)}))["depth"]) == [0, 0.5, 1]


def test_a_second_model_shows_the_layer_that_is_equally_deep() -> None:
    pair = VIEW.model_copy(update={"b": "starter-cnn"})
    assert views.layer(pair, "a") == "blocks.6.mlp.hidden"
    assert views.layer(pair, "b") in views.layers(pair, "b")
    first, last = (
        pair.model_copy(update={"layer": views.layers(pair, "a")[place]}) for place in (0, -1)
    )  # fmt: skip
    assert views.layer(first, "b") == views.layers(pair, "b")[0]
    assert views.layer(last, "b") == views.layers(pair, "b")[-1]


def test_labels_on_the_map_never_cover_each_other_and_every_unit_is_drawn() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"unit": range(90), "across": rng.uniform(size=90), "down": rng.uniform(size=90)})
    table = table.assign(
        selectivity=1.0, word=[f"word {n}" for n in range(90)], words="a, b", score=1.0, named=table.unit > 9
    )
    made = charts.units_map(table, "a")
    assert sorted(int(unit) for trace in made.data for unit in trace.customdata[:, 0]) == list(range(90))
    labels = [(note.x, note.y) for note in made.layout.annotations]
    assert 4 < len(labels) <= charts.LABELS
    wide, high = charts.APART
    pairs = [(a, b) for place, a in enumerate(labels) for b in labels[place + 1 :]]
    assert all(abs(a[0] - b[0]) > 0.9 * wide or abs(a[1] - b[1]) > 0.9 * high for a, b in pairs)


def test_texts_of_the_playground_are_drawn_best_on_top_each_with_its_own_bar() -> None:
    labels = ["x" * 60 + "1", "x" * 60 + "2", "a cat"]
    made = charts.texts(labels, np.array([0.2, 0.5, 0.3]), np.zeros(3))
    assert list(made.data[0].x) == pytest.approx([20, 30, 50]) and len(set(made.data[0].y)) == 3
