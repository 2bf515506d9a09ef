"""The activation index: the same numbers as a plain loop over the images, however the pass is cut."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch

from cache.blob import Blob
from engine.core.errors import BadRequest, Cancelled, PutBack, RefusedFile
from engine.core.experiments import parse_request
from engine.core.request import Result, build
from engine.data.dataset import Dataset
from engine.evaluation import index as activations
from engine.evaluation import tally
from engine.evaluation.index import LARGEST_BATCH, IndexRequest, batch_size, index_sites, indexes, most_selective
from engine.models.loaded import IMAGENET_MEAN, IMAGENET_STD, LoadedModel
from engine.sites.access import read
from tests.conftest import compute_in, hand_out
from tests.engine import contexts

COUNT = 13
SIZE = (32, 48)


class Noise(Dataset):
    """Thirteen random pictures, of which some may be damaged."""

    name = "noise"

    def __init__(self, damaged: tuple[int, ...] = ()) -> None:
        super().__init__()
        shape = (COUNT, *SIZE, 3)
        self._pixels = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
        self._damaged = damaged

    def _fingerprint(self) -> str:
        return "noise-1"

    def __len__(self) -> int:
        return COUNT

    def image(self, index: int) -> np.ndarray:
        if index in self._damaged:
            raise RefusedFile("cut off")
        return self._pixels[index]

    def label(self, index: int) -> int | None:
        return None

    def describe(self, index: int) -> dict:
        return {"id": index, "name": f"{index}.png"}


class Notebook(contexts.Notebook):
    """Keeps one index a site."""

    def find(self, request):
        return self.kept.get(request.site)

    def keep(self, request, result, spare=False):
        self.kept[request.site] = result


def wrap(name: str, module: torch.nn.Module) -> LoadedModel:
    module.eval().requires_grad_(False)
    return LoadedModel(name, module, SIZE, IMAGENET_MEAN, IMAGENET_STD, None, name, torch.device("cpu"))


@pytest.fixture(autouse=True)
def world(monkeypatch):
    """Two small models and a small data set behind the doors that the engine uses."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    vit = timm.create_model(
        "vit_tiny_patch16_224", img_size=SIZE, patch_size=8, depth=2, embed_dim=32, num_heads=2, num_classes=5
    )
    resnet = timm.create_model("resnet10t", channels=(8, 16, 24, 32), num_classes=5)
    models = {"vit": wrap("vit", vit), "resnet": wrap("resnet", resnet)}
    hand_out(monkeypatch, models)
    monkeypatch.setattr(activations, "open_dataset", lambda name: Noise())
    compute_in(monkeypatch, "float32")
    return models


def plainly(loaded: LoadedModel, site: str) -> np.ndarray:
    """(image, height, width, unit), image by image through the whole model: the second route."""
    grid = loaded.sites[site].grid
    seen = []
    for pixels in Noise()._pixels:
        image = torch.from_numpy(pixels / 255).float().permute(2, 0, 1)[None]
        values = read(loaded.module, [site, "head.logits"], loaded.normalize(image))[site]
        seen.append(values[0, grid.prefix :].reshape(grid.height, grid.width, -1).numpy())
    return np.stack(seen)


SITES = [
    ("vit", "blocks.1.mlp.hidden"),
    ("vit", "tokens.embed"),
    ("vit", "head.logits"),
    ("resnet", "stages.1.blocks.0"),
]


@pytest.mark.parametrize(("model", "site"), SITES)
def test_the_index_holds_what_a_plain_loop_finds(world, model, site):
    values = plainly(world[model], site)
    arrays = index_sites(model, [site], "noise", Notebook(), top=4, batch=3)[site].arrays
    means = values.mean(axis=(1, 2))
    near = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(arrays["position_mean"], means, **near)
    np.testing.assert_allclose(arrays["mean"], means.mean(axis=0), **near)
    np.testing.assert_allclose(arrays["std"], means.std(axis=0), **near)
    np.testing.assert_allclose(arrays["maximum"], values.max(axis=(0, 1, 2)), **near)
    for name, strength in (("top_mean", means), ("top_max", values.max(axis=(1, 2)))):
        order = np.argsort(-strength, axis=0, kind="stable")[:4].T
        np.testing.assert_allclose(arrays[f"{name}_values"], np.take_along_axis(strength.T, order, axis=1), **near)
        chosen = arrays[name]
        assert all(len(set(row)) == 4 for row in chosen)
        np.testing.assert_allclose(arrays[f"{name}_values"], np.take_along_axis(strength.T, chosen, axis=1), **near)
        for unit in (0, chosen.shape[0] - 1):
            maps = values[chosen[unit], :, :, unit]
            np.testing.assert_allclose(arrays[f"{name}_maps"][unit], maps, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("site", ["blocks.1.mlp.hidden", "blocks.0.residual"])
def test_the_batch_size_changes_nothing_but_rounding(site):
    one, seven, all_at_once = (
        index_sites("vit", [site], "noise", Notebook(), top=5, batch=batch)[site].arrays for batch in (1, 7, 64)
    )
    for other in (seven, all_at_once):
        assert one.keys() == other.keys()
        for name in one.keys() - {"top_mean_maps", "top_max_maps"}:
            assert one[name].dtype == other[name].dtype
            np.testing.assert_allclose(one[name], other[name], rtol=1e-4, atol=1e-5, err_msg=name)
        for name in ("top_mean_maps", "top_max_maps"):
            np.testing.assert_allclose(one[name], other[name], rtol=2e-3, atol=1e-3, err_msg=name)


def test_several_sites_cost_one_pass_and_equal_their_own_requests(world):
    calls = []
    world["vit"].module.register_forward_pre_hook(lambda *_: calls.append(1))
    _ = world["vit"].sites
    calls.clear()
    sites = ["blocks.0.mlp.hidden", "blocks.1.residual", "tokens.embed"]
    together = index_sites("vit", sites, "noise", Notebook(), top=3, batch=5)
    assert len(calls) == 3
    assert list(together) == sites
    for site, result in together.items():
        request = build(IndexRequest, model="vit", site=site, data="noise", top=3)
        alone = request.run(Notebook())
        assert result.request == alone.request
        assert parse_request(result.request) == request
        np.testing.assert_array_equal(result.arrays["top_mean"], alone.arrays["top_mean"])
        np.testing.assert_allclose(result.arrays["position_mean"], alone.arrays["position_mean"], rtol=1e-4, atol=1e-5)


def test_indexes_asked_for_together_cost_one_pass_for_them_alone_and_none_once_they_are_kept(world):
    calls, desk = [], Notebook()
    sites = ["blocks.0.mlp.hidden", "head.logits"]
    indexes(Notebook(), "vit", sites, "noise")  # the first time the model is looked over
    world["vit"].module.register_forward_pre_hook(lambda *_: calls.append(1))
    found = indexes(desk, "vit", sites, "noise")
    assert [result.request["site"] for result in found] == sites == [*desk.kept] and len(calls) == 1
    assert [one is two for one, two in zip(indexes(desk, "vit", sites, "noise"), found, strict=True)] == [True, True]
    indexes(desk, "vit", ["blocks.1.residual", *sites], "noise")
    assert len(calls) == 2 and [*desk.kept] == [*sites, "blocks.1.residual"]


def test_a_unit_that_is_negative_everywhere_keeps_its_true_maximum_and_top_images(world):
    head = world["vit"].module.get_submodule("head")
    head.bias.copy_(torch.full_like(head.bias, -50.0))
    arrays = index_sites("vit", ["head.logits"], "noise", Notebook(), top=COUNT, batch=4)["head.logits"].arrays
    assert (arrays["maximum"] < -40).all()
    assert (arrays["top_mean_values"] < -40).all()
    assert sorted(arrays["top_mean"][0]) == list(range(COUNT))
    np.testing.assert_allclose(arrays["top_max_values"][:, 0], arrays["maximum"], rtol=1e-5)


def test_prefix_tokens_do_not_count(world):
    world["vit"].module.cls_token.fill_(1000.0)
    arrays = index_sites("vit", ["tokens.embed"], "noise", Notebook())["tokens.embed"].arrays
    assert arrays["maximum"].max() < 500
    assert arrays["top_mean_maps"].shape[2:] == (4, 6)


def test_fewer_images_than_asked_for_give_as_many_as_there_are():
    result = index_sites("vit", ["head.logits"], "noise", Notebook(), top=50)["head.logits"]
    assert result.arrays["top_mean"].shape == (5, COUNT)
    assert np.isfinite(result.arrays["top_mean_values"]).all()


def test_damaged_images_are_left_out_and_told_and_the_others_keep_their_numbers(monkeypatch):
    monkeypatch.setattr(activations, "open_dataset", lambda name: Noise(damaged=(0, 7)))
    result = index_sites("vit", ["head.logits"], "noise", Notebook(), top=50)["head.logits"]
    expected = [number for number in range(COUNT) if number not in (0, 7)]
    assert result.arrays["images"].tolist() == expected
    assert sorted(result.arrays["top_max"][2]) == expected
    assert result.facts["skipped"] == [["0.png", "cut off"], ["7.png", "cut off"]]
    assert result.facts["images"] == len(expected) == len(result.arrays["position_mean"])


def test_a_data_set_without_a_readable_image_is_refused(monkeypatch):
    monkeypatch.setattr(activations, "open_dataset", lambda name: Noise(damaged=tuple(range(COUNT))))
    with pytest.raises(BadRequest, match="No image of “noise” can be read"):
        index_sites("vit", ["head.logits"], "noise", Notebook())


def test_running_out_of_memory_halves_the_batch_and_starts_over(monkeypatch, world):
    sizes = []

    def greedy(module, sites, images):
        sizes.append(len(images))
        if len(images) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return read(module, sites, images)

    expected = index_sites("vit", ["blocks.0.residual"], "noise", Notebook(), batch=3)["blocks.0.residual"]
    monkeypatch.setattr(activations, "read", greedy)
    result = index_sites("vit", ["blocks.0.residual"], "noise", Notebook(), batch=12)["blocks.0.residual"]
    assert sizes == [12, 6, 3, 3, 3, 3, 1]
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(array, result.arrays[name])


def test_progress_counts_images_and_a_stop_is_obeyed_between_batches():
    notebook = Notebook()
    index_sites("vit", ["tokens.embed"], "noise", notebook, batch=5)
    assert [(progress.step, progress.total) for progress in notebook.seen] == [(0, 13), (5, 13), (10, 13), (13, 13)]
    stopped = Notebook(stop_after=2)
    with pytest.raises(Cancelled):
        index_sites("vit", ["tokens.embed"], "noise", stopped, batch=5)
    assert stopped.seen[-1].step == 10


class Interrupted(Notebook):
    """Somebody asks for something once so many images are read."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def report(self, progress):
        super().report(progress)
        if progress.step >= self._after:
            raise PutBack("Somebody asked for something.")


def test_a_pass_that_had_to_make_room_goes_on_where_it_was_and_ends_as_if_nothing_had_happened(monkeypatch):
    monkeypatch.setattr(activations, "open_dataset", lambda name: Noise(damaged=(1, 7)))
    site, desk = "blocks.1.residual", Notebook()
    expected = index_sites("vit", [site], "noise", Notebook(), top=4, batch=3)[site]
    with pytest.raises(PutBack):
        index_sites("vit", [site], "noise", Interrupted(6), top=4, batch=3)
    result = index_sites("vit", [site], "noise", desk, top=4, batch=3)[site]
    assert [progress.step for progress in desk.seen] == [7, 11, 13]
    assert result.facts["skipped"] == expected.facts["skipped"] == [["1.png", "cut off"], ["7.png", "cut off"]]
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(array, result.arrays[name])


def test_another_pass_never_goes_on_with_what_was_counted_for_the_first():
    with pytest.raises(PutBack):
        index_sites("vit", ["blocks.1.residual"], "noise", Interrupted(5), top=4, batch=5)
    for site, top in (("blocks.0.residual", 4), ("blocks.1.residual", 3)):
        desk = Notebook()
        index_sites("vit", [site], "noise", desk, top=top, batch=5)
        assert desk.seen[0].step == 0


def test_the_most_selective_unit_is_the_one_that_stands_out_on_few_images(world):
    index = index_sites("vit", ["blocks.1.mlp.hidden"], "noise", Notebook())["blocks.1.mlp.hidden"]
    means, mean, std = (index.arrays[name].astype(float) for name in ("position_mean", "mean", "std"))
    expected = (means.max(axis=0) - mean) / std  # the strongest tenth of thirteen images is one
    np.testing.assert_allclose(index.arrays["selectivity"], expected, rtol=1e-3)
    best = most_selective(index, 3)
    assert best == np.argsort(-expected)[:3].tolist()


def test_a_unit_that_never_changes_is_not_selective(world):
    fc1 = world["vit"].module.get_submodule("blocks.1.mlp.fc1")
    fc1.weight[3] = 0
    fc1.bias[3] = 2.0
    result = index_sites("vit", ["blocks.1.mlp.hidden"], "noise", Notebook())["blocks.1.mlp.hidden"]
    assert result.arrays["selectivity"][3] == 0
    assert 3 not in most_selective(result, 100)


def test_an_unknown_site_is_refused_before_anything_runs():
    notebook = Notebook()
    with pytest.raises(BadRequest, match=r"no site “blocks\.9\.residual”"):
        index_sites("vit", ["blocks.9.residual"], "noise", notebook)
    assert notebook.seen == []


@pytest.mark.parametrize("top", [0, 101])
def test_a_senseless_number_of_top_images_is_refused(top):
    with pytest.raises(BadRequest, match=r"top: write (1 or more|100 or less)\."):
        build(IndexRequest, model="vit", site="tokens.embed", top=top)


def test_the_key_depends_on_weights_and_data():
    request = build(IndexRequest, model="vit", site="tokens.embed", data="noise")
    assert request.fingerprints() == {"model": "weights of vit", "data": "noise-1"}
    other = build(IndexRequest, model="resnet", site="tokens.embed", data="noise")
    assert request.key() != other.key()


def test_the_result_survives_being_stored():
    result = index_sites("vit", ["tokens.embed"], "noise", Notebook())["tokens.embed"]
    back = Result.from_blob(Blob.from_bytes(result.to_blob().to_bytes()))
    assert back.request == result.request
    assert back.facts == result.facts
    for name, array in result.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)


def test_the_table_of_means_is_halved_in_precision_only_where_it_is_large(monkeypatch):
    assert index_sites("vit", ["head.logits"], "noise", Notebook())["head.logits"].arrays["position_mean"].dtype == "f4"
    monkeypatch.setattr(tally, "FULL_PRECISION_BYTES", 0)
    small = index_sites("vit", ["head.logits"], "noise", Notebook())["head.logits"].arrays
    assert small["position_mean"].dtype == "f2"
    np.testing.assert_allclose(small["position_mean"].astype("f4").mean(axis=0), small["mean"], rtol=1e-2, atol=1e-3)


def test_batches_grow_smaller_as_sites_grow_larger(world):
    sites = world["vit"].sites
    assert batch_size([sites["head.logits"]]) == LARGEST_BATCH
    huge = [sites["blocks.0.mlp.hidden"]] * 5000
    assert 1 <= batch_size(huge) < LARGEST_BATCH


def test_the_sites_of_the_same_role_in_other_layers_come_along_in_the_same_pass():
    context = Notebook()
    asked = build(IndexRequest, model="vit", site="blocks.1.mlp.hidden", data="noise", top=3)
    asked.run(context)
    assert list(context.kept) == ["blocks.0.mlp.hidden"]
    alone = index_sites("vit", ["blocks.0.mlp.hidden"], "noise", Notebook(), top=3)["blocks.0.mlp.hidden"]
    np.testing.assert_allclose(
        context.kept["blocks.0.mlp.hidden"].arrays["position_mean"], alone.arrays["position_mean"], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("limit", ["TOGETHER_BYTES", "MAPS_BYTES"])
def test_nothing_comes_along_where_it_would_not_fit(monkeypatch, limit):
    monkeypatch.setattr(activations, limit, 1)
    context = Notebook()
    build(IndexRequest, model="vit", site="blocks.1.mlp.hidden", data="noise", top=3).run(context)
    assert not context.kept
