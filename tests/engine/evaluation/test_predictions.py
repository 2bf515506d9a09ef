"""Answers to images, and what they come to, against numbers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import torch

from engine.evaluation import predictions


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
    facts = predictions.measured(variant, full, np.arange(8.0), full, full)
    assert (facts["n"], facts["loss"], facts["top1"], facts["top5"]) == (8, 3.5, 0.25, 0.5)
    assert facts["top1_normalised"] == 0.5 and facts["top5_normalised"] == 1
    low, high = facts["top1_normalised_interval"]
    assert low < 0.5 < high and facts["top5_normalised_interval"] == (1, 1)
    none = predictions.measured(variant, full, np.arange(8.0), np.zeros(8, bool), full)
    assert none["top1_normalised"] is None and none["top1_normalised_interval"] is None
    row = predictions.flat({"share_interval": (0.1, 0.3), "other_interval": None, "n": None})
    assert row["share_low"] == 0.1 and row["share_high"] == 0.3
    assert all(np.isnan(row[name]) for name in ("other_low", "other_high", "n"))
