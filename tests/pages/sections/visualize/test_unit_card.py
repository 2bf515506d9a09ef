"""A card says in two lines how strong its picture is; the other numbers are there on hover."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.core.address import Address
from pages.common.units import images
from pages.sections.visualize import unit_card
from pages.sections.visualize.unit_card import above, details, fewer, listed, verdict

FACTS = {
    "activation": 3.28, "activation_low": 3.01, "activation_high": 3.55, "margin": 1.68, "control": "blank",
    "percentile": 99.94, "ratio_to_best_scene": 1.91, "ratio_low": 1.75, "ratio_high": 2.08, "ratio_as_is": 1.97,
    "failed": False,
}  # fmt: skip
ABOUT = {"images": 1698, "augmented": 100, "could_be_stronger": 0.03}
NAN = float("nan")


def test_the_two_lines_are_the_ratio_and_the_margin() -> None:
    assert verdict(FACTS, "starter").split("  \n") == [
        "**1.91×** (1.75 to 2.08) its strongest scene",
        "**1.68** above a blank",
    ]


def test_below_a_control_is_called_failed_and_images_are_images() -> None:
    first, second = verdict(FACTS | {"margin": -0.2, "control": "noise", "failed": True}, "photos").split("  \n")
    assert "its strongest image" in first and second == ":red[**Failed**: 0.2 below noise]"


def test_where_no_ratio_means_anything_the_activation_stands_in_its_place() -> None:
    assert verdict(FACTS | {"ratio_to_best_scene": NAN}, "starter").startswith("Activation **3.28**")


def test_what_is_on_images_is_said_once_a_kind_and_no_more_than_three() -> None:
    told = [{"kind": kind, "id": 0} for kind in ("key", "key", "lock", "pear", "duck")]
    assert listed(told) == "key, lock, pear\u00a0…"


@pytest.mark.parametrize(
    ("more", "about", "said"),
    [
        ({}, {}, "Activation 3.28 (3.01 to 3.55), above 99.9% of 1,698 scenes."),
        ({}, {}, "Above a blank, its strongest control."),
        ({}, {}, "1.91× (1.75 to 2.08) its strongest scene."),
        ({"failed": True}, {}, "The picture is not above all of its controls"),
        ({}, {}, "Without augmentations 1.97× its strongest scene."),
        (
            {},
            {"images": 20, "augmented": 20, "could_be_stronger": 0.139},
            "Only 20 scenes: up to 14% of such could be stronger.",
        ),
        ({"opposite_activation": -1.5}, {}, "Minimized −1.5."),
        ({"base": 0.52}, {}, "count from its value on the median of 29 blanks, 0.52."),
        ({"percentile": 99.96}, {}, "above 99.9% of 1,698 scenes."),
        ({"percentile": 100.0}, {}, "above all 1,698 scenes."),
    ],
)
def test_everything_else_is_told_on_hover(more: dict, about: dict, said: str) -> None:
    assert said in details(FACTS | more, "starter", ABOUT | about)


def test_of_frames_of_few_videos_as_many_could_be_stronger_as_of_so_few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "independent", lambda data, many: 3)
    told = details(FACTS, "photos", ABOUT | {"images": 60, "augmented": 60, "could_be_stronger": 0.049})
    assert "Only 60 images in 3 groups: up to 63% of such could be stronger." in told


def test_what_does_not_apply_is_not_said() -> None:
    told = details(FACTS | {"ratio_as_is": NAN}, "starter", ABOUT)
    assert not [word for word in ("Without", "Only", "Minimized", "blanks", "nan") if word in told]
    assert "blanks" not in details(FACTS | {"base": NAN}, "starter", ABOUT)


def test_the_percentile_is_of_as_many_images_as_it_was_taken_over() -> None:
    """The starter's 3,396 scenes have 1,698 that are made of others by taking the object or the place away."""
    assert above(FACTS, ABOUT) == "The picture is above 99.9% of 1,698 images."
    assert above(FACTS | {"percentile": 99.98}, ABOUT) == "The picture is above 99.9% of 1,698 images."
    assert above(FACTS | {"percentile": 100.0}, ABOUT) == "The picture is above all 1,698 images."


def test_a_row_that_is_not_full_says_why() -> None:
    assert fewer(4, 4, 20) == fewer(3, 9, 3) == ""
    assert fewer(3, 9, 20) == " · 3 of its 20 strongest: the rest lack their object or place, or show the same again"


def test_a_bar_of_the_distribution_opens_an_image_of_its_activation(monkeypatch: pytest.MonkeyPatch) -> None:
    known = SimpleNamespace(values=np.array([0.0, 1.0, 2.0]), images=np.array([4, 5, 6]), scale=(0.0, 1.0))
    shown: Any = SimpleNamespace(
        address=Address.parse("starter-vit@blocks.6.mlp.hidden:3"), side="a", data="starter", maps=False, result=None,
        known=lambda place: known, alone=lambda place: None, key="key", index_key="index",
    )  # fmt: skip
    went: list[Any] = []
    monkeypatch.setattr(unit_card.st, "switch_page", lambda page, query_params: went.append((page, query_params)))

    def click(chart: Any, *rest: Any, on_click: Any, **more: Any) -> None:
        on_click(list(chart.series[0].opens[-1]))

    monkeypatch.setattr(unit_card.chart_figure, "draw", click)
    unit_card.distribution(shown, 0, None, "unit")
    assert went == [("pages/photo.py", {"image": "6", "data": "starter", "a": "starter-vit"})]
