"""The same object on another place: what planted observers answer, and what there is to be answered."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.core.request import Result, build
from engine.data.dataset import Dataset
from engine.data.formats.scenes import Scenes
from engine.reliance.counterfactual import (
    ANSWERS,
    ELSEWHERE,
    HOME,
    CounterfactualRequest,
    drops_apart,
    lives,
    places_apart,
)
from starter.make.scenes import HOME_SHARE
from tests.engine.contexts import Notebook
from tests.engine.small import wrapped
from tests.engine.world import GREEN, KINDS, RED, SIDE, Squares, box, png, settle

HOMES = ("sea", "sea", "sky", "sky")


def composed(kind: int, ground: str | None, empty: bool = False) -> np.ndarray:
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    if ground:
        image[..., 1] = {"sea": GREEN[0], "sky": GREEN[1]}.get(ground, 140)
    if not empty:
        left, top, right, bottom = box(kind)
        image[top:bottom, left:right] = (RED[kind], 0, 0)
    return image


@pytest.fixture
def matched(tmp_path: Path) -> Scenes:
    return sets(tmp_path / "sets.parquet")


def sets(path: Path, others: dict[int, str | None] | None = None) -> Scenes:
    """Four sets of four scenes in the starter's own format; `others` are other places than each kind's opposite."""
    rows = []
    for kind in range(4):
        home, other = HOMES[kind], "sky" if HOMES[kind] == "sea" else "sea"
        other = (others or {}).get(kind, other)
        for variant, ground in (("home", home), ("other", other), ("object", None), ("place", home)):
            alone = variant == "place"
            left, top, right, bottom = (None,) * 4 if alone else box(kind)
            rows.append(
                {
                    "image": png(composed(kind, ground, empty=alone)),
                    "mask": None if alone else png(composed(kind, None)[..., 0] > 0),
                    **{"box_left": left, "box_top": top, "box_right": right, "box_bottom": bottom},
                    **{"kind": KINDS[kind], "kind_index": kind, "place": ground, "home_place": home},
                    **{"variant": variant, "set": kind},
                }
            )
    pq.write_table(pa.Table.from_pylist(rows), path)
    return Scenes(path, "sets")


class Observer(nn.Module):
    """Adds what the object's colour says to what the place says about each kind, the latter times `trust`.

    With trust 1 it is Bayes' rule with the planted shares; with 0 it ignores the place.
    """

    def __init__(self, trust: float, certainty: float) -> None:
        super().__init__()
        self.trust, self.certainty = trust, certainty

    def forward(self, images: Tensor) -> Tensor:
        pixels = (images * 0.5 + 0.5) * 255
        red, green = pixels[:, 0].amax((1, 2)), pixels[:, 1].amax((1, 2))
        seen = torch.stack([((red - mark).abs() < 25).float() for mark in RED], 1) * self.certainty
        place = torch.zeros(len(images), 4)
        for number, mark in enumerate(GREEN):
            here = ((green - mark).abs() < 25).float()[:, None]
            lives = torch.tensor([float(HOMES[kind] == ("sea", "sky")[number]) for kind in range(4)])
            place += here * (lives * math.log(HOME) + (1 - lives) * math.log(ELSEWHERE))
        return seen + self.trust * place


@pytest.fixture
def observe(monkeypatch, matched):
    """Ask an observer about the matched sets."""

    def asked(trust: float, certainty: float = 6.0, data: Dataset = matched) -> Result:
        loaded = wrapped("observer", Observer(trust, certainty), (SIDE, SIDE))
        loaded.class_names = KINDS
        settle(monkeypatch, {"observer": loaded}, lambda name: data, classes=4)
        return build(CounterfactualRequest, model="observer").run(Notebook())

    return asked


def test_the_planted_cue_is_the_starters():
    assert pytest.approx(HOME_SHARE) == HOME and pytest.approx((1 - HOME_SHARE) / 8) == ELSEWHERE


def test_who_ignores_the_place_answers_the_object_everywhere_and_who_trusts_it_too_much_the_place(observe):
    def shares(result: Result, variant: str) -> list[float]:
        rows = result.tables["answers"]
        return rows[rows.variant == variant].share.tolist()

    sober = observe(0.0)
    assert shares(sober, "home") == shares(sober, "other") == shares(sober, "object") == [1, 0, 0, 0]
    value, low, high = sober.facts["drop"]
    assert value == 0 and low < 0 < high and sober.facts["drop_smallest"] > 0.5, "four sets can show only a large drop"
    swayed = observe(3.0)
    assert shares(swayed, "home") == [1, 0, 0, 0]
    assert shares(swayed, "other") == [0, 1, 0, 0], "a kind of the place where it stands"
    assert sum(shares(swayed, "place")[:2]) == 1
    assert swayed.facts["drop"][0] == 1
    chance = swayed.tables["answers"].query("variant == 'other'").chance.tolist()
    assert chance == [0.25, 0.5, 0.25, 0.0]
    alone = swayed.tables["answers"].query("variant == 'place'")
    assert alone.ideal.tolist() == [0.5, 0.5, 0, 0], "one of the two kinds that live there"
    assert swayed.tables["answers"].query("variant == 'other'").ideal.tolist() == [1, 0, 0, 0]
    assert alone.smallest.gt(0).all() and alone.smallest.iloc[1] > 0.5


def test_a_place_where_no_known_kind_lives_tells_nothing_of_reliance_and_the_other_sets_do(observe, tmp_path):
    partly = sets(tmp_path / "partly.parquet", {0: "moon", 3: None})
    found = observe(1.0, data=partly)
    assert found.facts["reliance_left_out"] == 2
    chance = found.tables["answers"].query("variant == 'other'").chance.tolist()
    assert chance == [0.25, 0.25, 0.25, 0.25], "two sets as ever, and two in which nobody lives at the place shown"
    never = sets(tmp_path / "never.parquet", dict.fromkeys(range(4), "moon"))
    none = observe(1.0, data=never)
    assert (
        np.isnan(none.facts["reliance"]).all()
        and np.isnan(none.arrays["reliance"]).all()
        and none.facts["reliance_left_out"] == 4
    )
    assert none.tables["accuracy"].top1.notna().all()


def lost(model: str, images: list[int], costs: list[int]) -> Result:
    """A model that moving the object costs the answer (1), gains it (-1) or neither, in sets of so many kinds."""
    labels = np.arange(len(images)) // 2
    top = np.full((len(images), 4, 5), -1)
    for row, cost in enumerate(costs):
        top[row, 0, 0] = labels[row] if cost > 0 else -1
        top[row, 1, 0] = labels[row] if cost < 0 else -1
    arrays = {
        "images": np.array([[4 * image + part for part in range(4)] for image in images]),
        "labels": labels,
        "top": top,
    }
    return Result({"experiment": "counterfactual", "model": model}, arrays)


def test_what_moving_costs_is_compared_set_by_set_over_the_sets_that_both_have():
    one = lost("one", [*range(40)], [1, 1, 1, 1, 1, 1, 0, -1] * 5)
    other = lost("other", [*range(20, 60)], [0, 0, 0, -1, 1, 0, 0, 0] * 5)
    (row,) = drops_apart([one, other])
    theirs = np.array([1, 1, 1, 1, 1, 1, 0, -1] * 5)[20:] - np.array([0, 0, 0, -1, 1, 0, 0, 0] * 5)[:20]
    assert (row["a"], row["b"], row["n"]) == ("one", "other", 20) and row["difference"] == pytest.approx(theirs.mean())
    low, high = row["interval"]
    assert low < theirs.mean() < high and row["smallest"] > (high - low) / 2
    (turned,) = drops_apart([other, one])
    assert turned["difference"] == pytest.approx(-row["difference"])
    assert drops_apart([one, lost("elsewhere", [100, 101], [0, 1])]) == [] and drops_apart([one]) == []


def placed(model: str, answers: list[int], sets: int = 40) -> Result:
    """A model whose answers to empty places count as these, over and over, in sets of kinds of two sets each."""
    answer = np.full((sets, 4), 3)
    answer[:, 3] = np.resize(answers, sets)
    arrays = {"images": np.arange(4 * sets).reshape(sets, 4), "labels": np.arange(sets) // 2, "answer": answer}
    chances, ideals = (0.01, 0.1, 0.0, 0.89), (0.05, 0.95, 0.0, 0.0)
    kinds = zip(ANSWERS, chances, ideals, strict=True)
    rows = [{"variant": "place", "answer": kind, "chance": one, "ideal": other} for kind, one, other in kinds]
    return Result({"experiment": "counterfactual", "model": model}, arrays, {"answers": pd.DataFrame(rows)})


def test_of_an_empty_place_an_answer_counts_that_lives_there_be_it_the_sets_own_kind_or_another():
    found = lives(placed("one", [0, 1, 1, 1, 3, 1, 1, 1, 1, 3]))
    low, high = found["interval"]
    assert found["value"] == 0.8 and 0.5 < low < 0.8 < high < 1 and found["n"] == 40
    assert found["chance"] == pytest.approx(0.11) and found["ideal"] == 1 and 0 < found["smallest"] < 0.3


def test_answers_to_empty_places_are_compared_set_by_set():
    """One of every ten sets is answered right by both, one by none, and the rest by one model or the other."""
    one, other = placed("one", [0, 1, 1, 1, 1, 1, 1, 3, 1, 3]), placed("other", [1, 3, 3, 3, 3, 3, 3, 1, 3, 3])
    (row,) = places_apart([one, other])
    low, high = row["interval"]
    assert row["difference"] == pytest.approx(0.6) and 0 < low < 0.6 < high and row["n"] == 40
    assert row["smallest"] > (high - low) / 2
    assert places_apart([other, one])[0]["difference"] == pytest.approx(-0.6) and places_apart([one]) == []


def test_of_three_models_each_interval_between_two_allows_for_all_three_pairs():
    a, b = placed("a", [0, 1, 1, 1, 3]), placed("b", [3, 1, 3, 1, 3])
    (alone,), (among, *others) = places_apart([a, b]), places_apart([a, b, placed("c", [3, 3, 1, 1, 1])])
    assert len(others) == 2 and among["difference"] == alone["difference"]
    assert among["interval"][0] < alone["interval"][0] and among["smallest"] > alone["smallest"]
    lost_a, lost_b, lost_c = (
        lost(name, [*range(40)], [1, 0, 0, last] * 10) for name, last in (("a", 1), ("b", 0), ("c", -1))
    )
    (alone,), (among, *_) = drops_apart([lost_a, lost_b]), drops_apart([lost_a, lost_b, lost_c])
    assert among["interval"][1] > alone["interval"][1]


def test_without_matched_sets_there_is_nothing_to_compare(observe):
    with pytest.raises(BadRequest, match="has no matched sets"):
        observe(1.0, data=Squares())
