"""Targets as text: which goal each becomes on a model, and what a site does not have."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest, Unavailable
from engine.visualization.objectives import goal, heads_of
from engine.visualization.scoring.images import on_images
from tests.conftest import hand_out
from tests.engine.contexts import Notebook
from tests.engine.small import small_vit
from tests.engine.visualization.targets import HIDDEN, KEY, by_hand, direction, pictures, value

pytestmark = pytest.mark.usefixtures("float32")


def test_a_head_is_the_mean_of_its_own_channels_without_the_prefix():
    model, images = small_vit(), pictures()
    assert heads_of(model, model.sites[KEY]) == 2
    expected = by_hand(model, KEY, images)[:, 1:, 16:32].mean((1, 2))
    assert torch.allclose(value(model, KEY, "head1", images), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("site", "text", "words"),
    [
        (HIDDEN, "128@0x0", "has units 0 to 127; there is no unit 128"),
        (HIDDEN, "3@4x0", "4 x 4 positions"),
        (HIDDEN, "head0", "has no attention heads"),
        ("blocks.1.attn.out", "head0", "has no attention heads"),
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


def test_the_index_and_a_pass_over_the_images_agree(monkeypatch):
    """`3` at its mean follows from the index; as the mean of its sixteen positions it needs the images."""
    from engine.evaluation.index import IndexRequest, index_sites

    model = small_vit()
    hand_out(monkeypatch, {"small-vit": model})

    class Few:
        name = "few"
        fingerprint = "few"

        def __len__(self):
            return 6

        def report(self):
            return []

        def batches(self, size, batch, begin=0):
            yield np.arange(6), (pictures(6).permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)

    for module in ("engine.evaluation.index", "engine.visualization.scoring.images"):
        monkeypatch.setattr(f"{module}.open_dataset", lambda name: Few())
    index = index_sites("small-vit", [KEY], "few", Notebook())[KEY]
    assert IndexRequest.experiment == "index"
    everywhere = "+".join(f"0.0625*3@{row}x{column}" for row in range(4) for column in range(4))
    goals = [goal(model, KEY, text) for text in ("(3-head1)", f"({everywhere})")]
    values = on_images(model, KEY, goals, "few", index.arrays, Notebook())
    unit = index.arrays["position_mean"][:, 3]
    assert values[:, 0] == pytest.approx(unit - index.arrays["position_mean"][:, 16:].mean(1), abs=1e-4)
    assert values[:, 1] == pytest.approx(unit, abs=1e-4)
