"""Goals: what is measured is what the target says, by two routes, and pictures for goals keep the house's invariants."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest, Unavailable
from engine.data import uploads
from engine.sites.access import read
from engine.visualization.goals import Unit, measured, suited_to, units_of
from engine.visualization.objectives import goal, heads_of
from engine.visualization.optimization import batch_size, optimize
from engine.visualization.recipes import FAST, MACO, PAPER
from engine.visualization.scores import on_images
from tests.engine.small import small_cnn, small_vit

HIDDEN, KEY = "blocks.1.mlp.hidden", "blocks.1.attn.key"

pytestmark = pytest.mark.usefixtures("float32")


def pictures(count: int = 3) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def by_hand(model, site, images) -> torch.Tensor:
    return read(model.module, [site], model.normalize(images))[site]


def value(model, site, text, images) -> torch.Tensor:
    return measured(model, site, images, [goal(model, site, text)])


def direction(vector: np.ndarray) -> str:
    buffer = io.BytesIO()
    np.save(buffer, vector)
    return f"dir-{uploads.keep_vector(buffer.getvalue(), 'v')}"


def test_one_position_is_that_position_behind_the_prefix():
    """The grid is 4 x 4 with one CLS token in front: row 2, column 3 is token 1 + 2 * 4 + 3."""
    model, images = small_vit(), pictures()
    assert torch.allclose(value(model, HIDDEN, "7@2x3", images), by_hand(model, HIDDEN, images)[:, 12, 7], atol=1e-5)
    cnn = small_cnn()
    rows = cnn.sites["stages.1.blocks.0"].grid.width
    expected = by_hand(cnn, "stages.1.blocks.0", images)[:, rows + 2, 5]
    assert torch.allclose(value(cnn, "stages.1.blocks.0", "5@1x2", images), expected, atol=1e-5)


def test_a_head_is_the_mean_of_its_own_channels_without_the_prefix():
    model, images = small_vit(), pictures()
    assert heads_of(model, model.sites[KEY]) == 2
    expected = by_hand(model, KEY, images)[:, 1:, 16:32].mean((1, 2))
    assert torch.allclose(value(model, KEY, "head1", images), expected, atol=1e-5)


def test_a_direction_is_the_length_along_it():
    model, images = small_vit(), pictures()
    vector = np.random.default_rng(0).normal(size=128)
    expected = by_hand(model, HIDDEN, images)[:, 1:].mean(1) @ torch.from_numpy(vector / np.linalg.norm(vector)).float()
    assert torch.allclose(value(model, HIDDEN, direction(vector), images), expected, atol=1e-5)
    one = np.zeros(128)
    one[9] = 5
    same = measured(model, HIDDEN, images, [Unit(9)])
    assert torch.allclose(value(model, HIDDEN, direction(one), images), same, atol=1e-5)


def test_sums_and_differences_add_up():
    model, images = small_vit(), pictures()
    parts = [value(model, KEY, text, images) for text in ("3", "head0", "7@0x0")]
    together = value(model, KEY, "(3-0.5*head0+2*7@0x0)", images)
    assert torch.allclose(together, parts[0] - 0.5 * parts[1] + 2 * parts[2], atol=1e-5)


def test_an_image_matches_itself_and_is_its_own_caricature():
    model = small_vit()
    digest = uploads.keep_image(png(pictures()[0]), "own.png")
    itself = torch.from_numpy(uploads.image(digest)).permute(2, 0, 1)[None].float() / 255
    others = torch.cat([itself, pictures()[1:]])
    match, caricature = (value(model, HIDDEN, f"{kind}:up-{digest}", others) for kind in ("match", "caricature"))
    assert match[0] == pytest.approx(0, abs=1e-3) and (match[1:] < match[0] - 0.1).all()
    assert caricature[0] == pytest.approx(1, abs=1e-4)
    apart = (by_hand(model, HIDDEN, others) - by_hand(model, HIDDEN, itself)).flatten(1).norm(dim=1)
    assert torch.allclose(-match, apart, atol=1e-3)


def png(image: torch.Tensor) -> bytes:
    from engine.core.images import to_png

    return to_png((image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))


@pytest.mark.parametrize(
    ("site", "text", "words"),
    [
        (HIDDEN, "128@0x0", "has units 0 to 127; there is no unit 128"),
        (HIDDEN, "3@4x0", "4 x 4 positions"),
        (HIDDEN, "head0", "not split into attention heads"),
        ("blocks.1.attn.out", "head0", "not split into attention heads"),
        (KEY, "head2", "has heads 0 to 1"),
        (KEY, "(3-999)", "there is no unit 999"),
        (HIDDEN, "match:99999999", "has no image 99999999"),
    ],
)
def test_what_a_site_does_not_have_is_said(site, text, words):
    with pytest.raises(BadRequest, match=words):
        goal(small_vit(), site, text)


def test_a_direction_of_another_length_and_one_that_is_not_here_are_said():
    with pytest.raises(BadRequest, match=r"has 5 numbers, but blocks\.1.mlp.hidden has 128 units"):
        goal(small_vit(), HIDDEN, direction(np.ones(5)))
    with pytest.raises(Unavailable, match="not on this machine"):
        goal(small_vit(), HIDDEN, f"dir-{'0' * 16}")


@pytest.mark.parametrize("text", ["5@1x1", "head1", "(3-head0)", "caricature:3", "match:3"])
def test_a_picture_for_a_goal_has_the_same_bytes_alone_and_in_company(text, monkeypatch):
    recipe = FAST.model_copy(update={"steps": 5})
    monkeypatch.setitem(batch_size.ROWS, "cpu", 4 * recipe.copies)
    model = small_vit()
    mine, others = goal(model, KEY, text), [goal(model, KEY, each) for each in ("4@1x1", "head0", "(1+2)", "match:5")]
    alone = optimize.maximize(model, KEY, [mine], recipe, seed=1)
    company = optimize.maximize(model, KEY, [Unit(7), *others, mine, Unit(2)], recipe, seed=1)
    assert alone.images[0].tobytes() == company.images[5].tobytes()
    assert alone.curves[0].tobytes() == company.curves[5].tobytes()


def test_units_beside_goals_keep_the_bytes_they_have_without():
    recipe, model = FAST.model_copy(update={"steps": 5}), small_vit()
    without = optimize.maximize(model, KEY, units_of((7, 2)), recipe, seed=1)
    beside = optimize.maximize(model, KEY, [Unit(7), Unit(2), goal(model, KEY, "head0")], recipe, seed=1)
    assert without.images.tobytes() == beside.images[:2].tobytes()


@pytest.mark.parametrize("text", ["5@1x1", "head1", "(3-head0)"])
def test_maximizing_a_goal_raises_it(text):
    model = small_vit()
    # Nothing but the picture changes the curve.
    steady = FAST.model_copy(update={"steps": 24, "colour_shift": "none", "jitter": 0})
    curve = optimize.maximize(model, KEY, [goal(model, KEY, text)], steady, 0).curves[0]
    assert curve[-4:].mean() > curve[:4].mean()


def test_what_belongs_to_a_place_is_made_with_little_jitter():
    model = small_vit()
    assert suited_to(goal(model, KEY, "5@1x1"), PAPER, model, KEY).jitter == 2  # a quarter of a patch of 8 pixels
    assert suited_to(goal(model, KEY, "head1"), PAPER, model, KEY) is PAPER
    assert suited_to(Unit(3), PAPER, model, KEY) is PAPER


def test_a_recipe_with_a_large_canvas_makes_targets_at_a_place_by_themselves():
    model = small_vit()
    with pytest.raises(BadRequest, match="by themselves"):
        optimize.maximize(model, KEY, [Unit(3), goal(model, KEY, "5@1x1")], MACO, 0)


def test_a_site_with_one_value_for_the_whole_image_has_a_finish_of_its_own():
    model = small_vit()
    assert [suited_to(Unit(3), FAST, model, site).finish for site in (KEY, "head.logits")] == [
        FAST.finish,
        FAST.finish_whole,
    ]


class Quiet:
    def report(self, progress):
        pass


def test_the_index_and_a_pass_over_the_images_agree(monkeypatch):
    """`3` at its mean follows from the index; as the mean of its sixteen positions it needs the images."""
    from engine.evaluation.index import IndexRequest, index_sites
    from engine.visualization import scores

    model = small_vit()
    monkeypatch.setattr("engine.evaluation.index.catalog.load", lambda name: model)

    class Few:
        name = "few"
        fingerprint = "few"

        def __len__(self):
            return 6

        def report(self):
            return []

        def batches(self, size, batch):
            yield np.arange(6), (pictures(6).permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)

    for module in ("engine.evaluation.index", "engine.visualization.scores"):
        monkeypatch.setattr(f"{module}.open_dataset", lambda name: Few())
    index = index_sites("small-vit", [KEY], "few", Quiet())[KEY]
    assert IndexRequest.experiment == "index"
    everywhere = "+".join(f"0.0625*3@{row}x{column}" for row in range(4) for column in range(4))
    goals = [goal(model, KEY, text) for text in ("(3-head1)", f"({everywhere})")]
    values = on_images(model, KEY, goals, "few", index.arrays, Quiet())
    unit = index.arrays["position_mean"][:, 3]
    assert values[:, 0] == pytest.approx(unit - index.arrays["position_mean"][:, 16:].mean(1), abs=1e-4)
    assert values[:, 1] == pytest.approx(unit, abs=1e-4)
    assert scores.BATCH_BYTES > 0
