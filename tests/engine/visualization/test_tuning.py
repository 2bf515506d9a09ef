"""A recipe of one's own: the same whichever way it is given, within limits, and named by what it changes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from engine.core.errors import BadRequest
from engine.core.experiments import parse_request
from engine.core.request import build
from engine.models import catalog
from engine.visualization.recipe import Recipe
from engine.visualization.recipes import ABLATIONS, FAST, FOURIER, PAPER, RECIPES
from engine.visualization.request import VisualizeRequest
from engine.visualization.single import PictureRequest
from engine.visualization.tuning import (
    changed,
    changes,
    check_effort,
    check_pixels,
    label,
    read_recipe,
    recipe_of,
    tuned,
)

EVERY = (*RECIPES.values(), *ABLATIONS.values())
OWN = changed(FAST, "steps:64,jitter:8,finish_whole:none,finish.after:0.5")


def ask(recipe) -> VisualizeRequest:
    asked = build(VisualizeRequest, model="starter-vit", site="blocks.1.mlp.hidden", units=(1,), recipe=recipe)
    assert isinstance(asked, VisualizeRequest)
    return asked


@pytest.mark.parametrize("base", EVERY, ids=lambda recipe: recipe.name)
def test_any_recipe_is_any_other_with_some_changes(base: Recipe) -> None:
    for recipe in (*EVERY, OWN):
        assert changed(base, changes(base, recipe)).settings == recipe.settings
    assert changes(base, base) == ""


def test_changes_are_what_they_say_and_nothing_else() -> None:
    assert (OWN.steps, OWN.jitter, OWN.finish_whole) == (64, 8, None)
    assert FAST.finish is not None
    assert OWN.finish == FAST.finish.model_copy(update={"after": 0.5})
    update = {name: getattr(OWN, name) for name in ("steps", "jitter", "finish", "finish_whole")}
    assert OWN.settings == FAST.model_copy(update=update).settings
    assert (
        changes(FAST, changed(FAST, "view.side:0.5/0.25,view.turn:5,view.zoom:0")) == "view.side:0.5/0.25,view.turn:5"
    )
    turned = changed(FAST, "view.side:0.5/0.25,betas:0.8/0.9,total_variation_relative:0")
    assert turned.view is not None and turned.view.side == (0.5, 0.25)
    assert turned.betas == (0.8, 0.9) and turned.total_variation_relative is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps", "changes no setting"),
        ("steps:", "steps: "),
        ("steps:0", "steps: write 1 or more"),
        ("steps:1000000000", "steps: write 10000 or less"),
        ("copies:65", "copies: write 64 or less"),
        ("canvas:1e9", "canvas: write 4.0 or less"),
        ("rate:nan", "rate: write a number"),
        ("rate:inf", "rate: write"),
        ("view.side:9e9/1", "view.side.0: write 4.0 or less"),
        ("view.side:1", "view.side"),
        ("view.turn:5", "view.side: this must be given"),
        ("betas:0.5/1", "betas.1: write less than 1"),
        ("noise:loud", "noise: write one of 'none', 'pixel' or 'channel'"),
        ("steps:1,steps:2", "changed twice"),
        ("name:mine", "changes no setting"),
        ("__class__:x", "changes no setting"),
        ("finish.after.x:1", "changes no setting"),
        ("steps:none", "steps: "),
        (f"steps:{'9' * 900}", "at most 800"),
        ("<script>:1", "changes no setting"),
    ],
)
def test_hostile_or_mistaken_changes_are_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        changed(FAST, text)
    assert len(str(refused.value)) < 250 and "\n" not in str(refused.value)


def test_a_named_recipe_in_a_request_is_its_name_as_before() -> None:
    assert '"recipe":"paper"' in ask("paper").canonical()
    for whole in (PAPER, PAPER.model_dump(), changed(FAST, changes(FAST, PAPER))):
        assert ask(whole).canonical() == ask("paper").canonical()
    assert ask(changed(FAST, "leak:0")).recipe == "fast-no-leak"


def test_a_whole_recipe_reads_back_and_what_it_is_called_changes_no_key() -> None:
    asked = ask(OWN)
    assert parse_request(asked.canonical()) == asked and asked.recipe == OWN
    renamed = OWN.model_copy(update={"name": "mine", "summary": "My own.", "source": "A dream."})
    assert ask(renamed).key() == asked.key()
    assert len({asked.key(), ask("fast").key(), ask(changed(OWN, "steps:65")).key()}) == 3


def test_the_single_picture_of_a_whole_recipe_is_a_request_too() -> None:
    asked = PictureRequest(model="starter-vit", site="head.logits", wanted="1", recipe=OWN, seed=0)
    assert parse_request(asked.canonical()) == asked
    assert json.loads(asked.fingerprints()["recipe"])["steps"] == 64


def test_a_recipe_that_does_not_fit_is_one_sentence() -> None:
    with pytest.raises(BadRequest, match=r"^recipe: steps: write 1 or more\.$"):
        ask({**PAPER.model_dump(), "steps": 0})
    with pytest.raises(BadRequest, match="There is no recipe “slow”"):
        ask("slow")
    with pytest.raises(BadRequest, match="name of a recipe, or all of its settings"):
        ask(7)


def test_a_label_names_the_nearest_recipe_and_what_is_changed() -> None:
    assert label("paper") == "paper"
    assert label(changed(FAST, "steps:64")) == "fast, changed: steps 64"
    assert label(changed(FOURIER, "view.turn:5,rate:0.1")) == "fourier, changed: rate 0.1, view turn 5"
    many = "steps:64,rate:0.3,jitter:3,leak:0.2,leak_until:0.5,colour_range:0.3"
    assert label(changed(FAST, many)).endswith("and 2 more")


def test_more_passes_than_the_settings_allow_are_refused_where_the_recipe_has_no_name(configured) -> None:
    configured(limits={"passes_per_picture": 100})
    with pytest.raises(BadRequest, match=r"51 steps with 2 copies are 102 passes a picture; here at most 100"):
        check_effort(changed(FAST, "steps:51"))
    check_effort(changed(FAST, "steps:50"))
    check_effort("maco")


def test_files_say_a_recipe_whole_or_by_what_they_change() -> None:
    toml = b'base = "fast"\nsteps = 64\njitter = 8\nfinish_whole = "none"\n[finish]\nafter = 0.5\n'
    assert read_recipe(toml, ".toml", "my.toml").settings == OWN.settings
    whole = json.dumps(OWN.model_dump(mode="json")).encode()
    assert read_recipe(whole, ".json", "my.json").settings == OWN.settings
    assert ask(read_recipe(b'{"base": "paper"}', ".json", "my.json")).recipe == "paper"


@pytest.mark.parametrize(
    ("data", "ending", "words"),
    [
        (b"steps = ", ".toml", "my recipe cannot be read"),
        (b"\xff\xfe", ".json", "my recipe cannot be read"),
        (b"[" * 100_000, ".json", "my recipe cannot be read"),
        (b"[1]", ".json", "no settings by name"),
        (b"steps = 5\n", ".toml", "my recipe: The recipe: parameterization: this must be given"),
        (b'base = "fast"\nspeed = 5\n', ".toml", "speed: there is no such setting"),
        (b'base = "slow"\n', ".toml", "There is no recipe “slow”"),
        (b'base = "fast"\nsteps = 100000\n', ".toml", "steps: write 10000 or less"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_by_name(data: bytes, ending: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        read_recipe(data, ending, "my recipe")


def test_changes_to_a_named_recipe_are_what_a_request_is_given() -> None:
    assert tuned("fast", "") == "fast"
    assert tuned("fast", "steps:128") == "fast"
    assert recipe_of(tuned("fast", "steps:64")).steps == 64


def test_a_model_whose_pictures_are_too_large_is_refused(configured: Callable[..., None]) -> None:
    configured(limits={"pixels_per_picture": 96 * 96})
    check_pixels("small", (96, 96))
    with pytest.raises(BadRequest, match=r"large takes images of 96 x 97 pixels; here pictures have at most 9,216"):
        check_pixels("large", (96, 97))
    configured(limits={"pixels_per_picture": 0})
    check_pixels("large", (9999, 9999))


def test_a_request_for_pictures_that_are_too_large_is_refused(configured: Callable[..., None]) -> None:
    configured(limits={"pixels_per_picture": 1})
    with pytest.raises(BadRequest, match="pixels; here pictures have at most 1 "):
        ask("fast").check(catalog.load("starter-vit"))
