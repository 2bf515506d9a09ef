"""The pages of the instruments in a browser: what is clicked in a chart or on an image is what is shown next."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from cache.store import ResultStore
from engine.core.address import Address
from engine.core.request import Request, Result
from engine.evaluation.predictions import variant_table
from engine.figures.metadata import origin_of, parameters
from engine.jobs.runner import Runner
from engine.models.catalog import sites_of
from engine.spatial.layers import CURVES
from pages.common import query
from pages.common.units.rows import index_request
from pages.common.units.view import View as UnitsView
from pages.sections.reliance.view import View
from pages.sections.reliance.view import parts as of_background
from pages.sections.spatial.view import SpatialView
from pages.sections.spatial.view import parts as of_spatial
from tests.browser.driving import AppServer, settled, visit

SPATIAL = SpatialView(a="starter-vit", unit=7)  # of which no other test makes up results
BACKGROUND = View(models=("starter-vit",), limit=4, measures=("background", "frequency", "spectrum"))
BLOCKS, GRID = 3, 4
"""Of the made-up results: few, so that a click can be aimed."""
CUTOFFS = (0.1, 0.3, 1.0)


def keep(server: AppServer, requests: Mapping[str, Request], made: dict[str, Result]) -> None:
    """Results in the cache that the server reads."""
    store = ResultStore(server.cache / "results")
    for name, result in made.items():
        result.request = json.loads(requests[name].canonical())
        Runner(store).keep(requests[name], result)
    store.close()


def maps() -> Result:
    row = {"site": "s", "units": 9, "height": GRID, "width": GRID, "low": 0.0, "high": 1.0, "auroc": 0.7}
    table = pd.DataFrame([{"layer": at, "maps": f"block.{at}", **row} for at in range(BLOCKS)])
    arrays = {f"map_{at}": np.eye(GRID, dtype=np.float32) for at in range(BLOCKS)}
    arrays |= {f"tokens_{at}": np.eye(GRID * GRID, dtype=np.float16) for at in range(BLOCKS)}
    return Result(
        {}, arrays | {"pixels": np.zeros((96, 96, 3), np.uint8)}, {"layers": table}, {"caption": "a", "missing": []}
    )


def layers() -> Result:
    table = pd.DataFrame({"layer": range(BLOCKS), "site": "s", "maps": "m", "depth": [0.3, 0.6, 1.0]})
    for name in {*CURVES, "object_share", "position_r2"}:
        for end in ("", "_low", "_high"):
            table[name + end] = [0.9, 0.6, 0.3] if name == "position_r2" else np.nan
    facts = {"images": 9, "scored": 4, "chance_self_retrieval": 0.1, "last": {}, "missing": []}
    return Result({}, {}, {"layers": table}, facts)


def last() -> Result:
    """The last layer: uniform attention in each block, and single positions."""
    ends = {f"{name}{end}": 0.1 for name in ("interval", "difference_interval") for end in ("_low", "_high")}
    common = {"head": np.nan, "top5": 1.0, "n": 9, "smallest": 0.1, "difference": -0.1, **ends}
    rows = [{"experiment": "natural", "name": "natural", "index": np.nan, "top1": 0.8, **common}]
    rows += [{"experiment": "heads", "name": "cls", "index": np.nan, "top1": 0.8, **common}]
    rows[-1] |= {"interval5_low": 0.9, "interval5_high": 1.0}
    rows += [
        {"experiment": "heads", "name": name, "index": np.nan, "top1": 0.4, **common}
        for name in ("patch_mean", "patch_average", "patch_maximum")
    ]
    rows += [
        {"experiment": "uniform", "name": f"uniform {at}", "index": at, "top1": value, **common}
        for at, value in enumerate((0.7, 0.5, 0.3))
    ]
    attention = pd.DataFrame({"block": [], "entropy": [], "entropy_low": [], "entropy_high": [], "n": []})
    facts = {
        "best_position": [0, 0], "held_out": 0.5, "held_out_interval": [0.4, 0.6], "evaluations": {}, "missing": [],
    }  # fmt: skip
    accuracy = {"position_accuracy": np.linspace(0.1, 0.9, GRID * GRID).reshape(1, GRID, GRID)}
    return Result({}, accuracy, {"accuracy": pd.DataFrame(rows), "attention": attention}, facts)


def moves() -> Result:
    table = pd.DataFrame({"kind": "shift", "layer": range(BLOCKS), "site": "s", "depth": [0.3, 0.6, 1.0]})
    for name in ("equivariance", "invariance"):
        for end in ("", "_low", "_high"):
            table[name + end] = [0.9, 0.6, 0.3]
    return Result({}, {}, {"moves": table}, {"images": 9, "shift": ["4 px"], "turn": [], "missing": []})


def gradients() -> Result:
    """Of two layers, how much of their gradient lies in two rings."""
    sites = ("blocks.0.mlp.hidden", "blocks.7.mlp.hidden")
    layers = pd.DataFrame(
        {"depth": [0, 1], "site": sites, "mean_frequency": [0.2, 0.4], "low": [0.1, 0.3], "high": [0.3, 0.5]}
    )
    rings = [
        {"depth": depth, "site": site, "from": start, "to": start + 0.5, "share": 0.5, "low": 0.4, "high": 0.6}
        for depth, site in enumerate(sites)
        for start in (0.0, 0.5)
    ]
    facts = {"role": "mlp.hidden", "images": 4}
    arrays = {"images": np.arange(4, dtype=np.int32), "shares": np.full((2, 4, 20), 0.05, np.float32)}
    return Result(
        {"model": "starter-vit", "data": "starter"}, arrays, {"layers": layers, "rings": pd.DataFrame(rings)}, facts
    )


def answers(variants: int) -> dict[str, np.ndarray]:
    """Of four images: right whole, wrong in every other variant."""
    top = np.zeros((4, variants, 5), np.int32)
    top[..., 1:] = np.arange(1, 5)
    top[:, 1:, 0] = 9
    probability = np.full((4, variants, 5), 0.2, np.float32)
    return {
        "images": np.arange(0, 16, 4, dtype=np.int32), "labels": np.zeros(4, np.int32), "top": top,
        "probability": probability, "loss": np.ones((4, variants), np.float32),
    }  # fmt: skip


def background() -> Result:
    pairs = [("full", ""), ("foreground", "black"), ("background", "black")]
    arrays = answers(3)
    facts = {"variants": [list(pair) for pair in pairs], "cut": "box", "images": 4}
    return Result(
        {"model": "starter-vit", "data": "starter"}, arrays, {"variants": variant_table(arrays, pairs)}, facts
    )


def frequency() -> Result:
    rows = {"kept": CUTOFFS, "normalised": (0.2, 0.6, 1.0)}
    table = pd.DataFrame({**rows, "normalised_low": rows["normalised"], "normalised_high": rows["normalised"]})
    variants = [
        ["full", 0, 1],
        *(["low", 0, cutoff] for cutoff in CUTOFFS),
        *(["high", cutoff, 1] for cutoff in CUTOFFS),
    ]
    facts = {
        "variants": variants, "images": 4, "filter": "ideal", "low_half_cutoff": None, "low_area": None, "high_area": None,
    }  # fmt: skip
    return Result({"model": "starter-vit", "data": "starter"}, answers(7), {"low": table, "high": table}, facts)


@pytest.fixture
def spatial(app_server: AppServer, page: Page) -> Page:
    requests = {part.name: part.request for part in of_spatial(SPATIAL)}
    keep(app_server, requests, {"maps-a": maps(), "layers-a": layers(), "last-a": last(), "moves-a": moves()})
    return visit(page, f"{app_server.url}/spatial{query.text(query.write(SPATIAL))}", 120)


@pytest.fixture
def leaning(app_server: AppServer, page: Page) -> Page:
    requests = {part.name: part.request for part in of_background(BACKGROUND)}
    made = {
        "background/starter-vit": background(), "frequency/starter-vit": frequency(), "spectrum/starter-vit": gradients(),
    }  # fmt: skip
    keep(app_server, requests, made)
    return visit(page, f"{app_server.url}/background{query.text(query.write(BACKGROUND))}", 120)


def address(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def click(page: Page, what: str, across: float = 0.5, down: float = 0.5) -> None:
    """The middle of an element of a chart, or another place of it, as a hand would."""
    there = page.locator(what)
    there.wait_for(state="attached", timeout=60_000)
    there.scroll_into_view_if_needed()
    settled(page)
    box = there.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + across * box["width"] - 2, box["y"] + down * box["height"] - 2)
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=4)
    page.wait_for_timeout(300)
    page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])


def changed(page: Page, done: Callable[[], bool]) -> None:
    for _ in range(100):
        if done():
            break
        page.wait_for_timeout(200)
    settled(page)


def test_the_position_that_is_clicked_is_followed(spatial: Page) -> None:
    click(spatial, ".st-key-sp_click_a .nsewdrag", across=0.875, down=0.375)
    changed(spatial, lambda: "across" in address(spatial))
    assert (address(spatial)["down"], address(spatial)["across"]) == ("0.375", "0.875")


def test_a_point_of_a_curve_opens_its_block(spatial: Page) -> None:
    click(spatial, ".st-key-sp-position_r2-figure .trace:last-of-type .points path:nth-of-type(2)")
    changed(spatial, lambda: "depth" in address(spatial))
    assert address(spatial)["depth"] == "0.5"
    expect(spatial.get_by_role("heading", name="block.1")).to_be_visible(timeout=30_000)


def expanded(page: Page, title: str) -> None:
    page.get_by_text(title, exact=True).click()
    settled(page)


def test_a_position_of_the_last_layers_map_is_followed(spatial: Page) -> None:
    expanded(spatial, "What the last layer does")
    click(spatial, ".st-key-sp-positions-figure .scatterlayer .points path:nth-of-type(7)")  # row 1, column 2 of four
    changed(spatial, lambda: "across" in address(spatial))
    assert (address(spatial)["down"], address(spatial)["across"]) == ("0.375", "0.625")


def test_a_block_whose_attention_was_made_uniform_is_opened(spatial: Page) -> None:
    expanded(spatial, "What the last layer does")
    click(spatial, ".st-key-sp-uniform-figure .trace:last-of-type .points path:nth-of-type(2)")
    changed(spatial, lambda: "depth" in address(spatial))
    assert address(spatial)["depth"] == "0.5"


def test_a_block_of_moved_images_is_opened(spatial: Page) -> None:
    expanded(spatial, "Shifted and rotated images")
    click(spatial, ".st-key-sp-equivariance-figure .trace:last-of-type .points path:nth-of-type(1)")
    changed(spatial, lambda: "depth" in address(spatial))
    assert address(spatial)["depth"] == "0.0"


def test_a_layer_of_the_gradients_spectrum_opens_its_units(leaning: Page) -> None:
    click(leaning, ".st-key-bg_rings-figure .scatterlayer .points path:nth-of-type(3)")
    leaning.wait_for_url("**/feature_visualization?**", timeout=30_000)
    assert address(leaning)["a"] == "starter-vit@blocks.7.mlp.hidden:0-3"


def test_a_bar_opens_the_images_that_its_model_gets_wrong(leaning: Page) -> None:
    # The second of three names, each a heading and a row; its bar has no length, since nothing is right.
    click(leaning, ".st-key-bg_bars-figure .nsewdrag", across=0.4, down=3.5 / 6)
    changed(leaning, lambda: "look" in address(leaning))
    assert address(leaning)["look"] == "starter-vit|1"
    wrong = leaning.get_by_text("4 scenes that starter-vit gets right whole and wrong as object alone, black.")
    expect(wrong).to_be_visible(timeout=30_000)


def test_a_point_of_a_filters_curve_opens_scenes_at_its_cutoff(leaning: Page) -> None:
    click(leaning, ".st-key-bg_low-figure .trace:last-of-type .points path:nth-of-type(2)")
    changed(leaning, lambda: "cutoff" in address(leaning))
    assert address(leaning)["cutoff"] == "0.3"
    expect(leaning.get_by_text("up to 0.3 of Nyquist").first).to_be_visible(timeout=30_000)


def test_a_point_of_a_high_pass_opens_scenes_under_it(leaning: Page) -> None:
    click(leaning, ".st-key-bg_high-figure .trace:last-of-type .points path:nth-of-type(2)")
    changed(leaning, lambda: "at" in address(leaning))
    assert address(leaning)["at"] == "5"
    expect(leaning.get_by_text("from 0.3 of Nyquist").first).to_be_visible(timeout=30_000)


def test_the_maps_of_an_image_are_saved_as_one_figure_that_opens_them_again(spatial: Page) -> None:
    spatial.locator(".st-key-sp-image-figure button").first.click()
    with spatial.expect_download(timeout=60_000) as saved:
        spatial.locator(".st-key-sp-image-png button").click()
    origin = origin_of(Path(saved.value.path()).read_bytes())
    assert origin.page == "spatial" and parameters(origin) == query.write(SPATIAL)
    assert [one["experiment"] for one in origin.requests] == ["spatial-maps"]


def test_a_bar_of_a_cards_distribution_opens_its_image(app_server: AppServer, page: Page) -> None:
    """On a card, which is a part of the page that draws itself."""
    view = UnitsView(a=Address("starter-vit", "blocks.2.attn.query", (1, 2)), data="starter")
    units = sites_of("starter-vit")[view.a.site].units
    top = {"top_mean": np.tile(np.arange(0, 16, 4), (units, 1)), "top_mean_maps": np.ones((units, 4, 2, 2), np.float16)}
    values = np.tile(np.array([[0.0], [0.0], [4.0]], np.float32), (1, units))
    index = Result({}, {**top, "position_mean": values, "images": np.array([4, 8, 400])})
    keep(app_server, {"index": index_request(view.a, view.data)}, {"index": index})
    visit(page, f"{app_server.url}/feature_visualization{query.text(query.write(view))}", 120)
    page.locator("[class*='st-key-more-a-'] summary").first.click()
    click(page, "[class*='-histogram-figure'] .nsewdrag", across=0.94)
    page.wait_for_url("**/photo?**", timeout=30_000)
    assert (address(page)["image"], address(page)["a"]) == ("400", "starter-vit")
