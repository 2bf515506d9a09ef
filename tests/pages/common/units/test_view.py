"""The page's address and the view it stands for are two forms of one thing."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from engine.core.address import Address
from pages.common import query
from pages.common.units.view import View

PLAIN = View(a=Address("starter-vit", "blocks.6.mlp.hidden", (0, 1, 2, 7)))
FULL = View(
    a=Address("starter-vit", "blocks.6.mlp.hidden", tuple(range(8))),
    b=Address("timm/resnet50.a1_in1k", "stages.2.blocks.1", (5,)),
    recipe="paper",
    seed=2**31 - 1,
    opposite=True,
    data="my photos & more",
    view="depth",
)
RICH = View(a=PLAIN.a, start="17", importance=True, several=4, seeds=3)
COMPARED = View(a=PLAIN.a, view="recipes")
TUNED = View(a=PLAIN.a, recipe="paper", tuned="steps:64,finish.after:0.5,finish.rate:0.1,finish.total_variation:0")
AIMED = View(a=Address("starter-vit", "blocks.6.attn.query", (3,), ("5@3x4", "head1", "(0-0.5*3+7)", "match:12")))


@pytest.mark.parametrize("view", [PLAIN, FULL, AIMED, RICH, COMPARED, TUNED])
def test_a_link_gives_back_the_view_it_was_made_from(view: View) -> None:
    assert query.read(View, query.write(view)) == (view, [])


@pytest.mark.parametrize("view", [PLAIN, FULL, AIMED, RICH, COMPARED, TUNED])
def test_a_browser_reads_the_same_parameters_from_the_text_of_the_link(view: View) -> None:
    assert dict(parse_qsl(query.text(query.write(view))[1:])) == query.write(view)


def test_a_link_is_readable_and_short() -> None:
    assert query.text(query.write(PLAIN)) == "?a=starter-vit@blocks.6.mlp.hidden:0-2,7&recipe=fast&seed=0"
    assert len(query.text(query.write(FULL))) < 250


@pytest.mark.parametrize(
    "name, value",
    [
        ("a", "nonsense"),
        ("a", "starter-vit@blocks.6.mlp.hidden:"),
        ("a", "starter-vit@blocks.6.mlp.hidden:0-99999999"),
        ("b", "<script>alert(1)</script>"),
        ("recipe", "slow"),
        ("seed", "-1"),
        ("seed", "1e9"),
        ("seed", "9" * 5000),
        ("seed", "0" * 12 + "1" * 5000),
        ("seed", "٣"),
        ("opposite", "perhaps"),
        ("view", "sideways"),
        ("start", "../photo.png"),
        ("importance", "very"),
        ("several", "0"),
        ("tuned", "steps"),
        ("tuned", "steps:0"),
        ("tuned", "speed:9"),
        ("tuned", "finish.after:0.5,<script>:1"),
        ("tuned", "steps:9999,copies:64"),
        ("tuned", "steps:" + "9" * 5000),
        ("seeds", "9"),
    ],
)
def test_garbage_is_named_and_left_out(name: str, value: str) -> None:
    good = query.write(PLAIN)
    view, problems = query.read(View, {**good, name: value})
    assert len(problems) == 1 and problems[0].startswith(f"{name}:")
    assert view == (None if name == "a" else PLAIN)


def test_changes_that_change_nothing_are_left_out_and_others_have_one_spelling() -> None:
    good = query.write(PLAIN)
    assert query.read(View, {**good, "tuned": "steps:128"}) == (PLAIN, [])
    view, problems = query.read(View, {**good, "tuned": "rate:0.10,steps:064"})
    assert view is not None and (view.tuned, problems) == ("steps:64,rate:0.1", [])
    assert query.text(query.write(view)).endswith("&recipe=fast&seed=0&tuned=steps:64,rate:0.1")


def test_a_link_whose_first_model_is_missing_shows_the_second_alone() -> None:
    view, problems = query.read(View, {"b": str(PLAIN.a)})
    assert view == PLAIN and problems == []


def test_what_vitrine_does_not_know_is_ignored() -> None:
    assert query.read(View, {**query.write(PLAIN), "utm_source": "mail"}) == (PLAIN, [])


def test_a_link_that_names_nothing_asks_for_nothing() -> None:
    assert query.read(View, {}) == (None, [])
