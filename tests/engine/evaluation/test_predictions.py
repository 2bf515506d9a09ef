"""Answers to images, and what they come to, against numbers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from engine.core.errors import BadRequest
from engine.evaluation import predictions
from engine.models.loaded import LoadedModel


def test_the_last_of_forty_thousand_classes_is_answered_by_its_number():
    answers = predictions.answered([0], [39_999], torch.arange(40_000.0).view(1, 1, -1))
    assert answers["top"][0, 0, 0] == 39_999
    assert predictions.correct(answers, 1).all()


def test_loss_and_probability_are_those_of_the_softmax() -> None:
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]]))
    answers = predictions.answered([7], [1], logits)
    assert answers["images"].tolist() == [7] and answers["top"][0, :, 0].tolist() == [0, 2]
    np.testing.assert_allclose(answers["loss"], -np.log([[0.25, 0.2]]), rtol=1e-6)
    np.testing.assert_array_equal(answers["probability"][0, 0], np.array([0.5, 0.25, 0.25], np.float16))
    assert predictions.correct(answers, 1).tolist() == [[False, False]]
    assert predictions.correct(answers, 3).tolist() == [[True, True]]


def test_accuracy_is_over_that_in_full_where_there_is_some() -> None:
    full, variant = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool), np.array([1, 1, 0, 0, 0, 0, 0, 0], bool)
    facts = predictions.measured((variant, full), (full, full), np.arange(8.0))
    assert (facts["n"], facts["loss"], facts["top1"], facts["top5"]) == (8, 3.5, 0.25, 0.5)
    assert facts["top1_normalised"] == 0.5 and facts["top5_normalised"] == 1
    low, high = facts["top1_normalised_interval"]
    assert low < 0.5 < high
    low, high = facts["top5_normalised_interval"]
    assert low < 1 <= high, "four images that agree are no proof"
    none = predictions.measured((variant, full), (np.zeros(8, bool), full), np.arange(8.0))
    assert none["top1_normalised"] is None and none["top1_normalised_interval"] is None
    row = predictions.flat({"share_interval": (0.1, 0.3), "other_interval": None, "n": None})
    assert row["share_low"] == 0.1 and row["share_high"] == 0.3
    assert all(np.isnan(row[name]) for name in ("other_low", "other_high", "n"))


class OneOutput(nn.Module):
    """Answers how much brighter than middle grey an image is: one number."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 4, 3, padding=1)
        self.act, self.head = nn.ReLU(), nn.Linear(4, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = self.act(self.mix(images)).mean((2, 3))
        return 0 * self.head(seen) + images.mean((1, 2, 3))[:, None]


def one_output(names: tuple[str, ...] | None) -> LoadedModel:
    half = (0.5, 0.5, 0.5)
    torch.manual_seed(0)
    return LoadedModel("mine", OneOutput().eval(), (16, 16), half, half, names, "", torch.device("cpu"))


def test_one_output_tells_two_named_classes_apart_by_its_sign() -> None:
    model = one_output(("dark", "light"))
    images = torch.stack([torch.full((3, 16, 16), grey) for grey in (0.1, 0.4, 0.6, 0.9)])
    values = predictions.logits(model, images)
    assert predictions.outputs(model) == 2 and values.argmax(1).tolist() == [0, 0, 1, 1]
    torch.testing.assert_close(values.softmax(1)[:, 1], (2 * images.mean((1, 2, 3)) - 1).sigmoid())


def test_one_output_that_nobody_explains_has_no_accuracy() -> None:
    for names in (None, ("light",)):
        with pytest.raises(BadRequest, match="one output, which tells two classes apart by its sign"):
            predictions.outputs(one_output(names))
