"""One photo: the planted unit is found, answers are those of the predictions, and orientation changes nothing."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from engine.core.choices import DEFAULT_PHOTO_LAYERS
from engine.core.errors import BadRequest, Unavailable
from engine.core.request import Result, build
from engine.data import uploads
from engine.data.registry import open_dataset
from engine.evaluation import index as indexing
from engine.evaluation import photo, predictions
from engine.evaluation.index import index_sites
from engine.evaluation.photo import PhotoRequest, cuts, looked_at, strongest, through_depth
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.sites.access import read
from engine.sites.hooks import HookPoint, run
from tests.conftest import hand_out
from tests.engine.contexts import Notebook
from tests.engine.small import small_cnn, small_vit
from tests.engine.spatial.known import Squares

SITE, UNIT = "blocks.0.mlp.hidden", 77
RED = np.full((32, 32, 3), (255, 0, 0), np.uint8)


class Greys(Squares):
    """Noise without any colour."""

    def image(self, index: int) -> np.ndarray:
        return np.repeat(np.random.default_rng(index).integers(0, 255, (32, 32, 1), np.uint8), 3, axis=2)


def tensor(model: LoadedModel, image: np.ndarray) -> torch.Tensor:
    return model.normalize(torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255)


def planted() -> LoadedModel:
    """A network one unit of which looks along the way from grey noise to red, and is silent half-way there."""
    model = small_vit()
    layer = model.module.blocks[0].mlp.fc1
    point = HookPoint("in", "", "", layer, "input")
    entering = [
        run(model.module, [point], tensor(model, image))["in"].mean((0, 1)) for image in (RED, Greys().image(0))
    ]
    way = entering[0] - entering[1]
    layer.weight.data[UNIT] = 4 * way / way.norm()
    layer.bias.data[UNIT] = -4 * float((entering[0] + entering[1]) @ way) / float(2 * way.norm())
    return model


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch, float32: None) -> tuple[LoadedModel, Result]:
    """The planted network, and what its layer does on greys."""
    model = planted()
    hand_out(monkeypatch, {"planted": model})
    monkeypatch.setattr(indexing, "open_dataset", lambda name: Greys())
    return model, index_sites("planted", [SITE], "greys", Notebook())[SITE]


def layer_of(result: Result, site: str = SITE) -> int:
    return result.tables["layers"]["site"].tolist().index(site)


def test_the_unit_that_was_planted_for_red_comes_first_on_red(indexed) -> None:
    model, index = indexed
    on_red, on_grey = looked_at(model, RED), looked_at(model, Greys().image(99))
    first = strongest(on_red, layer_of(on_red), index).iloc[0]
    assert first["unit"] == UNIT and first["above"] == 100 and first["z"] > 5
    others = strongest(on_grey, layer_of(on_grey), index).set_index("unit")
    assert others.index[0] != UNIT and others["z"][UNIT] < 3


def test_how_unusual_a_unit_is_agrees_with_the_index_counted_by_hand(indexed) -> None:
    model, index = indexed
    result = looked_at(model, Greys().image(3))  # an image of the data set itself
    table = strongest(result, layer_of(result), index).set_index("unit").sort_index()
    means = index.arrays["position_mean"]
    np.testing.assert_allclose(table["value"], means[3], atol=1e-5)
    np.testing.assert_allclose(table["z"], (means[3] - means.mean(0)) / means.std(0), atol=1e-2)
    apart = np.abs(means - means[3]).min(0, where=np.arange(len(means))[:, None] != 3, initial=1) > 1e-5
    # Whether the image is below its own number in the index is a matter of rounding.
    counted = (means[np.arange(len(means)) != 3] < means[3]).sum(0)
    found = table["above"].to_numpy() * len(means) / 100
    assert (np.abs(found - counted)[apart] < 1.01).all()


def test_without_an_index_units_stand_in_the_order_of_their_values() -> None:
    result = looked_at(small_vit(), RED)
    table = strongest(result, 0, None, 5)
    assert table["value"].tolist() == sorted(result.arrays["mean_0"].tolist(), reverse=True)[:5]
    assert table["z"].isna().all() and table["above"].isna().all()


def test_a_unit_that_never_changes_comes_last(indexed) -> None:
    model, index = indexed
    index.arrays["std"][5] = 0
    result = looked_at(model, RED)
    assert strongest(result, layer_of(result), index)["unit"].iloc[-1] == 5


@pytest.mark.usefixtures("float32")
def test_every_layer_is_what_its_site_says_and_the_answers_are_those_of_the_predictions() -> None:
    for model in (small_vit(), small_cnn()):
        image = Squares(side=model.input_size[0]).image(3)
        result = looked_at(model, image, 3)
        for number, row in enumerate(result.tables["layers"].to_dict("records")):
            site = model.sites[row["site"]]
            values = read(model.module, [site.name], tensor(model, image))[site.name][0, site.grid.prefix :]
            np.testing.assert_allclose(result.arrays[f"mean_{number}"], values.mean(0), atol=1e-5)
            np.testing.assert_allclose(result.arrays[f"maximum_{number}"], values.amax(0), atol=1e-5)
            maps = values.T.unflatten(1, (row["height"], row["width"]))
            np.testing.assert_allclose(result.arrays[f"maps_{number}"], maps, atol=1e-2)
        pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
        expected = predictions.logits(model, pixels)
        torch.testing.assert_close(torch.from_numpy(result.arrays["logits"]), expected[0], atol=1e-4, rtol=1e-4)
        answered = predictions.answered([0], [0], expected[:, None])
        assert result.tables["answers"]["class"].tolist() == answered["top"][0, 0].tolist()
        np.testing.assert_allclose(result.tables["answers"]["probability"], answered["probability"][0, 0], atol=2e-3)


def test_probabilities_lie_between_those_of_the_cuts() -> None:
    table = looked_at(small_vit(), Squares(side=48).image(1)).tables["answers"]
    assert (table["low"] <= table["probability"]).all() and (table["probability"] <= table["high"]).all()
    assert (table["high"] - table["low"]).max() > 1e-4, "cuts differ"


def test_ten_cuts_are_the_whole_four_corners_and_their_mirror_images() -> None:
    image = np.arange(20 * 20 * 3, dtype=np.uint32).reshape(20, 20, 3).astype(np.uint8)
    made = cuts(image, (18, 18))
    assert len(made) == 10 and all(each.shape == (18, 18, 3) for each in made)
    assert np.array_equal(made[1], image[:18, :18]) and np.array_equal(made[4], image[2:, 2:])
    assert all(np.array_equal(there[:, ::-1], back) for there, back in zip(made[:5], made[5:], strict=True))


def test_a_large_map_is_averaged_down(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = looked_at(small_vit(), RED).arrays["maps_0"].astype(np.float32)
    monkeypatch.setattr(photo, "LARGEST_MAP", 2)
    small = looked_at(small_vit(), RED).arrays["maps_0"]
    assert small.shape[1:] == (2, 2)
    np.testing.assert_allclose(small, whole.reshape(-1, 2, 2, 2, 2).mean((2, 4)), atol=1e-3)


def test_layers_stand_evenly_through_the_depth_and_end_with_the_last() -> None:
    sites = catalog.load("starter-vit").sites
    assert [site.block for site in through_depth(sites, 4)] == ["blocks.1", "blocks.3", "blocks.5", "blocks.7"]
    assert [site.block for site in through_depth(sites, 24)] == [f"blocks.{number}" for number in range(8)]


def test_a_model_without_classes_says_so_and_shows_its_units_all_the_same() -> None:
    result = looked_at(catalog.load("starter-clip"), RED)
    assert result.tables["answers"].empty and "no classes" in result.facts["missing"][0]
    assert len(result.tables["layers"]) == DEFAULT_PHOTO_LAYERS
    np.testing.assert_allclose(np.linalg.norm(result.arrays["embeddings"], axis=1), 1, atol=1e-5)
    assert result.arrays["embeddings"].shape[0] == 10


def png(image: np.ndarray, orientation: int) -> bytes:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(image).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


@pytest.mark.usefixtures("own_store")
def test_a_photo_that_was_taken_upside_down_gives_the_result_of_the_upright_one() -> None:
    upright = open_dataset("starter").image(400)
    names = [uploads.keep_image(png(np.rot90(upright, turns), orientation), "photo")
             for turns, orientation in ((0, 1), (2, 3), (1, 6))]  # fmt: skip
    requests = [build(PhotoRequest, model="starter-vit", image=f"up-{name}") for name in names]
    assert len({request.key() for request in requests}) == 1
    seen, given = requests[1].run(Notebook()), build(PhotoRequest, model="starter-vit", image="400").run(Notebook())
    assert seen.tables["answers"].equals(given.tables["answers"])
    assert all(np.array_equal(seen.arrays[name], given.arrays[name]) for name in given.arrays)
    Result.from_blob(seen.to_blob())


@pytest.mark.usefixtures("own_store")
def test_an_upload_belongs_to_no_data_set_and_what_is_not_here_is_refused() -> None:
    name = f"up-{uploads.keep_image(png(RED, 1), 'red')}"
    there, here = (build(PhotoRequest, model="starter-cnn", image=name, data=data) for data in ("photos", "starter"))
    assert there == here
    with pytest.raises(Unavailable, match="Give its file again"):
        build(PhotoRequest, model="starter-cnn", image="up-" + "0" * 16).key()
    for wrong in ("cat.png", "../../etc/passwd", "-1", ""):
        with pytest.raises(BadRequest, match="image: "):
            build(PhotoRequest, model="starter-cnn", image=wrong)
    with pytest.raises(BadRequest, match="has no image 99999"):
        build(PhotoRequest, model="starter-cnn", image="99999").run(Notebook())
