"""The picture of a model: every layer is one box, apart from the others, and the chosen one stands out."""

from __future__ import annotations

import itertools

import plotly.graph_objects as go
import pytest

from engine.sites.access import Site
from engine.sites.grid import Grid
from pages.common import colours
from pages.sections.visualize import layer_picture

PARTS = ("attn.query", "attn.key", "attn.value", "attn.out", "mlp.hidden", "mlp.out", "residual")


def transformer(blocks: int) -> list[Site]:
    grid = Grid(12, 12, 1)
    inner = [Site(f"blocks.{n}.{part}", 192, grid, 0, part, f"blocks.{n}") for n in range(blocks) for part in PARTS]
    embed = Site("tokens.embed", 192, grid, 0, "tokens.embed", "tokens")
    return [embed, *inner, Site("head.logits", 10, Grid(1, 1), 0, "head.logits", "head")]


def network(stages: int, blocks: int) -> list[Site]:
    found = [Site("stem", 32, Grid(24, 24), 0, "stem", "stem")]
    for stage, block in itertools.product(range(stages), range(blocks)):
        name, grid = f"stages.{stage}.blocks.{block}", Grid(24 >> stage, 24 >> stage)
        found.append(Site(f"{name}.mlp.hidden", 256 << stage, grid, 0, "mlp.hidden", name))
        found.append(Site(name, 64 << stage, grid, 0, "stage.block", name))
    return [*found, Site("head.logits", 10, Grid(1, 1), 0, "head.logits", "head")]


MODELS = [transformer(1), transformer(8), transformer(12), transformer(24), network(4, 2), network(7, 3)]


@pytest.mark.parametrize("sites", MODELS, ids=len)
def test_every_site_is_one_box(sites: list[Site]) -> None:
    assert sorted(box.site.name for box in layer_picture.boxes(sites)) == sorted(site.name for site in sites)


@pytest.mark.parametrize("sites", MODELS, ids=len)
def test_no_box_hides_another(sites: list[Site]) -> None:
    for one, other in itertools.combinations(layer_picture.boxes(sites), 2):
        apart_x = one.x + one.width <= other.x + 1e-9 or other.x + other.width <= one.x + 1e-9
        apart_y = one.y + one.height <= other.y + 1e-9 or other.y + other.height <= one.y + 1e-9
        assert apart_x or apart_y, (one.site.name, other.site.name)


@pytest.mark.parametrize("sites", MODELS, ids=len)
def test_the_chosen_layer_alone_has_the_full_colour(sites: list[Site]) -> None:
    chosen = sites[3].name
    (bars,) = layer_picture.figure(sites, "b", chosen).data
    assert isinstance(bars, go.Bar)
    names = [name for (name,) in bars.customdata]
    assert [name for name, fill in zip(names, bars.marker.color, strict=True) if fill == colours.of("b")] == [chosen]


def test_deeper_stages_are_lower_and_wider() -> None:
    drawn = {box.site.name: box for box in layer_picture.boxes(network(4, 2))}
    first, last = drawn["stages.0.blocks.0"], drawn["stages.3.blocks.0"]
    assert last.height < first.height and last.width > first.width


def test_many_blocks_are_drawn_in_lines_below_each_other() -> None:
    drawn = {box.site.name: box for box in layer_picture.boxes(transformer(24))}
    assert drawn["blocks.12.residual"].y < drawn["blocks.0.attn.query"].y
    assert drawn["blocks.12.residual"].x == drawn["blocks.0.residual"].x
