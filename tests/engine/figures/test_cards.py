"""Results become cards: the numbers beside each picture are its own, and the finding counts what the table says."""

from __future__ import annotations

import numpy as np

from engine.core.experiments import parse_request
from engine.figures.cards import caption, only, sheet_of
from tests.engine.figures.made import result


def test_each_card_has_its_units_picture_and_numbers():
    made = result((3, 5), failed=(5,))
    (row,) = sheet_of([made]).rows
    assert row.label == "starter-vit @ blocks.6.mlp.hidden"
    assert [card.lines for card in row.cards] == [
        ("unit 3", "1.5× (1.4 to 1.6)"), ("unit 5", "2.5× (2.4 to 2.6)", "not above its controls"),
    ]  # fmt: skip
    assert [int(card.picture[1, 1, 0]) for card in row.cards] == [13, 15]


def test_the_finding_counts_over_all_results():
    sheet = sheet_of([result((3, 5), failed=(5,)), result((1, 2), "starter-cnn")], colours=("#123456",))
    assert sheet.title == "What 4 units respond to" and sheet.finding.startswith("3 of 4 pictures are above")
    assert [row.colour for row in sheet.rows] == ["#123456", "#1b1d22"]


def test_one_picture_is_spoken_of_as_one():
    assert sheet_of([result((3,))]).finding == "The picture is above all of its controls."
    assert sheet_of([result((3,), failed=(3,))]).finding == "The picture is not above all of its controls."
    assert sheet_of([result((3,))]).title == "What a unit responds to"


def test_one_picture_of_many_is_the_result_of_asking_for_it_alone():
    alone = only(result((3, 5)), 1)
    assert alone.request["units"] == [5] and [int(image[1, 1, 0]) for image in alone.arrays["images"]] == [15]
    assert sheet_of([alone]).rows[0].cards[0].lines[0] == "unit 5"
    assert parse_request(alone.request).key() == parse_request(result((5,)).request).key()


def test_one_target_of_many_is_too():
    made = result((3, 5))
    made.request |= {"units": [3], "targets": ["5@1x1"]}
    assert {name: only(made, 1).request[name] for name in ("units", "targets")} == {"units": [], "targets": ["5@1x1"]}
    assert "targets" not in only(made, 0).request


def test_a_number_that_was_not_measured_is_not_shown():
    made = result((3,))
    made.tables["units"]["ratio_to_best_scene"] = np.nan
    assert sheet_of([made]).rows[0].cards[0].lines == ("unit 3",)


def test_the_caption_says_recipe_seed_and_images():
    told = caption([result(), result(model="starter-cnn")])
    assert told.count("recipe fast, seed 0") == 1 and "“starter”" in told


def test_images_stand_below_their_picture():
    image = np.zeros((2, 2, 3), np.uint8)
    (row,) = sheet_of([result((3, 5))], beside=lambda of, place: [image] * (place + 1)).rows
    assert [len(card.beside) for card in row.cards] == [1, 2]
