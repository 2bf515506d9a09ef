"""Trials: what is asked is held out from what is shown, and who answers by rule or by chance scores so."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import BadRequest
from engine.explanation.trials import accuracy, answers, pooled, trials_of


def test_what_is_asked_about_shares_no_group_with_anything_else():
    values = np.random.default_rng(0).normal(size=200)
    groups = np.arange(200) // 2
    made = trials_of(values, groups, 0)
    rows = np.concatenate([made.strong, made.weak, made.more, made.less])
    assert len(np.unique(groups[rows])) == len(rows) == 2 * (9 + 16)


def test_shown_are_the_strongest_and_asked_the_next():
    values = np.arange(100.0)
    made = trials_of(values, np.arange(100), 3)
    assert made.strong.tolist() == [*range(99, 90, -1)] and made.more.tolist() == [*range(90, 74, -1)]
    assert made.weak.tolist() == [*range(9)] and sorted(made.less) == [*range(9, 25)]


def test_images_on_which_a_unit_does_the_same_are_drawn_at_random():
    values = np.r_[np.zeros(150), np.arange(1.0, 51)]
    weak = trials_of(values, np.arange(200), 1).weak
    assert weak.max() < 150 and weak.max() > 20, "not the first ones of the data set"
    assert weak.tolist() != trials_of(values, np.arange(200), 2).weak.tolist()


def test_few_images_give_fewer_questions_or_a_refusal():
    assert len(trials_of(np.arange(40.0), np.arange(40), 0).more) == 11
    with pytest.raises(BadRequest, match="too few"):
        trials_of(np.arange(100.0), np.arange(100) // 5, 0)


def test_an_observer_that_sees_the_cue_is_right_and_one_that_sees_nothing_cannot_decide():
    cue, rest = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert answers(cue, rest, np.array([1.0, 0.0])).tolist() == [1]
    assert answers(cue, rest, np.array([-1.0, 0.0])).tolist() == [0]
    assert answers(cue, rest, np.array([0.7, 0.7])).tolist() == [0.5]


def test_answers_of_one_unit_go_together_in_the_pooled_interval():
    alike, apart = pooled(np.full(20, 12.0), 16), pooled(np.tile([16.0, 8.0], 10), 16)
    assert alike.value == apart.value == 0.75
    assert apart.high - apart.low > 1.5 * (alike.high - alike.low)
    assert pooled([16.0] * 8, 16).low < 0.7, "eight perfect units do not prove perfection"
    assert pooled([12.0], 16) == accuracy(12.0, 16)


def test_questions_that_cannot_be_decided_count_half():
    assert pooled([8.5, 7.5], 16).value == 0.5 and accuracy(0.5, 1).value == 0.5
