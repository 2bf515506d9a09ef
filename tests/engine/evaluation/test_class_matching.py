"""Labels find their class by name or WordNet id, or are told apart as unknown; the nine of ImageNet-9 hold what they should."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from engine.core.errors import BadRequest, RefusedFile
from engine.core.request import build
from engine.data.formats.detect import open_path
from engine.data.formats.imagenet9 import NINE, Challenge, to_nine
from engine.data.formats.parquet import ParquetImages
from engine.data.imagenet import imagenet_ids, imagenet_names, readable
from engine.evaluation.class_matching import match
from engine.reliance.imagenet9 import ChallengeRequest, bg_gap
from tests.engine.small import wrapped
from tests.engine.world import Notebook, png, settle, write


def test_wordnet_ids_find_imagenets_classes():
    found = match(("n01440764", "n02124075 Egyptian cat", "n99999999"), imagenet_names(), 1000)
    assert found.to_model.tolist() == [0, 285, -1]
    assert found.notes == (("class n99999999", "“n99999999” is no class of the model; its images are skipped"),)


def test_names_are_matched_by_synonym_without_case_and_never_guessed():
    found = match(("Egyptian_Cat", "tench", "crane", "space elevator"), imagenet_names(), 1000)
    assert found.to_model.tolist() == [285, 0, -1, -1]
    assert [why.split("” ")[1].split(";")[0] for _, why in found.notes] == [
        "matches several classes of the model",
        "is no class of the model",
    ]
    own = match(("b", "a"), ("a", "b", "c"), 3)
    assert own.to_model.tolist() == [1, 0] and own.notes == ()


def test_a_model_without_names_is_taken_as_imagenets_only_at_1000_classes_and_says_so():
    found = match(imagenet_ids(), None, 1000)
    assert found.to_model.tolist() == list(range(1000))
    assert "names none" in found.notes[0][1]
    with pytest.raises(BadRequest, match="names of the model's 12 classes are unknown"):
        match(("cat",), None, 12)
    with pytest.raises(BadRequest, match="has none of the data set's classes"):
        match(("space elevator",), imagenet_names(), 1000)


def test_a_data_set_of_the_models_first_class_alone_is_known():
    assert match(("tench",), imagenet_names(), 1000).to_model.tolist() == [0]


def test_ids_read_as_names_for_people():
    assert (readable("n02124075"), readable("tabby, tabby cat"), readable("cat")) == ("Egyptian cat", "tabby", "cat")


def test_the_nine_classes_hold_370_of_imagenets():
    nine = to_nine()
    assert (nine >= 0).sum() == 370 and nine.max() == 8
    for name, number in (
        ("tench", 8),
        ("ostrich", 1),
        ("Chihuahua", 0),
        ("timber wolf", 4),
        ("gorilla", 7),
        ("accordion", 6),
    ):
        index = next(at for at, names in enumerate(imagenet_names()) if names.split(",")[0] == name)
        assert NINE[nine[index]] == NINE[number], name
    assert nine[imagenet_ids().index("n02123045")] == -1, "tabby cats belong to none"


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
    found = open_path(bg_challenge, "bg")
    assert isinstance(found, Challenge) and [*found.variations] == ["original", "mixed_same"]
    result = build(ChallengeRequest, model="green", data="bg").run(Notebook())
    assert result.facts["bg_gap"] is None


def test_the_gaps_interval_holds_the_difference_of_two_samples():
    same, rand = np.arange(400) % 10 < 9, np.arange(400) % 10 < 7
    value, low, high = bg_gap(same, rand) or (0, 0, 0)
    assert value == pytest.approx(0.2) and 0.13 < low < 0.17 and 0.23 < high < 0.27


def test_parquet_columns_are_found_by_name_and_shards_that_differ_are_told(tmp_path):
    pictures = [np.full((8, 10, 3), value, np.uint8) for value in (10, 20, 30)]
    rows = [
        {"img": png(picture), "label": name, "objects": {"bbox": [[1.0, 2.0, 3.0, 4.0]]}}
        for picture, name in zip(pictures, "bab", strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=2)
    pq.write_table(pa.table({"price": [1]}), tmp_path / "b.parquet")
    found = open_path(tmp_path, "hub")
    assert isinstance(found, ParquetImages)
    assert found.class_names == ("a", "b") and found.labels().tolist() == [1, 0, 1]
    assert [int(found.image(number)[0, 0, 0]) for number in (2, 0, 1)] == [30, 10, 20]
    assert found.boxes(1) == [(1, 2, 4, 6)]
    assert found.report() == [("b.parquet", "a shard that cannot be read, or has other columns than the first")]
    with pytest.raises(RefusedFile, match="no column of pictures"):
        ParquetImages(tmp_path / "b.parquet", "b")
    assert isinstance(open_path(tmp_path / "a.parquet", "a"), ParquetImages)
