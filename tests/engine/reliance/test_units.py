"""What units of a layer lean on, from a whole network: alone as together, image by image as in batches, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest
from engine.core.request import Request, Result, build
from engine.evaluation import samples
from engine.models.loaded import LoadedModel
from engine.reliance import units
from engine.reliance.filters import kept_radius
from engine.reliance.leaning import measured
from engine.reliance.units import UnitCuesRequest, treated
from engine.sites.access import read
from tests.engine import contexts
from tests.engine.small import small_cnn, small_vit
from tests.engine.world import SIDE, Squares, settle

COUNT = 240
SITE = "blocks.1.mlp.hidden"


class Pictures(Squares):
    """Scenes whose brightness differs, in sets of two."""

    def image(self, index: int) -> np.ndarray:
        light = np.random.default_rng([index // 2]).integers(0, 120, (SIDE, SIDE, 3))
        return np.minimum(super().image(index) + light, 255).astype(np.uint8)

    def clusters(self) -> np.ndarray:
        return np.arange(self.count, dtype=np.int32) // 2


class Bare(Pictures):
    """The same without boxes and masks."""

    def gives(self) -> frozenset[str]:
        return frozenset()


class Notebook(contexts.Notebook):
    """Keeps one result a site."""

    def keep(self, request: Request, result: Result, spare: bool = False) -> bool:
        self.kept[dict(request)["site"]] = result
        return True


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> dict[str, LoadedModel]:
    models = {"vit": small_vit(), "cnn": small_cnn()}
    sets = {"squares": Pictures(COUNT), "few": Pictures(30), "bare": Bare(COUNT)}
    settle(monkeypatch, models, lambda name: sets[name], classes=5)
    return models


def ask(site: str = SITE, model: str = "vit", **more) -> tuple[Result, Notebook]:
    notes = Notebook()
    return build(UnitCuesRequest, model=model, site=site, **{"data": "squares", **more}).run(notes), notes


def test_responses_are_those_of_images_cut_and_filtered_one_by_one(world: dict[str, LoadedModel]) -> None:
    result, _ = ask()
    model, dataset = world["vit"], Pictures(COUNT)
    values = []
    for number in range(COUNT):
        image = torch.from_numpy(dataset.image(number)).permute(2, 0, 1)[None].float() / 255
        inside = torch.from_numpy(np.asarray(samples.region_of(dataset, number, dataset.image(number), "box")))
        spectrum = torch.fft.fft2(image)
        down, across = torch.fft.fftfreq(SIDE)[:, None] * 2, torch.fft.fftfreq(SIDE)[None] * 2
        low = torch.fft.ifft2(spectrum * (torch.hypot(down, across) <= 0.1)).real
        variants = torch.cat([image, image * inside, image * ~inside, low, image - low + 0.5])
        with torch.no_grad():
            values.append(read(model.module, [SITE], model.normalize(variants))[SITE][:, 1:].mean(dim=1).numpy())
    table, counts = measured(np.stack(values), dataset.clusters())
    for name in ("object_alone", "low_pass", "object_lean_low", "low_lean"):
        np.testing.assert_allclose(result.tables["units"][name], table[name], rtol=2e-3, atol=2e-3)
    assert result.tables["units"]["strongest"].tolist() == table["strongest"].tolist()
    assert result.facts["kept"] == kept_radius((SIDE, SIDE), 0.1, "ideal") and result.facts["images"] == COUNT
    assert result.arrays["clusters"].tolist() == dataset.clusters().tolist()
    assert result.facts["sentence"].startswith(f"{counts['lean_first'][0]} of ")


def test_layers_of_a_role_are_kept_as_each_would_be_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    together, notes = ask()
    assert set(notes.kept) == {"blocks.0.mlp.hidden", "blocks.2.mlp.hidden"}
    monkeypatch.setattr(units, "TOGETHER_BYTES", 0)
    for site, known in {**notes.kept, SITE: together}.items():
        alone, rest = ask(site)
        assert rest.kept == {} and alone.request == known.request
        for name, column in alone.tables["units"].select_dtypes("number").items():
            np.testing.assert_allclose(known.tables["units"][name], column, rtol=1e-3, atol=1e-3)


def test_the_numbers_do_not_depend_on_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = ask("stages.3.blocks.0", "cnn")
    monkeypatch.setattr(units, "images_at_once", lambda loaded, variants: 31)
    monkeypatch.setattr(units, "batch_size", lambda sites: 37)
    parts, _ = ask("stages.3.blocks.0", "cnn")
    for name, column in parts.tables["units"].select_dtypes("number").items():
        np.testing.assert_allclose(whole.tables["units"][name], column, rtol=1e-3, atol=1e-3)


def test_the_two_filters_share_an_image_out_and_so_do_the_two_cuts(world: dict[str, LoadedModel]) -> None:
    dataset = Pictures(4)
    (sample,) = samples.samples(dataset, [3], [-1], "mask", {})
    full, alone, behind, low, high = treated([sample], world["vit"], "black", "gaussian", 0.3)[0]
    torch.testing.assert_close(alone + behind, full)
    torch.testing.assert_close(low + high - 0.5, full, atol=1e-5, rtol=0)


def test_another_fill_and_cutoff_give_other_numbers_and_stand_in_the_facts() -> None:
    plain, _ = ask()
    other, _ = ask(fill="mean", cutoff=0.5, cut="mask")
    assert {name: other.facts[name] for name in ("cut", "fill", "filter", "cutoff")} == {
        "cut": "mask",
        "fill": "mean",
        "filter": "ideal",
        "cutoff": 0.5,
    }
    for name in ("object_alone", "low_pass"):
        assert (plain.tables["units"][name] - other.tables["units"][name]).abs().max() > 0.01
    fewer, _ = ask(limit=200)
    assert fewer.facts["images"] == 200


def test_with_few_images_nothing_is_said_of_any_unit() -> None:
    result, _ = ask(data="few")
    assert result.tables["counts"]["unknown"].tolist() == [128, 128]
    assert "Of none of 128 units" in result.facts["sentence"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"data": "bare"}, "“squares” has no boxes. Cut its objects by saliency"),
        ({"site": "blocks.9.mlp.hidden"}, "no site “blocks.9.mlp.hidden”"),
        ({"fill": "tile"}, "fill: an object alone cannot be filled with tiles"),
        ({"cutoff": 1.0}, "cutoff: write less than 1"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(fields: dict, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        ask(**fields)
