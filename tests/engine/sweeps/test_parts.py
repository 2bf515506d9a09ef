"""Which requests a sweep consists of: every unit once, samples that repeat themselves, and refusals in one sentence."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from engine.core.choices import SWEPT
from engine.core.errors import BadRequest
from engine.core.request import build
from engine.models import catalog
from engine.sweeps.parts import parts
from engine.sweeps.request import SweepRequest
from engine.visualization.request import VisualizeRequest


def sweep(**fields: Any) -> SweepRequest:
    return build(SweepRequest, **{"models": ("small-vit",), "sites": ("mlp.hidden",), **fields})


@pytest.mark.parametrize("part", [1, 7, 64, 128, 200])
def test_every_unit_of_every_layer_stands_in_exactly_one_part(part: int) -> None:
    found = parts(sweep(part=part))
    seen = Counter((each.model, each.site, unit) for each in found for unit in each.units)
    layers = [name for name, site in catalog.sites_of("small-vit").items() if site.role == "mlp.hidden"]
    assert seen == Counter({("small-vit", layer, unit): 1 for layer in layers for unit in range(128)})
    assert all(0 < len(each.units) <= part for each in found)
    assert len(found) == len(layers) * -(-128 // part)


def test_a_part_is_an_ordinary_request_with_its_ordinary_key() -> None:
    (first, *_) = parts(sweep(part=4, given={"seed": 3, "recipe": "paper"}))
    asked = VisualizeRequest(model="small-vit", site="blocks.0.mlp.hidden", units=(0, 1, 2, 3), seed=3, recipe="paper")
    assert first.request == asked and first.request.key() == asked.key()


def test_units_that_a_layer_has_not_are_left_out_and_the_others_stand_in_order() -> None:
    found = parts(sweep(units="126-500,3", sites=("blocks.1.mlp.hidden",)))
    assert [each.units for each in found] == [(3, 126, 127)]


def test_a_sample_repeats_itself_and_depends_on_its_seed_model_and_layer_alone() -> None:
    def drawn(**fields: Any) -> dict[str, tuple[int, ...]]:
        return {each.site: each.units for each in parts(sweep(sample=16, **fields))}

    first = drawn()
    assert first == drawn() and all(len(set(units)) == 16 for units in first.values())
    assert len(set(first.values())) == 3, "each layer has units of its own"
    alone = drawn(models=("small-cnn", "small-vit"), sites=("blocks.2.mlp.hidden", "stage.block"))
    assert alone["blocks.2.mlp.hidden"] == first["blocks.2.mlp.hidden"]
    assert all(drawn(sample_seed=1)[layer] != units for layer, units in first.items())
    among = parts(sweep(sample=5, units="0-9"))
    assert all(set(each.units) <= set(range(10)) for each in among)


@pytest.mark.parametrize(
    ("names", "layers"),
    [
        (("blocks.1.mlp.hidden",), ["blocks.1.mlp.hidden"]),
        (("blocks.[01].mlp.hidden",), ["blocks.0.mlp.hidden", "blocks.1.mlp.hidden"]),
        (("blocks.2.mlp.*", "blocks.2.mlp.hidden"), ["blocks.2.mlp.hidden", "blocks.2.mlp.out"]),
        (("mlp.hidden",), ["blocks.0.mlp.hidden", "blocks.1.mlp.hidden", "blocks.2.mlp.hidden"]),
    ],
)
def test_layers_go_by_name_role_or_pattern_and_each_counts_once(names: tuple[str, ...], layers: list[str]) -> None:
    assert [each.site for each in parts(sweep(sites=names, units="0"))] == layers


def test_one_sweep_takes_several_models_each_with_its_usual_layers() -> None:
    found = parts(build(SweepRequest, models=("small-vit", "small-cnn"), units="0-3"))
    assert {(each.model, each.site.split(".")[0]) for each in found} == {
        ("small-vit", "blocks"),
        ("small-cnn", "stages"),
    }


def test_an_experiment_about_whole_layers_has_one_part_for_each() -> None:
    found = parts(sweep(what="index", given={"top": 5}))
    assert [each.site for each in found] == [f"blocks.{number}.mlp.hidden" for number in range(3)]
    assert all(each.units == () and each.request.experiment == "index" for each in found)


@pytest.mark.parametrize("what", SWEPT[1:])
def test_what_is_offered_beside_pictures_has_a_part_for_each_layer(what: str) -> None:
    found = parts(sweep(what=what, sites=("blocks.*",), given={"data": "photos"}))
    assert [each.site for each in found] == [
        name for name in catalog.sites_of("small-vit") if name.startswith("blocks.")
    ]
    assert {each.request.experiment for each in found} == {what}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sites": ("mlp.hiden",)}, "small-vit has no layer mlp.hiden. Its layers: "),
        ({"sites": ("mlp.hidden", "stages.0.*")}, "No model of the sweep has a layer “stages.0"),
        ({"units": "500-600"}, "None of the 3 layers has a unit 500-600"),
        ({"units": "x"}, "“x” is not a unit"),
        ({"part": 500}, "may ask for 256. Write --part 256"),
        ({"what": "visualise"}, "There is no experiment “visualise”"),
        ({"what": "accuracy"}, "not about one layer|no experiment"),
        ({"given": {"colour": 1}}, "has no setting “colour”"),
        ({"given": {"site": "x"}}, "is the sweep's to say"),
        ({"given": {"seed": -1}}, "seed: write 0 or more"),
        ({"models": ()}, "models: give 1 or more"),
    ],
)
def test_what_cannot_be_swept_is_refused_in_one_sentence(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        parts(sweep(**fields))
