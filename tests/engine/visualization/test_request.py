"""The experiment: a request in, pictures with the numbers that back them out."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest, Cancelled
from engine.core.experiments import parse_request
from engine.core.images import to_input
from engine.core.request import Made, Result, build
from engine.data import uploads
from engine.visualization import quality, recipes
from engine.visualization import request as visualize
from engine.visualization.progress import as_bytes
from engine.visualization.request import VisualizeRequest
from engine.visualization.scoring import images
from tests.conftest import compute_in, hand_out
from tests.engine import contexts
from tests.engine.small import small_vit

SITE = "blocks.1.mlp.hidden"
TIMES = ["seconds", "scoring_seconds"]


class Notebook(contexts.Notebook):
    """Has one index at hand, and keeps single pictures."""

    def __init__(self, units: int, stop_after: int = 10_000) -> None:
        super().__init__(stop_after)
        self.scenes = np.linspace(-1, 1, 5)[:, None] * np.ones((1, units)) * 1e-3

    def compute(self, request):
        numbers = np.arange(len(self.scenes), dtype=np.int32)
        units, maps = self.scenes.shape[1], self.scenes.shape[1] * 5 * 4
        return Result(
            dict(request),
            {
                "position_mean": self.scenes.astype(np.float32),
                "images": numbers,
                "top_mean": np.arange(units * 5, dtype=np.int32).reshape(units, 5) % 5,
                "top_mean_values": -np.arange(units * 5, dtype=np.float32).reshape(units, 5),
                "top_mean_maps": np.arange(maps, dtype=np.float16).reshape(units, 5, 2, 2),
            },
        )

    def keep(self, request, result, spare=False):
        assert spare, "nothing but its pictures"
        self.kept[request.key()] = result
        return True


@pytest.fixture(autouse=True)
def world(monkeypatch):
    model = small_vit()
    hand_out(monkeypatch, defaultdict(lambda: model))
    compute_in(monkeypatch, "float32")
    # Five steps are too few for two parts.
    quick = recipes.FAST.model_copy(update={"steps": 5, "finish": None})
    monkeypatch.setitem(recipes.RECIPES, "fast", quick)
    return model


def ask(**fields) -> VisualizeRequest:
    request = build(VisualizeRequest, **{"model": "small-vit", "site": SITE, "units": (3, 8), **fields})
    assert isinstance(request, VisualizeRequest)
    return request


def test_a_result_has_a_picture_a_curve_and_a_row_for_each_unit(world):
    context = Notebook(128)
    result = ask(opposite=True).run(context)
    assert result.arrays["images"].shape == (2, 32, 32, 3) and result.arrays["images"].dtype == np.uint8
    assert result.arrays["curves"].shape == (2, 5)
    table = result.tables["units"]
    assert table.unit.tolist() == [3, 8]
    assert (table.activation > table.opposite_activation).all()
    assert result.facts["recipe"]["name"] == "fast"
    last = [progress for progress in context.seen if progress.preview is not None][-1]
    assert last.step == last.total and last.preview is not None and last.preview.startswith(b"\x89PNG")


def test_a_result_shows_its_units_without_the_index_of_their_layer(world):
    context = Notebook(128)
    arrays, index = ask().run(context).arrays, context.compute(ask()).arrays
    assert (arrays["unit_values"] == index["position_mean"][:, [3, 8]].T).all() and arrays["unit_values"].dtype == "f4"
    for kept, whole in (
        ("unit_top", "top_mean"),
        ("unit_top_values", "top_mean_values"),
        ("unit_top_maps", "top_mean_maps"),
    ):
        assert (arrays[kept] == index[whole][[3, 8]]).all() and arrays[kept].dtype == index[whole].dtype


def test_what_is_scored_is_what_is_stored(world):
    """The stored picture, scored again by hand, gives the number in the table."""
    from engine.visualization.goals import units_of
    from engine.visualization.scoring.fresh import fresh_activations

    result = ask().run(Notebook(128))
    stored = result.arrays["images"].transpose(0, 3, 1, 2).astype(np.float32) / 255
    again = fresh_activations(world, SITE, units_of((3, 8)), stored, seed=0)
    assert again.tolist() == result.tables["units"].activation.tolist()


def test_a_request_reads_back_from_its_own_text_and_equal_requests_have_one_key():
    request = ask(seed=5)
    assert parse_request(request.canonical()) == request
    assert request.key() == ask(seed=5).key()
    others = [ask(seed=6), ask(units=(8, 3)), ask(opposite=True), ask(recipe="paper", seed=5)]
    assert len({request.key(), *(other.key() for other in others)}) == 5


def test_changed_settings_of_a_recipe_change_the_key(monkeypatch):
    before = ask().key()
    monkeypatch.setitem(recipes.RECIPES, "fast", recipes.RECIPES["fast"].model_copy(update={"rate": 0.07}))
    assert ask().key() != before


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"units": ()}, "No units given"),
        ({"units": (-1,)}, "counted from 0"),
        ({"units": tuple(range(10_000))}, "1024"),
        ({"recipe": "slow"}, "There is no recipe “slow”"),
        ({"seed": -1}, "seed"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_value_that_does_not_fit_is_one_clear_sentence(fields, words):
    with pytest.raises(BadRequest, match=words):
        ask(**fields)


def test_a_unit_that_does_not_exist_is_named_with_the_range():
    with pytest.raises(BadRequest, match=r"has units 0 to 127; there is no unit 128"):
        ask(units=(5, 128)).run(Notebook(128))


def test_more_units_than_the_settings_allow_are_refused_before_anything_is_computed():
    with pytest.raises(BadRequest, match="the limit is 256"):
        ask(units=tuple(range(257))).run(Notebook(128))


def test_bytes_round_to_the_nearest():
    assert as_bytes(np.full((1, 3, 1, 1), 0.5, np.float32)).ravel().tolist() == [128, 128, 128]
    assert as_bytes(np.array([-1.0, 0.0, 2.0], np.float32).reshape(1, 3, 1, 1)).ravel().tolist() == [0, 0, 255]


def test_targets_have_pictures_and_rows_after_the_units(world, monkeypatch):
    everything = np.concatenate([np.zeros((5, 1), np.float32), TARGETS_ON_SCENES], 1)
    monkeypatch.setattr(visualize, "on_images", lambda model, site, goals, data, index, context: everything)

    class WithImages(Notebook):
        def compute(self, request):
            found = super().compute(request)
            found.arrays["images"] = np.array([4, 5, 6, 7, 8], np.int32)
            return found

    result = ask(units=(3,), targets=("5@1x1", "(2-3)"), opposite=True).run(WithImages(128))
    assert result.tables["units"].unit.tolist() == ["3", "5@1x1", "(2-3)"]
    assert result.arrays["images"].shape == (3, 32, 32, 3)
    assert result.arrays["target_values"].tolist() == TARGETS_ON_SCENES.T.tolist()
    assert result.arrays["target_top"][0].tolist() == [8, 7, 6, 5, 4]
    Result.from_blob(result.to_blob())


TARGETS_ON_SCENES = np.stack([np.arange(5), -np.arange(5)], 1).astype(np.float32)


def test_requests_of_before_keep_their_text_and_so_their_key():
    assert ask(units=(3, 8)).canonical() == (
        '{"data":"starter","experiment":"visualize","model":"small-vit","opposite":false,"recipe":"fast","seed":0,'
        '"site":"blocks.1.mlp.hidden","units":[3,8],"version":7}'
    )


def test_a_request_with_targets_reads_back_and_has_its_own_key():
    request = ask(units=(), targets=("(0.50*3-4)", "head1", "head1"))
    assert request.targets == ("(0.5*3-4)", "head1")
    assert parse_request(request.canonical()) == request
    assert len({request.key(), ask(units=(), targets=("head1",)).key(), ask().key()}) == 3


@pytest.mark.parametrize(("targets", "words"), [(("3@",), "is not a target"), (("3",), "belongs to the units")])
def test_what_is_no_target_is_one_clear_sentence(targets, words):
    with pytest.raises(BadRequest, match=words):
        ask(targets=targets)


class Nested(Notebook):
    """Also carries nested requests for pictures out, as the runner does, and remembers what was asked."""

    def __init__(self, units: int) -> None:
        super().__init__(units)
        self.asked: list = []

    def compute(self, request):
        self.asked.append(request)
        return request.run(self) if isinstance(request, VisualizeRequest) else super().compute(request)


def test_options_add_to_a_result_and_leave_its_pictures_as_they_are(world):
    plain = ask().run(Notebook(128))
    result = ask(importance=True, several=3, seeds=2).run(Nested(128))
    assert result.arrays["images"].tobytes() == plain.arrays["images"].tobytes()
    assert result.arrays["variants"].shape == (2, 3, 32, 32, 3)
    assert result.arrays["importance"].shape == (2, 32, 32) and (result.arrays["importance"].max((1, 2)) == 255).all()
    assert result.tables["variants"].unit.tolist() == ["3"] * 3 + ["8"] * 3
    assert result.tables["units"].stability.between(-1, 1).all()
    assert -1 <= result.facts["stability_between_units"] <= 1
    Result.from_blob(result.to_blob())


def test_different_pictures_are_added_to_the_result_of_the_plain_ones(world):
    context = Nested(128)
    ask(several=2).run(context)
    assert context.asked[0].key() == ask().key()


def test_results_of_class_logits_say_who_recognised_them(monkeypatch):
    monkeypatch.setattr(quality, "judges_of", lambda model: ["somebody"])
    monkeypatch.setattr(quality, "recognised", lambda judges, units, images: (np.array([1.0, 0.0]), judges))
    result = ask(site="head.logits", units=(1, 4)).run(Notebook(5))
    assert result.tables["units"].recognised.tolist() == [1, 0] and result.facts["judges"] == ["somebody"]


def test_a_stopped_request_goes_on_where_it_was_and_gives_the_same(world):
    units = (3, 8, 5, 2, 7)  # a batch of four, then one alone
    whole = ask(units=units).run(Notebook(128))
    stopped = Notebook(128, stop_after=7)  # in the second batch: each has five steps
    with pytest.raises(Cancelled):
        ask(units=units).run(stopped)
    assert len(stopped.kept) == 4
    again = Notebook(128)
    again.kept = stopped.kept
    result = ask(units=units).run(again)
    assert {each.message for each in again.seen if each.message.startswith("Pictures")} == {"Pictures: 1 of 1"}
    for name in ("images", "curves"):
        assert result.arrays[name].tobytes() == whole.arrays[name].tobytes()
    assert result.tables["units"].drop(columns=TIMES).equals(whole.tables["units"].drop(columns=TIMES))


def test_a_job_can_be_stopped_while_its_pictures_are_compared_and_keeps_them(world):
    context = Notebook(128)
    whole = ask().run(context)
    comparing = [each.message for each in context.seen if each.message.startswith("Comparing")]
    assert comparing.count("Comparing the pictures with noise") == 3 * 2, "each picture, each time"
    assert comparing.count("Comparing the pictures with images") >= 5, "each image"
    for number in (1, len(comparing)):
        stopped = Notebook(128, stop_after=len(context.seen) - len(comparing) + number - 1)
        with pytest.raises(Cancelled):
            ask().run(stopped)
        assert len(stopped.kept) == 2
    again = Notebook(128)
    again.kept = stopped.kept
    table = ask().run(again).tables["units"]
    assert table.drop(columns=TIMES).equals(whole.tables["units"].drop(columns=TIMES))


def shown(context: Notebook) -> dict[str, list[Made]]:
    """What the cards showed, one after the other."""
    cards: dict[str, list[Made]] = {}
    for progress in context.seen:
        for name, made in progress.made.items():
            cards.setdefault(name, []).append(made)
    return cards


def test_each_picture_grows_in_its_card_and_ends_as_it_is_stored(world, monkeypatch):
    monkeypatch.setattr("engine.visualization.progress.PREVIEW_EVERY", -1.0)
    on_scenes = np.arange(35, dtype=np.float32).reshape(5, 7)
    monkeypatch.setattr(visualize, "on_images", lambda model, site, goals, data, index, context: on_scenes)
    context = Notebook(128)
    result = ask(units=(3, 8, 5, 2, 7), targets=("5@1x1", "(2-3)"), opposite=True).run(context)
    cards = shown(context)
    assert list(cards) == ["3", "8", "5", "2", "7", "5@1x1", "(2-3)"]
    for place, (name, seen) in enumerate(cards.items()):
        assert [each.activation is None for each in seen] == [True] * 5 + [False], name
        assert [each.kept for each in seen] == [False] * 5 + [True]
        assert seen[0].picture.tobytes() != seen[-1].picture.tobytes()
        assert seen[-1].picture.tobytes() == result.arrays["images"][place].tobytes()
        assert seen[-1].activation == result.arrays["curves"][place, -1]


def test_a_picture_that_is_there_is_in_its_card_before_another_is_made(world):
    context = Notebook(128)
    ask(units=(8,)).run(context)
    context.seen.clear()
    ask(units=(3, 8)).run(context)
    assert list(context.seen[0].made) == ["8"] and context.seen[0].made["8"].kept
    assert len(shown(context)["8"]) == 1


def test_a_picture_that_could_not_be_stored_is_not_said_to_be_kept(world):
    class Full(Notebook):
        def keep(self, request, result, spare=False):
            return False

    context = Full(128)
    ask(units=(3,)).run(context)
    assert shown(context)["3"][-1].activation is not None and not shown(context)["3"][-1].kept


def test_pictures_that_are_there_are_not_made_again_whoever_asked_for_them(world, monkeypatch):
    context = Notebook(128)
    ask(opposite=True).run(context)
    monkeypatch.setattr("engine.visualization.single.maximize", None)
    for request in (ask(units=(8,)), ask(units=(8, 3), importance=True), ask(data="starter", opposite=True)):
        assert len(request.run(context).arrays["images"]) == len(request.units)
    with pytest.raises(TypeError):
        ask(seed=1).run(context)


def test_an_option_changes_the_key_and_its_default_does_not():
    options = [{"start": "3"}, {"importance": True}, {"several": 2}, {"seeds": 2}]
    assert len({ask().key(), *(ask(**option).key() for option in options)}) == 5
    assert ask(start="007").key() == ask(start="7").key()
    assert ask(start="", importance=False, several=1, seeds=1).key() == ask().key()


@pytest.mark.parametrize("fields", [{"start": "../x"}, {"several": 0}, {"several": 9}, {"seeds": 0}])
def test_options_that_do_not_fit_are_refused(fields):
    with pytest.raises(BadRequest):
        ask(**fields)


def test_the_image_of_a_match_passes_through_the_model_once_in_a_whole_run(world, monkeypatch):
    """Built for the pictures, their opposites, other seeds, variants and scores: looked at once."""
    monkeypatch.setattr(
        images, "_pass", lambda model, site, goals, data, context: np.zeros((5, len(goals)), np.float32)
    )
    image = torch.from_numpy(to_input(uploads.image_of("17", "starter"), world.input_size)).permute(2, 0, 1)[None]
    reference, seen = world.normalize(image.float() / 255), []

    def count(module, inputs):
        seen.extend([True] * sum(torch.equal(each[None], reference) for each in inputs[0].detach()))

    with world.module.register_forward_pre_hook(count):
        ask(units=(3,), targets=("match:17",), opposite=True, several=2, seeds=2).run(Nested(128))
    assert len(seen) == 1
