"""The page "In a photo": from an upload to answers, units and words, and the same from any image of a data set."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine.concepts.zero_shot import Said
from engine.core.request import Request, Result
from engine.data.registry import open_dataset
from engine.people.person import Person
from pages.common import query
from pages.common.batch import Batch
from pages.sections.photo import answers, known, layers, onward
from pages.sections.photo.view import PhotoView, example, parts
from tests.conftest import ROOT
from tests.pages.opening import figure_of, owners_of, said

FISH = 400
TINY = {"a": "starter-cnn", "b": "starter-vit"}


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left_over() -> Iterator[None]:
    """Neither of tests before, which planted results in stores of their own, nor of these."""
    from pages.common import results

    results._result.clear()
    yield
    results._result.clear()


def opened(**link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)
    app.query_params.update(link)
    return app.run().switch_page("pages/photo.py").run()


def looked_at(app: AppTest) -> AppTest:
    """The page once its jobs are done."""
    from engine.jobs.scheduler import jobs

    batch = app.session_state["ph_batch"]
    for job in jobs().active():  # what the home page has begun, through which each session comes
        if job.id not in batch.requests:
            for owner in owners_of(job.id):
                jobs().cancel(job, Person(owner))
    for key in batch.requests:
        assert jobs().wait(key, 180).status == "done"
    return app.run()


def sideways() -> bytes:
    """The fish, as a phone that was held sideways keeps it."""
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(open_dataset("starter").image(FISH))).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


def text(app: AppTest) -> str:
    return "\n".join(each.value for kind in (app.markdown, app.caption) for each in kind)


def alts(app: AppTest) -> list[str]:
    return [image.alt for found in app.image for image in found.proto.imgs]


def test_the_page_opens_on_its_example_and_looks_at_it_without_a_click() -> None:
    app = opened()
    assert not app.exception and not app.error, said(app)
    assert app.title[0].value == "In a photo" and not app.button(key="ph_run").disabled
    assert {
        request.model_dump()["image"]
        for request in app.session_state["ph_batch"].requests.values()
        if "image" in dict(request)
    } == {example().image}
    assert open_dataset("starter").describe(int(example().image))["kind"] == "fish"


def test_while_models_look_their_layers_stand_there_with_empty_tiles() -> None:
    def page() -> None:
        from pages.sections.photo import layers
        from pages.sections.photo.view import PhotoView

        layers.draw(PhotoView(image="1", layers=2), {}, ["photo-a"])

    app = AppTest.from_function(page, default_timeout=60).run()
    told = text(app)
    assert not app.exception and [each.value for each in app.header] == ["What fires, layer by layer"]
    assert "block 3" in told and "block 7" in told and "768 units" in told and "starter-cnn" not in told
    assert "Not looked at yet." in told


@pytest.mark.parametrize(
    ("awaited", "told"),
    [
        ([], ["Not looked at yet."] * 3),
        (["photo-a"], ["Looking", "Not looked at yet.", "Not looked at yet."]),
        (["words"], ["Not looked at yet.", "Not looked at yet.", "starter-clip is looking"]),
    ],
)
def test_a_model_is_looking_only_while_its_answer_is_awaited(awaited: list[str], told: list[str]) -> None:
    def page(awaited: list[str]) -> None:
        from pages.sections.photo import answers
        from pages.sections.photo.view import PhotoView

        answers.draw(PhotoView(image="1"), {}, awaited)
        answers.words_for(PhotoView(image="1"), {}, awaited)

    app = AppTest.from_function(page, default_timeout=60, kwargs={"awaited": awaited}).run()
    assert not app.exception and [each.value.replace("\\", "") for each in app.caption] == told


def test_what_was_cancelled_is_not_told_as_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(kind: type[Batch], asked: list[Request], person: Person) -> Batch:
        return kind({each.key(): each for each in asked}, person, stopped=True)

    monkeypatch.setattr(Batch, "of", classmethod(stopped))
    told = text(opened(image="1234", **TINY))
    assert told.count("Not looked at yet.") == 3 and "ooking" not in told


def test_an_image_of_a_data_set_is_looked_at_without_a_click() -> None:
    app = looked_at(opened(image=str(FISH), **TINY))
    assert not app.exception and not app.error, said(app)
    told = text(app)
    assert "Most likely **fish**" in told and "Words for it" in [each.value for each in app.header]
    assert "At chance each would have 0.04%" in told
    maps = [each for each in alts(app) if each.startswith("Where unit")]
    assert len(maps) == 2 * 6 * layers.UNITS
    alone = app.segmented_control(key="ph_layer")
    alone.set_value(alone.options[2]).run()
    assert len([each for each in alts(app) if each.startswith("Where unit")]) == 2 * layers.UNITS, "one layer of each"
    assert any(each.startswith("The photo: Image 400 of starter") for each in alts(app))
    texts, pixels, numbers = figure_of(app, "photo")
    assert len(pixels) >= len(numbers) == 2 * layers.UNITS and set(numbers["model"]) == set(TINY.values())
    assert {f"A: unit {unit}" for unit in numbers["unit"][: layers.UNITS]} <= set(texts)


def test_an_answer_opens_the_unit_of_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    app, clicks, draw = opened(image=str(FISH), **TINY), [1], answers.figure.draw
    if app.session_state["ph_batch"] is not None:
        app = looked_at(app)

    def click(chart: Any, *rest: Any, key: str, on_click: Any = None, **more: Any) -> None:
        if key == "photo-answers-b" and clicks:
            on_click(list(chart.series[0].opens[clicks.pop()]))
        draw(chart, *rest, key=key, on_click=on_click, **more)

    monkeypatch.setattr(answers.figure, "draw", click)
    app.run()
    assert not app.exception and app.title[0].value.startswith("Unit "), said(app)
    shown = app.session_state["fv_view"].a
    assert (shown.model, shown.site) == ("starter-vit", "head.logits") and len(shown.units) == 1


def test_a_model_without_a_unit_for_each_class_opens_none() -> None:
    table = pd.DataFrame({"class": [3, 100_000]})
    assert answers.classes_as_units(table, "starter-vit") == ()
    assert answers.classes_as_units(table[:1], "starter-vit") == (["starter-vit", 3],)


def test_an_upload_is_named_by_its_pixels_shown_upright_and_gives_what_the_image_gives() -> None:
    app = opened(image="3", **TINY)
    app.file_uploader(key="ph_file").upload("IMG_1.jpg", sideways(), mime_type="image/jpeg").run()
    image = app.session_state["ph_view"].image
    assert image.startswith("up-") and app.query_params["image"] == image
    app = looked_at(app)
    assert not app.exception and not app.error, said(app)
    assert "Most likely **fish**" in text(app) and any(each == "The photo: Your photo" for each in alts(app))


def test_few_images_are_read_for_comparison_without_a_click_and_units_are_told_beside_them() -> None:
    from engine.jobs.scheduler import jobs

    if importlib.util.find_spec("foolbox") is None:
        pytest.skip("the photos are not installed (requirements-models.txt)")
    app = looked_at(opened(image="3", data="photos", a="starter-cnn", b=query.as_text("")))
    for key in app.session_state["ph_more"].requests:
        assert jobs().wait(key, 180).status == "done"
    app.run()
    assert not app.exception and not app.error, said(app)
    assert "furthest above what they do on 20 photos" in text(app)
    told = [image.caption for found in app.image for image in found.proto.imgs if image.alt.startswith("Where unit")]
    assert len(told) == 6 * layers.UNITS and all("of 20" in each or "all 20" in each for each in told)
    assert sum("strongest images of unit" in each for each in alts(app)) == 6 * layers.UNITS
    assert any(button.key == "ph_pictures" for button in app.button), "their pictures can be made now"


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        (
            "photo.jpg",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "is an SVG drawing, which has no pixels. Export it as PNG",
        ),
        ("photo.png", b"hello", "is not a PNG, JPEG or WebP image. Save it as JPEG or PNG"),
        ("[x](http://evil).jpg", sideways()[:90], "is damaged or cut off"),
    ],
)
def test_a_file_that_is_no_photo_is_refused_in_a_sentence_and_what_was_shown_stays(
    name: str, data: bytes, told: str
) -> None:
    app = opened()
    before = app.session_state["ph_view"]
    app.file_uploader(key="ph_file").upload(name, data).run()
    assert not app.exception and told in said(app).replace("\\", "")
    assert "](http" not in said(app), "a name is text, and no link"
    assert app.session_state["ph_view"] == before


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ({"image": "99999"}, "has images 0 to 3395; there is no image 99999"),
        ({"image": "up-" + "0" * 16}, "Give its file again"),
        ({"image": "../../secret"}, "write the number of an image"),
        ({"image": "3", "a": "no-such-model"}, "no model"),
        ({"image": "3", "data": "../../secret"}, "no data set"),
        ({"a": "starter-vit"}, "names no image"),
    ],
)
def test_a_link_that_cannot_be_followed_is_explained(link: dict[str, str], told: str) -> None:
    app = opened(**link)
    assert not app.exception and told in said(app).replace("\\", ""), said(app)


def test_a_view_comes_back_from_its_link_also_with_one_model_alone() -> None:
    for view in (PhotoView(image="3"), PhotoView(image="up-" + "a" * 16, a="starter-clip", b="", data="photos")):
        assert query.read(PhotoView, query.write(view)) == (view, [])
    alone = PhotoView(image="3", a="starter-clip", b="")
    assert [part.name for part in parts(alone)] == ["photo-a", "words"], "the CLIP for text is model A itself"
    assert [part.name for part in parts(PhotoView(image="3"))] == ["photo-a", "photo-b", "photo-reader", "words"]


@pytest.mark.parametrize(
    ("above", "images", "told"),
    [
        (100.0, 3396, "above all 3,396"),
        (95.0, 20, "above 19 of 20"),
        (99.97, 3396, "above 99.9%"),
        (99.5, 3396, "above 99.5%"),
        (0.0, 3396, "above 0%"),
        (float("nan"), 3396, ""),
    ],
)
def test_how_unusual_a_unit_is_in_words(above: float, images: int, told: str) -> None:
    assert layers.unusual(above, images) == told


def test_an_answer_below_a_half_is_told_as_unsure() -> None:
    rows = pd.DataFrame([{"name": "cat", "probability": 0.4, "low": 0.2, "high": 0.6}])
    assert answers.finding(rows) == "Not sure: perhaps **cat**, 40% (20% to 60%)."
    assert answers.finding(rows.assign(probability=0.7)).startswith("Most likely **cat**, 70%")


def test_a_photo_that_is_strange_to_the_clip_says_so() -> None:
    words = pd.DataFrame([{"word": "pine", "probability": 0.1, "low": 0.1, "high": 0.1}])
    strange = answers.spoken("clip", Said(words, 0.1, 0.5, 5.0), "starter")
    assert "hardly knows such images" in strange and "95%" in strange
    assert "fits better than the best word of 64%" in answers.spoken("clip", Said(words, 0.1, 0.5, 64.0), "starter")
    assert "most likely (cosine 0.50)" in answers.spoken("clip", Said(words, 0.1, 0.5, float("nan")), "")


def test_words_that_another_cut_of_the_photo_would_exchange_are_told_as_not_sure() -> None:
    rows = [("cat", 0.4, 0.3, 0.5), ("dog", 0.3, 0.2, 0.35), ("car", 0.1, 0.05, 0.2)]
    words = pd.DataFrame(rows, columns=["word", "probability", "low", "high"])
    told = answers.spoken("clip", Said(words, 0.1, 0.5, 64.0), "starter")
    assert told.startswith("**clip is not sure**: “cat” (40%), “dog” (30%) cannot be told apart") and "car" not in told
    assert "not sure" not in answers.spoken("clip", Said(words.assign(low=0.36), 0.1, 0.5, 64.0), "starter")


def test_words_stand_open_only_where_they_tell_something() -> None:
    words = pd.DataFrame({"word": ["fish", "sea"], "probability": [0.4, 0.1], "low": [0.3, 0.05], "high": [0.5, 0.2]})
    assert not answers.vague(Said(words, 0.1, 0.5, 64.0))
    assert answers.vague(Said(words, 0.1, 0.5, 1.0)), "it hardly knows such images"
    assert answers.vague(Said(words.assign(high=0.6), 0.1, 0.5, 64.0)), "its words cannot be told apart"


def test_how_many_layers_there_are_is_said_where_not_all_are_shown() -> None:
    assert layers._left_out("starter-vit", 6) == ", 6 of 8 (more under Advanced)"
    assert layers._left_out("starter-vit", 8) == ""


def test_as_many_layers_are_asked_for_as_the_view_says() -> None:
    view = PhotoView(image="3", layers=12)
    assert {part.request.layers for part in parts(view) if part.name.startswith("photo-")} == {12}


def test_units_are_compared_with_what_is_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data set of the view counts first, then the photos, then the scenes."""
    there: dict[str, Result] = {}
    monkeypatch.setattr(known, "_index_key", lambda model, mark, site, data: f"{site} on {data}")
    monkeypatch.setattr("pages.common.results.find", there.get)
    assert known.index_of("starter-cnn", "s", "mine") is None
    for data in ("starter", "photos", "mine"):
        there[f"s on {data}"] = Result({})
        assert known.index_of("starter-cnn", "s", "mine") == (f"s on {data}", data)


def test_pictures_that_are_made_are_found_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core.request import build
    from engine.visualization.single import PictureRequest

    known._pictures.clear()
    site = "stages.3.blocks.1"
    made = build(PictureRequest, model="starter-cnn", site=site, wanted="7", recipe="fast", seed=0).key()
    monkeypatch.setattr("pages.common.results.find", {made: Result({})}.get)
    assert known.pictures("starter-cnn", site, [6, 7]) == [None, made]
    known._pictures.clear()


def test_the_bars_of_answers_are_the_numbers_of_their_table() -> None:
    table = pd.DataFrame({"name": ["cat", "dog"], "probability": [0.4, 0.1], "low": [0.2, 0.05], "high": [0.6, 0.2]})
    chart = answers.chart_of(table, "name", "b")
    (bars,) = chart.series
    assert (bars.x, bars.y, bars.low, bars.high) == (("cat", "dog"), (0.4, 0.1), (0.2, 0.05), (0.6, 0.2))
    assert bars.colour == 1 and chart.span == (0.0, pytest.approx(0.624)), "the whisker's end is on the axis"
    assert answers.chart_of(table, "name", "b", 0.9).span == (0.0, pytest.approx(0.936)), "and that of its neighbour"
    assert answers.chart_of(table, "name", "b", 0.1).span == chart.span


def test_a_photo_leads_to_background_with_the_models_that_have_classes_and_its_own_images() -> None:
    answers_of = {"name": ["cat"], "probability": [0.4], "low": [0.2], "high": [0.6]}
    vit, clip = (Result({}, {}, {"answers": pd.DataFrame(each)}) for each in (answers_of, {}))
    both = PhotoView(image="up-" + "a" * 16, a="starter-clip", b="starter-vit")
    there = {"photo-a": clip, "photo-b": vit}
    assert onward._compared(both, there) == {"models": "starter-vit", "data": "starter", "cut": "box"}
    assert onward._compared(both, {"photo-a": clip}) is None and onward._compared(both, {}) is None
    unknown = both.model_copy(update={"data": "photos"})
    assert onward._compared(unknown, there) is None, "it knows none of their kinds"


def test_photos_without_boxes_are_compared_where_the_network_is_that_finds_objects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from engine.evaluation import class_matching, samples

    vit = Result({}, {}, {"answers": pd.DataFrame({"name": ["cat"]})})
    view = PhotoView(image="3", a="starter-vit", b="", data="photos")
    monkeypatch.setattr(class_matching, "check_comparable", lambda models, data: None)
    for here, cut in ((True, "saliency"), (False, None)):
        monkeypatch.setattr(samples, "saliency_is_here", lambda here=here: here)
        found = onward._compared(view, {"photo-a": vit})
        assert (found and found["cut"]) == cut and (found is None or found["data"] == "photos")
