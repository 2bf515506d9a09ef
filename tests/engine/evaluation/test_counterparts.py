"""Nearest units: a planted counterpart is found, judged on images it was not chosen on, and no unit is its own."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import BadRequest
from engine.core.request import Result, build
from engine.evaluation import counterparts
from engine.evaluation.counterparts import CounterpartsRequest, Nearest, halved
from engine.models import catalog
from tests.engine.contexts import Notebook

IMAGES, UNITS = 400, 30


def noise(seed: int, units: int = UNITS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(IMAGES, units)).astype(np.float32)


def nearest(units: np.ndarray, *layers: np.ndarray, same: bool = False, top: int = 3) -> dict[str, np.ndarray]:
    half = halved(np.arange(IMAGES))
    best = Nearest(units[half], units[~half], top)
    for number, layer in enumerate(layers):
        best.add(number, layer[half], layer[~half], same)
    return best.arrays(int((~half).sum()))


def test_a_planted_counterpart_is_found_wherever_it_is_with_its_correlation() -> None:
    units, layers = noise(0), [noise(1), noise(2)]
    layers[1][:, 7] = 0.6 * units[:, 3] + 0.8 * noise(3)[:, 0]  # a correlation of 0.6
    found = nearest(units, *layers)
    assert (found["layer"][3, 0], found["unit"][3, 0]) == (1, 7)
    assert found["low"][3, 0] < 0.6 < found["high"][3, 0] and found["low"][3, 0] > 0.4


def test_having_chosen_the_best_of_many_raises_no_number() -> None:
    """On the images that it was chosen on, the best of a thousand units of noise correlates by 0.2 and more."""
    found = nearest(noise(0), noise(1, 1000))
    assert abs(float(found["r"][:, 0].mean())) < 0.05
    assert float((found["low"][:, 0] > 0).mean()) < 0.15


def test_no_unit_is_its_own_counterpart() -> None:
    units = noise(0)
    units[:, 5] = units[:, 4] + 0.1 * noise(1)[:, 0]
    found = nearest(units, units, same=True)
    assert not (found["unit"] == np.arange(UNITS)[:, None]).any()
    assert found["unit"][4, 0] == 5 and found["unit"][5, 0] == 4


def test_a_unit_that_never_changes_has_no_correlation() -> None:
    units = noise(0)
    units[:, 2] = 1.5
    found = nearest(units, noise(1))
    assert np.isnan(found["r"][2]).all() and np.isfinite(found["r"][3]).all()


def test_a_layer_of_fewer_units_than_are_asked_for_gives_what_it_has() -> None:
    assert nearest(noise(0), noise(1, 2), noise(2, 2), top=3)["unit"].shape == (UNITS, 3)
    assert nearest(noise(0), noise(1, 2), top=3)["unit"].shape == (UNITS, 2)


def test_images_that_belong_together_are_in_one_half() -> None:
    groups = np.repeat(np.arange(20), 5)
    chosen = halved(groups).reshape(20, 5)
    assert set(chosen.sum(1)) == {0, 5} and chosen.any(1).sum() == 10
    with pytest.raises(BadRequest, match="Only 7 images"):
        halved(np.arange(7))


@pytest.mark.parametrize(
    ("clusters", "few"), [(None, ""), (np.arange(40) % 8, ""), (np.arange(40) % 7, "Only 7 images")]
)
def test_a_data_set_has_images_enough_where_enough_of_them_are_independent(
    clusters: np.ndarray | None, few: str
) -> None:
    class Images(list):
        def clusters(self) -> np.ndarray | None:
            return clusters

    told = counterparts.too_few(Images(range(40)))  # type: ignore[arg-type]
    assert told.startswith(few) and bool(told) == bool(few)


def test_the_request_reads_the_indexes_of_both_models(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []

    def indexes(context: object, model: str, sites: list[str], data: str) -> list[Result]:
        asked.append((model, sites))
        values = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
        return [Result({}, {"images": np.arange(40, dtype=np.int32), "position_mean": values}) for _ in sites]

    monkeypatch.setattr(counterparts, "indexes", indexes)
    request = build(CounterpartsRequest, model="starter-vit", site="blocks.0.mlp.hidden", other="starter-cnn", top=2)
    result = request.run(Notebook())
    layers = [site.name for site in catalog.sites_of("starter-cnn").values() if site.role == "stage.block"]
    assert asked == [("starter-vit", ["blocks.0.mlp.hidden"]), ("starter-cnn", layers)]
    assert result.facts["sites"] == layers and result.facts["searched"] == 6 * len(layers)
    assert result.arrays["r"].shape == (6, 2)
    np.testing.assert_array_equal(result.arrays["unit"][:, 0], np.arange(6))
    with pytest.raises(BadRequest):
        build(CounterpartsRequest, model="starter-vit", site="no.such", other="starter-cnn").run(Notebook())
