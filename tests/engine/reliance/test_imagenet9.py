"""The Backgrounds Challenge: read as it is published, a model's classes as its nine, and the gap between two variations."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.core.errors import BadRequest
from engine.core.request import build
from engine.data.formats.detect import open_path
from engine.data.formats.imagenet9 import NINE
from engine.reliance.imagenet9 import ChallengeRequest, bg_gap, nine_classes
from tests.engine.contexts import Notebook
from tests.engine.small import wrapped
from tests.engine.world import png, settle, write


class Green(nn.Module):
    """1000 classes: bird 7 where the image is green, tabby (none of the nine) where it is red, dog 151 otherwise."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores = torch.zeros(len(images), 1000)
        means = images.mean((2, 3))
        scores[:, 151] = 1
        scores[:, 7] = 5 * (means[:, 1] > 0).float()
        scores[:, 281] = 9 * (means[:, 0] > 0).float()
        return scores


@pytest.fixture
def bg_challenge(tmp_path: Path, monkeypatch) -> Path:
    """Four images a variation: birds on green (right), dogs elsewhere; in mixed_rand half of the grounds are swapped."""
    green, blue, red = (np.zeros((16, 16, 3), np.uint8) for _ in range(3))
    green[..., 1], blue[..., 2], red[..., 0] = 255, 255, 255
    pictures = {
        "original": (green, green, blue, blue),
        "mixed_same": (green, green, blue, red),
        "mixed_rand": (green, blue, green, red),
    }
    for variation, four in pictures.items():
        for number, picture in enumerate(four):
            folder = "01_bird" if number < 2 else "00_dog"
            write(tmp_path / f"bg/{variation}/val/{folder}/{number}.png", png(picture))
    loaded = wrapped("green", Green(), (16, 16))
    settle(monkeypatch, {"green": loaded}, lambda name: open_path(tmp_path / "bg", "bg"), classes=1000)
    return tmp_path / "bg"


def test_the_challenge_is_read_as_published_and_gives_the_gap(bg_challenge):
    write(bg_challenge / "mixed_rand/val/01_bird/broken.png", b"nothing")
    result = build(ChallengeRequest, model="green", data="bg").run(Notebook())
    rows = result.tables["variations"].set_index("variation")
    assert rows.top1.to_dict() == {"original": 1.0, "mixed_same": 0.75, "mixed_rand": 0.25}
    assert rows.n.tolist() == [4, 4, 4]
    assert result.facts["bg_gap"][0] == pytest.approx(0.5)
    assert result.arrays["mixed_same"][:, 1].tolist() == [0, -1, 1, 1], "class folders in order: dogs first"
    told = dict(result.facts["skipped"])
    assert "not a PNG" in told["mixed_rand/01_bird/broken.png"]
    assert told["only_fg"] == "this variation is not in the folder"


def test_without_a_val_folder_and_without_one_of_the_two_there_is_no_gap(bg_challenge):
    shutil.move(bg_challenge / "mixed_same/val/01_bird", bg_challenge / "mixed_same/01_bird")
    shutil.rmtree(bg_challenge / "mixed_same/val")
    shutil.rmtree(bg_challenge / "mixed_rand")
    assert [*open_path(bg_challenge, "bg").variations] == ["original", "mixed_same"]
    result = build(ChallengeRequest, model="green", data="bg").run(Notebook())
    assert result.facts["bg_gap"] is None


def test_the_gaps_interval_holds_the_difference_of_two_samples():
    same, rand = np.arange(400) % 10 < 9, np.arange(400) % 10 < 7
    value, low, high = bg_gap(same, rand) or (0, 0, 0)
    assert value == pytest.approx(0.2) and 0.13 < low < 0.17 and 0.23 < high < 0.27


def test_intervals_know_which_images_of_a_variation_belong_together(bg_challenge):
    """The same images, once as independent and once as copies of two each."""
    request = build(ChallengeRequest, model="green", data="bg")
    blind = request.run(Notebook())
    for variation in ("original", "mixed_same", "mixed_rand"):
        files = [
            f"{folder}/{number}.png" for folder, numbers in (("01_bird", "01"), ("00_dog", "23")) for number in numbers
        ]
        rows = "".join(f"{file},{place // 2}\n" for place, file in enumerate(files))
        write(bg_challenge / variation / "val/groups.csv", f"file,group\n{rows}".encode())
    aware = request.run(Notebook())
    width = [result.tables["variations"].eval("top1_high - top1_low").to_numpy() for result in (blind, aware)]
    assert (width[1] > width[0])[0], "where all are right, four images tell more than two pairs"
    (_, low, high), (_, aware_low, aware_high) = blind.facts["bg_gap"], aware.facts["bg_gap"]
    assert (low, high) != (aware_low, aware_high)


def test_a_model_of_the_nine_classes_answers_directly_in_whatever_order_it_has_them() -> None:
    loaded = wrapped("nine", Green(), (16, 16))
    loaded.class_names = NINE[::-1]
    nine, notes = nine_classes(loaded, len(NINE))
    assert nine.tolist() == [8, 7, 6, 5, 4, 3, 2, 1, 0] and notes == ()
    loaded.class_names = tuple("abcdefghijkl")
    with pytest.raises(BadRequest, match="has none of the data set's classes"):
        nine_classes(loaded, 12)
