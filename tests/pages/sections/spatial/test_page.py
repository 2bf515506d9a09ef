"""The spatial probe's page: it opens, offers, explains; and its sentences say what the numbers say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine.core import config
from engine.core.images import open_image, to_png
from engine.core.request import Result
from engine.data import uploads
from engine.jobs.runner import Runner
from pages.common import overlay, query
from pages.common.charts.files import Source
from pages.sections.spatial import charts, figures, findings, image
from pages.sections.spatial import last as last_page
from pages.sections.spatial.shown import Shown
from pages.sections.spatial.view import SpatialView, parts
from tests.conftest import ROOT
from tests.pages.opening import figure_of, said

FULL = SpatialView(a="starter-vit", b="starter-cnn", image="7", unit=3, depth=0.25, down=0.1)


def opened(**link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params.update(link)
    return app.run().switch_page("pages/spatial.py").run()


def test_the_page_opens_and_starts_nothing() -> None:
    app = opened()
    assert not app.exception and not app.error, said(app)
    assert app.title[0].value == "Spatial probe" and not app.button(key="sp_run").disabled


def test_a_link_gives_back_its_view_and_offers_what_is_not_there() -> None:
    assert query.read(SpatialView, query.write(FULL)) == (FULL, [])
    app = opened(**query.write(FULL))
    assert not app.exception and not app.error, said(app)
    assert app.button(key="sp_compute").label == "Run"
    assert app.session_state["sp_b"] == "starter-cnn" and app.session_state["sp_unit"] == 3


@pytest.mark.parametrize(
    "link, told",
    [
        ({"a": "no-such-model"}, "no model"),
        ({"a": "starter-vit", "image": "999999"}, "there is no image"),
        ({"a": "starter-vit", "image": "up-" + "0" * 16}, "Give its file again"),
        ({"a": "starter-vit", "data": "../../secret"}, "no data set"),
        ({"a": "starter-vit", "depth": "nan"}, "depth"),
        ({"b": "starter-vit"}, "names no model"),
    ],
)
def test_a_link_that_cannot_be_followed_is_explained(link: dict[str, str], told: str) -> None:
    app = opened(**link)
    assert not app.exception and told in said(app).replace("\\", "")


def test_a_model_alone_needs_half_of_what_two_need() -> None:
    alone = SpatialView(a="starter-vit")
    assert [part.name for part in parts(alone)] == ["maps-a", "scenes-a", "layers-a", "last-a", "moves-a"]
    assert len({part.request.key() for part in parts(FULL)}) == 10
    turned = alone.model_copy(update={"depth": 0.0, "down": 0.9})
    assert [part.request for part in parts(turned)] == [part.request for part in parts(alone)]


def accuracy(rows: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["experiment", "name", "index", "head", "top1", "difference"])
    low, high = table["difference"] - 0.01, table["difference"] + 0.01
    return table.assign(
        top5=1.0, n=100, smallest=0.015, interval_low=table.top1 - 0.02, interval_high=table.top1 + 0.02,
        interval5_low=0.9, interval5_high=1.0, difference_interval_low=low, difference_interval_high=high,
    )  # fmt: skip


TABLE = accuracy(
    [
        ("natural", "natural", np.nan, np.nan, 0.8, np.nan),
        ("heads", "cls", np.nan, np.nan, 0.8, 0.0),
        ("heads", "patch_mean", np.nan, np.nan, 0.7, -0.1),
        ("heads", "patch_average", np.nan, np.nan, 0.4, np.nan),
        ("heads", "patch_maximum", np.nan, np.nan, 0.5, np.nan),
        *[
            ("isolation", f"isolation {index}", index, np.nan, top1, top1 - 0.8)
            for index, top1 in enumerate((0.8, 0.6, 0.1))
        ],
        *[
            ("cls_only", f"cls_only {index}", index, np.nan, top1, top1 - 0.8)
            for index, top1 in enumerate((0.1, 0.3, 0.8))
        ],
        ("uniform", "uniform 0", 0, np.nan, 0.5, -0.3),
        ("uniform", "uniform 1", 1, np.nan, 0.795, -0.005),
        ("uniform", "uniform 1 0", 1, 0, 0.8, 0.0),
    ]
)


def test_the_findings_say_what_the_numbers_say_with_their_intervals() -> None:
    assert "reaches 60.0% (58.0 to 62.0%) (unmodified: 80.0% (78.0 to 82.0%))" in findings.isolation("m", TABLE)
    assert "and 30.0% (28.0 to 32.0%) if it does so in all blocks but the last" in findings.isolation("m", TABLE)
    uniform = findings.uniform("m", TABLE)
    assert "in block 0, where it costs most (chosen on the same images), 30.0 points (29.0 to 31.0)" in uniform
    heads = findings.heads("m", TABLE, {"held_out": 0.45, "held_out_interval": [0.42, 0.48]})
    assert "40.0% (38.0 to 42.0%) of images correctly on average, the best one, chosen on the other half" in heads
    assert "45.0% (42.0 to 48.0%)" in heads and "50.0%" not in heads and "80.0%" in heads
    curve = layers(r2=[0.9, 0.95, 0.2])
    assert findings.across("m", curve, "r2", "R²") == (
        "m: R² falls from 0.90 (0.80 to 1.00) in block 0 to 0.20 (0.10 to 0.30) in block 2; most in block 1, chosen on "
        "the same images: 0.95 (0.85 to 1.05)"
    )
    level = findings.across("m", layers(r2=[0.5, 0.55]), "r2", "R²")
    assert level == "m: R² is 0.50 (0.40 to 0.60) in block 0 and 0.55 (0.45 to 0.65) in block 1", "no change is seen"


@pytest.mark.parametrize(
    ("r2", "way"),
    [([0.9, 0.4], "forget where"), ([0.1, 0.6], "learn where"), ([0.5, 0.5], "were not seen to learn or forget")],
)
def test_the_page_opens_on_whether_tokens_keep_their_place(r2: list[float], way: str) -> None:
    tables = {"vit": layers(position_r2=r2), "cnn": layers(position_r2=[0.1, 0.6]), "new": layers(position_r2=[np.nan])}
    assert findings.places_known({"vit": tables["vit"]}).startswith(f"Block by block, tokens of vit {way}")
    assert f"{r2[1]:.2f} (" in findings.place_known("vit", tables["vit"])
    said, alike = findings.places_known(tables), way == "learn where"
    assert said.startswith(
        "Block by block, tokens of vit and cnn learn" if alike else f"Block by block, tokens of vit {way}"
    )
    assert said.endswith("learn where they are." if alike else ", those of cnn learn where they are.")
    assert ("(a change of 0.20 would have been seen)" in findings.place_known("vit", tables["vit"])) == (r2[0] == r2[1])
    assert len(said) < 120, "a heading of two lines at most"
    assert findings.place_known("new", tables["new"]) == findings.places_known({"new": tables["new"]}) == ""


def test_a_models_name_keeps_its_hyphen_and_a_negative_number_gets_a_minus_sign() -> None:
    said = findings.moved("starter-vit", "shift", layers(equivariance=[-0.5, 0.9]), "equivariance")
    assert said.startswith("starter-vit, shift: −0.50 (−0.60 to −0.40) in the first block")


def layers(**curves: list[float]) -> pd.DataFrame:
    """A table of curves, each within 0.1 of its interval's ends."""
    table = pd.DataFrame(curves)
    ends = {f"{name}{end}": table[name] + by for name in curves for end, by in (("_low", -0.1), ("_high", 0.1))}
    return table.assign(layer=table.index, **ends)


def last(difference: float) -> dict:
    """What a result says of the last block, within 0.1."""
    return {"difference": difference, "interval": [difference - 0.1, difference + 0.1], "smallest": 0.14}


def test_a_difference_that_was_not_seen_is_told_with_the_one_that_would_have_been() -> None:
    assert findings.last_block("m", {"r2": last(-0.7)}, "r2", "R²") == (
        "m: R² is lower in the last block than on average in the others (−0.700, −0.800 to −0.600)"
    )
    assert "is higher in the last" in findings.last_block("m", {"r2": last(0.7)}, "r2", "R²")
    unseen = findings.last_block("m", {"r2": last(0.05)}, "r2", "R²")
    assert "no difference in R² was seen" in unseen and unseen.endswith("one of 0.140 would have been")
    assert "no cost of uniform attention in the last block was seen (0.5 points (−0.5 to 1.5)); one of 1.5 points" in (
        findings.uniform("m", TABLE)
    )


def test_the_side_that_units_mark_is_told_for_the_first_block_and_the_last() -> None:
    shares = {
        "preferring": [0.5, 0.6, 0.8],
        "preferring_control": [0.2, 0.3, 0.4],
        "object_share_control": [0.3, 0.2, 0.1],
    }
    table = layers(object_share=[0.45, 0.8, 0.12], **shares).assign(direction_units=40)
    said = findings.direction("m", table)
    assert (
        "45% mark the object (35 to 55%), not seen to differ from half (from 72% on it would have been) in block 0"
        in said
    )
    assert "88% mark the background (78 to 98%) in block 2" in said and "80% (70 to 90%) of the last block's" in said
    assert "units mark one (by chance 2%); 40% (30 to 50%) would by where objects mostly are alone" in said
    assert said.endswith("of these 10% (0 to 20%) the object")
    drawn = charts.curves({"a": ("m", table.assign(depth=1.0, maps="x"))}, "object_share", "share")
    assert [line.name for line in drawn.series] == ["m", "m, other masks"] and drawn.series[1].y[2] == 0.1
    assert findings.direction("m", table.assign(direction_units=np.nan)) == ""


def test_two_measures_of_uniformity_are_compared() -> None:
    table = layers(map_uniformity=[0.1, 0.2, 0.6], map_between=[0.1, 0.5, 0.2])
    apart = {"map_uniformity": last(0.45), "map_between": last(-0.05)}
    said = findings.disagreement("m", table, apart)
    assert (
        "uniformity disagree: of these images block 2 has the most uniform maps by their means, block 1 by their variance"
        in said
    )
    assert "the last block's are more uniform by the one and not seen to differ by the other" in said
    near = table.assign(map_between=[0.1, 0.5, 0.45])  # intervals of 0.1 to either side: the blocks are not told apart
    assert "were not seen to disagree: of these images block 2" in findings.disagreement("m", near, apart)
    opposite = {"map_uniformity": last(0.45), "map_between": last(-0.45)}
    assert "measures of uniformity disagree" in findings.disagreement("m", near, opposite)
    same = table.assign(map_between=table.map_uniformity)
    assert "both measures of uniformity agree: block 2" in findings.disagreement(
        "m", same, {name: last(0.45) for name in apart}
    )
    assert findings.disagreement("m", table, {}) == ""


def test_positions_that_can_be_clicked_are_sent_as_plain_numbers() -> None:
    """Plotly packs arrays, and what is clicked would come back as the packing."""
    (points,) = charts.clickable("data:,", 2, 4, "a").to_plotly_json()["data"]
    assert points["customdata"][5] == [0.75, 0.375] and isinstance(points["customdata"], list | tuple)


def test_a_point_of_a_curve_says_its_block_and_opens_it() -> None:
    table = layers(r2=[0.1, 0.2, 0.3]).assign(depth=[0.3, 0.6, 1.0], maps=["x", "y", "z"])
    (line,) = charts.curves({"b": ("m", table)}, "r2", "R²").series
    assert line.about[2] == "block 2: z" and line.opens == ([0.0], [0.5], [1.0]) and line.colour == 1


def test_a_point_of_isolation_opens_the_block_that_it_ends_with(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, Any] = {}
    monkeypatch.setattr(
        last_page.figure, "draw", lambda chart, *_, key, on_click, **__: drawn.update({key: (chart, on_click)})
    )
    opened: list[list] = []
    shown: Any = SimpleNamespace(source=lambda name: None, clicked=opened.append)
    result: Any = SimpleNamespace(facts={"evaluations": {}}, tables={"attention": pd.DataFrame()})
    last_page._interventions(shown, {"a": result}, {"a": ("m", TABLE)}, TABLE)
    chart, on_click = drawn["sp-isolation"]
    for place in range(3):
        on_click(list(chart.series[0].opens[place]))
    assert opened == [[0.0], [0.0], [1.0]], "none, the first, and the second of two blocks"


def test_every_number_of_the_charts_is_drawn() -> None:
    rows = TABLE[TABLE.experiment == "isolation"]
    made = charts.accuracies({"apart": {"a": ("m", rows)}}, "L")
    (drawn,) = [each for each in made.series if each.name == "m: apart"]
    assert list(drawn.y) == pytest.approx([0.8, 0.6, 0.1]) and made.share


@pytest.mark.usefixtures("own_store")
def test_stored_results_are_drawn_at_once_and_the_sliders_compute_nothing() -> None:
    from engine.jobs.scheduler import jobs
    from engine.spatial.maps import MapsRequest

    request = MapsRequest(model="starter-vit", image="0", unit=3)
    similar = np.eye(144, dtype=np.float16)
    row = {"site": "s", "units": 768, "height": 12, "width": 12, "low": 0.0, "high": 1.0, "auroc": 0.7}
    table = pd.DataFrame(
        [{"layer": at, "maps": site, **row, "prefix_0": 0.5} for at, site in enumerate(("gone", "blocks.7.mlp.hidden"))]
    )
    arrays = {f"map_{index}": np.eye(12, dtype=np.float32) for index in range(2)}
    arrays |= {f"tokens_{index}": similar for index in range(2)} | {"pixels": np.full((96, 96, 3), 200, np.uint8)}
    stored = Result(json.loads(request.canonical()), arrays, {"layers": table}, {"caption": "a cat", "missing": []})
    Runner(config.store()).keep(request, stored)
    deepest = parts(SpatialView(a="starter-vit", unit=3))[1].request
    assert deepest.site == "blocks.7.mlp.hidden"
    ranks = np.tile(np.arange(0, 24, 4, dtype=np.int32), (768, 1))  # of six matched sets
    strongest = {"top_mean": ranks, "top_mean_maps": np.ones((768, 6, 12, 12), np.float16)}
    Runner(config.store()).keep(deepest, Result({}, strongest))
    app = opened(a="starter-vit", unit="3")
    assert not app.exception and not app.error, said(app)
    assert (
        len(app.get("image")) == 5 + 1 + 2 + 2 + 6
    )  # to choose from; the map, all maps, all similarities, the strongest
    assert any("AUROC for the object's mask 0.70" in each.value for each in app.caption)
    assert any("dimmed elsewhere: the most at 0, in full from 0.5 on; highest 1" in each.value for each in app.caption)
    assert any("the most up to 1, in full from 1 on" in each.value for each in app.markdown)
    texts, pixels, numbers = figure_of(app, "sp-image")
    assert len(pixels) == 2 + 2 + 6 and numbers["layer"].tolist() == [0, 1], "maps, similarities, the strongest"
    assert "Unit 3 on one image, block by block" in texts and "AUROC 0.70" in texts and "block 1" in texts
    dimmed = open_image(image.pictured(stored.key, "map", 1, None, 96), "").astype(int)
    assert np.ptp(dimmed, axis=2).max() == 0, "nothing grey is tinted"
    assert dimmed[4, 4, 0] == 200 and dimmed[4, 90, 0] == 200 * overlay.DIMMED
    app.slider(key="sp_depth_at").set_value(0).run()
    assert app.query_params["depth"] in ("0.0", ["0.0"]) and not app.exception
    assert any("strongest images of `gone` are not stored" in each.value for each in app.caption)
    assert [job for job in jobs().active() if job.request.experiment.startswith("spatial")] == []


@pytest.mark.usefixtures("own_store")
def test_the_image_stands_there_before_anybody_asked_and_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Event()
    monkeypatch.setattr(Runner, "fetch", lambda *_: held.wait(60))
    offered, running = (opened(a="starter-vit", image="3", unit="2") for _ in range(2))
    running.button(key="sp_compute").click().run()
    held.set()
    for app in (offered, running):
        headers = [each.value for each in app.header]
        assert not app.exception and "Unit 2 on one image, block by block" in headers, said(app)
        assert "Not measured yet." in [each.value for each in app.caption]
        assert "Image 3 of starter" in alts(app)
    assert any("measurements are not computed yet, on images of “starter”: " in each.value for each in offered.markdown)


@pytest.mark.usefixtures("own_store")
def test_an_uploaded_image_stands_there_too() -> None:
    digest = uploads.keep_image(to_png(np.full((40, 60, 3), 90, np.uint8)), "mine.png")
    app = opened(a="starter-vit", image=f"up-{digest}")
    assert not app.exception and not app.error, said(app)
    assert "The uploaded image" in alts(app)


def alts(app: AppTest) -> list[str]:
    return [image.alt for found in app.image for image in found.proto.imgs]


def maps_asked() -> tuple[list[str], str]:
    """What the page has asked for by itself, and how the maps of image 3 stand."""
    from engine.jobs.scheduler import jobs

    key = parts(SpatialView(a="starter-vit", image="3"))[0].request.key()
    asked = [job.request.experiment for job in jobs().active() if job.id != key]
    return asked, jobs().snapshot(key).status if key in jobs()._records else ""


def test_another_image_in_a_model_that_has_seen_the_images_is_looked_at_without_a_click(
    own_store: Path, configured: Callable[..., None]
) -> None:
    assert not opened(a="starter-vit", image="3").exception and maps_asked() == ([], "")
    deepest = parts(SpatialView(a="starter-vit"))[1].request
    Runner(config.store()).keep(deepest, Result({}, {"top_mean": np.zeros((768, 6), np.int32)}))
    configured(access={"visitors": "viewer"})
    assert not opened(a="starter-vit", image="3").exception and maps_asked() == ([], ""), "it is not for all to compute"
    configured()
    app = opened(a="starter-vit", image="3")
    others, maps = maps_asked()
    assert not app.exception and others == [] and maps in ("queued", "running", "done")
    assert app.button(key="sp_compute").label == "Run", "what takes longer is offered"


def test_a_text_file_called_png_is_refused_in_a_sentence_and_a_picture_is_taken() -> None:
    app = opened()
    app.file_uploader(key="sp_file").upload("fake.png", b"not a picture", mime_type="image/png").run()
    assert not app.exception and "is not a PNG, JPEG or WebP image" in said(app).replace("\\", "")
    app.file_uploader(key="sp_file").upload(
        "mine.png", to_png(np.zeros((8, 8, 3), np.uint8)), mime_type="image/png"
    ).run()
    assert not app.exception and any("Your image is stored" in each.value for each in app.caption)


def test_a_curve_that_ends_early_is_told_as_far_as_it_is_known() -> None:
    table = layers(known=[0.9, 0.8, np.nan], unknown=[np.nan] * 3)
    said = findings.across("m", table, "known", "self-retrieval")
    assert "0.80 (0.70 to 0.90) in block 1, the last in which it can be measured" in said and "nan" not in said
    assert findings.across("m", table, "unknown", "self-retrieval") == ""


def test_no_difference_has_no_sign() -> None:
    assert findings.points(-0.0) == findings.points(-0.0001) == "0.0 points"


def test_blocks_that_tell_nothing_of_the_place_are_left_out_of_what_is_said_and_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = layers(position_r2=[-0.3, 0.5, 0.6, -5.8]).assign(depth=[0.25, 0.5, 0.75, 1.0], maps=list("wxyz"))
    assert "were not seen to learn or forget" in findings.places_known({"cnn": table})
    said = findings.place_known("cnn", table)
    assert "0.50 (0.40 to 0.60) in block 1" in said and "in block 2" in said and "5.8" not in said
    drawn: list[tuple] = []
    monkeypatch.setattr(figures.figure, "draw", lambda chart, *_, note, **__: drawn.append((chart, note)))
    facts = {"scored": 10, "last": {"position_r2": last(-6.0)}, "missing": []}
    whole = table.assign(position_r2=[0.4, 0.5, 0.6, 0.7])
    for curve in (table, whole):
        of: Any = Result({}, {}, {"layers": curve}, facts)
        view = SpatialView(a="cnn")
        figures.first(
            Shown(view, {"layers-a": of}, {"layers-a": "k"}, Source("spatial", {}), lambda _: None, lambda *_: None)
        )
    (few, told), (_, all_told) = drawn
    assert np.isnan(few.series[0].y).tolist() == [True, False, False, True]
    assert few.series[0].opens[1] == [1 / 3], "a block lies as deep as it does among all"
    assert "Blocks below 0, which tell nothing, are left out." in told and "in the last block" not in told
    assert "left out" not in all_told and "R² is lower in the last block" in all_told
