"""A chart's spans, steps, labels and colours, the same on a screen and in print."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.figures.chart import (
    MODELS,
    Chart,
    Level,
    Map,
    apart,
    between,
    legible,
    series,
    shortened,
    span_of,
    steps,
    text_of,
)


def test_shares_run_from_0_to_100_percent_and_other_values_as_far_as_they_need():
    line = series("vit", [0, 1], [0.2, 0.3], [0.1, 0.2], [0.3, 0.4])
    assert span_of(Chart("lines", (line,), share=True)) == (0, 1)
    low, high = span_of(Chart("lines", (line,), levels=(Level(0.9, "chance"),)))
    assert low < 0.1 and 0.9 < high < 1
    assert span_of(Chart("bars", (line,)))[0] == 0
    assert span_of(Chart("lines", (line,), span=(2, 3))) == (2, 3)
    assert span_of(Chart("lines", (series("vit", [0], [math.nan]),))) == (0, 1)
    low, high = span_of(Chart("lines", (series("vit", [0], [0.0]),)))
    assert low < 0 < high, "also where all values are one"


@pytest.mark.parametrize(
    ("ends", "marks"), [((0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]), ((0.13, 0.31), [0.15, 0.2, 0.25, 0.3])]
)
def test_steps_are_round_and_few(ends, marks):
    assert steps(*ends) == pytest.approx(marks)


def test_labels_that_would_lie_on_each_other_move_apart_and_stay_within():
    assert apart([50, 52, 10], [8, 8, 8], 0, 100) == pytest.approx([47, 55, 10])
    assert apart([99, 99, 99], [8, 8, 8], 0, 100) == pytest.approx([84, 92, 100])
    assert apart([], [], 0, 1) == []


def test_a_label_of_two_lines_takes_the_room_of_two_and_leaves_the_others_where_they_belong():
    assert apart([20, 50, 51, 90], [10, 10, 20, 10], 0, 100) == pytest.approx([20, 43, 58, 90])


def test_labels_that_just_fit_fill_the_room_and_too_many_lie_around_its_middle():
    assert apart([5, 5, 5, 5, 5, 5], [20] * 6, 0, 100) == pytest.approx([0, 20, 40, 60, 80, 100])
    assert apart([5, 5, 5], [60] * 3, 0, 100) == pytest.approx([-10, 50, 110])


SMALL = "timm/vit_small_patch16_224.augreg_in21k_ft_in1k"
BASE = SMALL.replace("small", "base")


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["starter-vit", BASE], ["starter-vit", "timm/vit_base_patch16_224…"]),
        ([SMALL, BASE, SMALL], ["timm/vit_small_patch16…", "timm/vit_base_patch16…", "timm/vit_small_patch16…"]),
        (
            ["timm/vit_base_patch16_224.one", "timm/vit_base_patch16_224.two"],
            ["…vit_base_patch16_224.one", "…vit_base_patch16_224.two"],
        ),
        (["a" * 12 + "b" * 12 + "c" * 12], ["aaaaaaaaaaaabbbbb…cccccccc"]),
        (
            ["x" * 30 + "1" + "x" * 30, "x" * 30 + "2" + "x" * 30],
            ["x" * 30 + "1" + "x" * 30, "x" * 30 + "2" + "x" * 30],
        ),
    ],
)
def test_long_names_are_shortened_where_they_are_alike_so_that_they_stay_apart(names, labels):
    assert shortened(names, 26) == labels


def test_numbers_read_as_a_person_writes_them():
    assert (text_of(0.582, True), text_of(-0.0213, False), text_of(math.nan, True)) == ("58%", "−0.0213", "–")
    assert between(0.541, 0.622, True) == "54 to 62%"


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_of_a_model_can_be_read_as_text(dark):
    paper = (23, 25, 28) if dark else (255, 255, 255)

    def light(parts):
        linear = [each / 255 / 12.92 if each <= 10 else ((each / 255 + 0.055) / 1.055) ** 2.4 for each in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in MODELS:
        text = legible(colour, dark)
        one, other = light([int(text[at : at + 2], 16) for at in (1, 3, 5)]), light(paper)
        assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 4.5, colour


def test_charts_that_show_the_same_have_the_same_digest_and_others_do_not():
    def shown(value: float, y: float = 0.5) -> Chart:
        values = np.full((40, 60), 0.1)
        values[20, 30] = value  # in the middle, which a printed array leaves out
        return Chart("maps", (series("vit", [0], [y]),), maps=(Map("vit", values, tuple(range(60)), tuple(range(40))),))

    assert shown(0.2).digest() == shown(0.2).digest()
    assert len({shown(0.2).digest(), shown(0.3).digest(), shown(0.2, 0.6).digest()}) == 3
