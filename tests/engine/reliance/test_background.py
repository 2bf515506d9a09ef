"""Foreground and background: models that read only one of them land where they must, however the data set is stored."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import BadRequest
from engine.core.experiments import parse_request
from engine.core.request import Result, build
from engine.core.statistics import share
from engine.data.dataset import Dataset
from engine.data.formats.detect import open_path
from engine.evaluation import comparison, samples, streaming
from engine.reliance.background import BackgroundRequest
from engine.reliance.cuts import variants
from tests.engine.contexts import Notebook
from tests.engine.data.formats.on_disk import ilsvrc, masked, parquet
from tests.engine.world import SIDE, Squares, box, png, reader, scene, settle, write, xml


@pytest.fixture(autouse=True)
def world(monkeypatch) -> dict[str, Dataset]:
    """Two readers and the squares behind the doors that the engine uses; tests may add data sets."""
    models = {"object": reader("object"), "place": reader("place")}
    known: dict[str, Dataset] = {"squares": Squares()}
    settle(monkeypatch, models, known.__getitem__, classes=5)
    return known


def run(model: str, data: str = "squares", **more) -> Result:
    return build(BackgroundRequest, model=model, data=data, **more).run(Notebook())


def top1(result: Result) -> dict[str, float]:
    table = result.tables["variants"]
    return {f"{row.variant} {row.fill}".strip(): row.top1 for row in table.itertuples()}


@pytest.mark.parametrize("cut", ["box", "mask"])
def test_who_reads_only_the_object_needs_no_background_and_the_other_way_round(cut):
    fills = ("black", "mean", "blur", "noise", "tile")
    seeing = top1(run("object", cut=cut, fills=("black", "mean")))
    assert seeing == {
        "full": 1,
        "foreground black": 1,
        "background black": 0,
        "foreground mean": 1,
        "background mean": 0,
    }
    reading = top1(run("place", cut=cut, fills=fills))
    assert reading["full"] == 0.5, "two kinds live on each place: it can only guess between them"
    assert {name: value for name, value in reading.items() if name.startswith("background")} == {
        f"background {fill}": 0.5 for fill in fills
    }
    assert {value for name, value in reading.items() if name.startswith("foreground")} == {0}


def test_the_numbers_come_with_normalised_ones_and_intervals():
    rows = run("place").tables["variants"].set_index("variant")
    assert (rows.n == 24).all()
    assert rows.top5.tolist() == [1, 1, 1], "five classes"
    assert rows.top1_normalised["background"] == 1.0, "all that it can do, it does from the background alone"
    assert rows.top1_normalised["foreground"] == 0.0
    assert 0.7 < rows.top1_normalised_low["background"] < 1 < rows.top1_normalised_high["background"], (
        "of 24 images only"
    )
    low, high = share(12, 24)
    assert (rows.top1_low["full"], rows.top1_high["full"]) == pytest.approx((low, high))
    assert "lives" not in rows, "nobody says where these kinds live"
    assert rows.loss["full"] == pytest.approx(np.log(2), abs=2e-3), "sure of two kinds"


class Homes(Squares):
    """The squares, which tell their places and that two scenes in a row are a set."""

    def homes(self) -> tuple[str, ...]:
        return ("sea", "sea", "sky", "sky")

    def describe(self, index: int) -> dict:
        return super().describe(index) | {"place": self.homes()[index % 4]}

    def gives(self) -> frozenset[str]:
        return super().gives() | {"places"}

    def clusters(self) -> np.ndarray:
        return np.arange(self.count) // 2


def test_where_places_are_known_a_background_is_asked_what_it_can_tell(world):
    world["homes"] = Homes()
    reading, seeing = run("place", "homes"), run("object", "homes")
    row = reading.tables["variants"].set_index("variant").loc["background"]
    assert row.lives == 1 and row.lives_low > row.lives_chance, "it reads nothing but the place"
    assert row.lives_ideal == 1 and row.top1_ideal == 0.5, "one of the two kinds that live there"
    assert row.lives_chance == pytest.approx(2 / 5) and 0 < row.lives_smallest < 0.6, "two of five classes"
    blind = seeing.tables["variants"].set_index("variant").loc["background"]
    assert blind.lives < row.lives and reading.tables["variants"].lives.isna().tolist() == [True, True, False]
    (apart,) = comparison.paired_places(comparison.align([reading, seeing]))
    assert (
        apart["difference"] == row.lives - blind.lives and apart["interval"][0] > 0 and apart["variant"] == "background"
    )
    assert comparison.paired_places(comparison.align([run("place"), run("object")])) == []


def test_the_answers_do_not_depend_on_the_batch(monkeypatch):
    whole = run("place").arrays
    monkeypatch.setattr(streaming, "images_at_once", lambda loaded, count: 5)
    parts = run("place").arrays
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)


@pytest.mark.parametrize(("make", "cut"), [(ilsvrc, "box"), (masked, "mask"), (parquet, "box")])
def test_a_data_set_on_disk_gives_the_same_numbers_as_the_scenes_themselves(world, tmp_path, make, cut):
    world["disk"] = open_path(make(tmp_path / "set", 24), "disk")
    assert samples.best_cut(world["disk"]) == cut
    for model in ("object", "place"):
        plain, stored = run(model, cut=cut), run(model, data="disk", cut=cut)
        assert stored.facts["skipped"] == []
        assert top1(stored) == top1(plain)
        by_table = [result.tables["variants"].drop(columns=["variant", "fill"]) for result in (plain, stored)]
        np.testing.assert_allclose(*by_table, atol=0.08)  # intervals are resampled in another order of images
        np.testing.assert_allclose(stored.arrays["loss"].mean(0), plain.arrays["loss"].mean(0), rtol=1e-5)


def test_broken_data_is_told_line_by_line_and_the_rest_is_counted(world, tmp_path):
    root = ilsvrc(tmp_path / "set", 12)
    images, boxes = root / "Data/CLS-LOC/train", root / "Annotations/CLS-LOC/train"
    write(images / "cat/000.png", b"\xff\xd8\xff no picture")
    write(boxes / "fire/001.xml", xml(SIDE, SIDE, [("fire", (500, 500, 600, 600))]))
    write(boxes / "guitar/002.xml", xml(640, 480, [("guitar", box(2))]))
    write(boxes / "boat/003.xml", "<annotation><object>")
    (boxes / "cat/004.xml").unlink()
    write(boxes / "cat/999.xml", xml(SIDE, SIDE, [("cat", box(0))]))
    (images / "empty").mkdir()
    write(images / "unheard-of/x.png", png(scene(0)))
    world["broken"] = open_path(root, "broken")
    result = run("object", data="broken")
    told = dict(result.facts["skipped"])
    assert result.facts["images"] == 7 and len(result.arrays["images"]) == 7
    assert top1(result)["full"] == 1
    expected = {
        "cat/000.png": "damaged|not a PNG",
        "fire/001.png": "its boxes lie outside the image of 32 x 32 pixels",
        "guitar/002.png": "drawn on 640 x 480 pixels, it has 32 x 32",
        "boat/003.png": "003.xml cannot be read",
        "cat/004.png": "it has no box of its class",
        "cat/999.xml": "there is no image of that name",
        "empty": "a class folder without images",
        "class unheard-of": "is no class of the model",
    }
    assert told.keys() == expected.keys()
    for what, why in expected.items():
        assert any(part in told[what] for part in why.split("|")), (what, told[what])


def test_a_mask_of_another_size_and_a_missing_one_are_told(world, tmp_path):
    root = masked(tmp_path / "set", 8)
    write(root / "masks/cat/000.png", png(np.full((10, 12), 255, np.uint8)))
    write(root / "masks/fire/001.png", png(np.zeros((SIDE, SIDE), np.uint8)))
    (root / "masks/guitar/002.png").unlink()
    world["masks"] = open_path(root, "masks")
    result = run("object", data="masks", cut="mask")
    assert dict(result.facts["skipped"]) == {
        "cat/000.png": "its mask has 12 x 10 pixels, the image 32 x 32.",
        "fire/001.png": "its mask is empty.",
        "guitar/002.png": "it has no mask.",
    }
    assert result.facts["images"] == 5


def test_a_data_set_without_what_is_asked_for_is_refused_with_a_way_out(world, tmp_path):
    write(tmp_path / "plain/cat/a.png", png(scene(0)))
    world["plain"] = open_path(tmp_path / "plain", "plain")
    with pytest.raises(BadRequest, match=r"“plain” has no boxes\. Cut its objects by saliency"):
        run("object", data="plain", cut="box")
    with pytest.raises(BadRequest, match="masks"):
        run("object", data="plain", cut="mask")


def test_the_request_is_the_same_from_anywhere():
    request = build(BackgroundRequest, model="object", data="squares", fills=("tile", "black", "tile"))
    assert request.fills == ("black", "tile")
    assert parse_request(request.canonical()) == request
    assert request.key() != build(BackgroundRequest, model="place", data="squares", fills=("black", "tile")).key()
    assert variants(request.fills)[-1] == ("background", "tile"), "an object has no strip to repeat"


def test_a_limit_takes_the_same_images_for_every_model():
    one, other = (run(model, limit=10) for model in ("object", "place"))
    assert len(one.arrays["images"]) == 10
    np.testing.assert_array_equal(one.arrays["images"], other.arrays["images"])
    assert len(comparison.align([run("object"), other]).images) == 10
