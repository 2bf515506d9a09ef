"""Right and wrong answers while they stream by: against plain counting, with planted positions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.statistics import share
from engine.spatial.accuracy import Answers, Positions, ranks

CLASSES = 12


def logits(*places: int) -> torch.Tensor:
    """(images, classes): class 0 stands at this place (0: first) for each image."""
    rows = []
    for place in places:
        order = [number for number in range(1, CLASSES)]
        order.insert(place, 0)
        rows.append(torch.tensor([float(-order.index(number)) for number in range(CLASSES)]))
    return torch.stack(rows)


LABELS = torch.zeros(4, dtype=torch.long)


def test_a_rank_is_how_many_classes_score_higher() -> None:
    assert ranks(logits(0, 3, 4, 11), LABELS).tolist() == [0, 3, 4, 11]
    tied = torch.tensor([[1.0, 1.0, 0.0], [0.0, 2.0, torch.nan]])
    assert ranks(tied, torch.tensor([0, 1])).tolist() == [0, 1], "equals are not higher; what is no number is"


def test_top_five_are_five_and_the_first_is_one() -> None:
    answers = Answers()
    answers.add("natural", logits(0, 1, 4, 5), LABELS)
    assert answers.hits("natural").tolist() == [True, False, False, False]
    assert answers.hits("natural", 5).tolist() == [True, True, True, False]
    facts = answers.accuracy("natural")
    assert (facts["top1"], facts["top5"], facts["n"]) == (0.25, 0.75, 4)
    assert facts["interval"] == [*share(1, 4)] and facts["interval5"] == [*share(3, 4)]


def test_a_difference_is_paired_by_image_and_has_the_sign_of_the_condition_minus_the_model() -> None:
    answers = Answers()
    for part in (slice(0, 2), slice(2, 4)):
        answers.add("natural", logits(0, 0, 0, 5)[part], LABELS[part])
        answers.add("uniform 0", logits(0, 5, 5, 5)[part], LABELS[part])
    facts = answers.accuracy("uniform 0", "natural")
    assert facts["difference"] == -0.5
    low, high = facts["difference_interval"]
    assert low <= -0.5 <= high
    assert "uniform 0" in answers and "uniform 1" not in answers
    same = answers.accuracy("natural", "natural")
    assert same["difference"] == 0 and same["difference_interval"][0] <= 0 <= same["difference_interval"][1]


def planted() -> tuple[Positions, np.ndarray]:
    """Position 0 is among the five each time and never first; position 1 is first on every second image, else lost; position
    2 is first on the first image alone. And the ranks, (images, positions)."""
    places = np.array([[2, 0, 0], [2, 5, 5], [2, 0, 9], [2, 5, 5], [2, 0, 9], [2, 9, 9]])
    positions = Positions(3)
    for part in (slice(0, 3), slice(3, 6)):
        batch = torch.stack([logits(*row) for row in places[part]])
        positions.add(batch, torch.zeros(len(batch), dtype=torch.long))
    return positions, places


def test_every_position_has_its_own_share() -> None:
    positions, places = planted()
    np.testing.assert_allclose(positions.map(), [(places < 1).mean(axis=0), (places < 5).mean(axis=0)])


def test_the_best_position_is_chosen_by_the_first_answer() -> None:
    best = planted()[0].maximum()
    assert best["position"] == 1, "not 0, which is among the five each time"
    assert (best["top1"], best["top5"], best["n"]) == (0.5, 1.0, 6)
    assert best["interval"] == [*share(3, 6)] and best["interval5"] == [*share(6, 6)]


def test_the_best_of_one_half_is_scored_on_the_other() -> None:
    """Images 0, 2 and 4 choose position 1, which is wrong on 1, 3 and 5; those choose 0, as none is ever right there."""
    assert planted()[0].maximum()["held_out"] == 0
    positions = Positions(2)
    # Position 1 is first on all but image 4, position 0 second on all: each half chooses position 1.
    positions.add(torch.stack([logits(1, 0)] * 4 + [logits(1, 9), logits(1, 0)]), torch.zeros(6, dtype=torch.long))
    assert positions.maximum()["held_out"] == 5 / 6


def test_the_average_is_over_positions_and_its_interval_over_images() -> None:
    positions, places = planted()
    average = positions.average()
    assert average["top1"] == pytest.approx((places < 1).mean()) and average["top5"] == pytest.approx(
        (places < 5).mean()
    )
    assert average["n"] == 6
    for name, value in (("interval", average["top1"]), ("interval5", average["top5"])):
        assert average[name][0] < value < average[name][1]


def test_both_intervals_of_the_best_position_know_which_images_belong_together() -> None:
    positions = Positions(2)
    right, wrong = logits(0, 0)[None], logits(9, 9)[None]
    positions.add(torch.cat([right] * 20 + [wrong] * 20), torch.zeros(40, dtype=torch.long))
    together = np.repeat(np.arange(10), 4)
    alone, sets = positions.maximum(), positions.maximum(together)
    for name in ("interval", "interval5"):
        assert np.diff(sets[name])[0] > 1.5 * np.diff(alone[name])[0]
    assert (alone["top1"], alone["top5"]) == (sets["top1"], sets["top5"]) == (0.5, 0.5)
