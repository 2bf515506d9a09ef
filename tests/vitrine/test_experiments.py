"""The experiments as functions: the same requests, under the same keys, as from the pages and the command line."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import vitrine
from engine.cli.asking import data_name
from engine.core import config
from engine.core import experiments as registry
from engine.core.request import build
from engine.data.registry import paths_may_be_typed
from engine.jobs import keys
from engine.visualization.request import VisualizeRequest
from tests.vitrine.own import HALF
from vitrine import experiments

SITE = "stages.0.blocks.0"


def test_every_experiment_is_a_function_that_tells_what_it_takes_and_gives():
    functions = experiments.functions()
    for name, each in registry.experiments().items():
        if each.module.startswith("engine.") and not each.part:
            kind = each.kind
            function = functions[name.replace("-", "_")]
            assert set(inspect.signature(function).parameters) == set(kind.model_fields), name
            assert inspect.cleandoc(kind.__doc__ or "").partition("\n")[0] in (function.__doc__ or "")
            assert function.__name__ in dir(vitrine)
    assert vitrine.search is vitrine.find_units
    with pytest.raises(AttributeError, match="lists what there is"):
        _ = vitrine.visualise


def test_a_unit_that_reads_one_colour_is_shown_in_that_colour_and_found_again(desk, colours, monkeypatch):
    model = vitrine.load(colours, HALF)
    result = vitrine.visualize(f"{model.name}@{SITE}:0-2", data=desk / "squares", seed=3)
    means = np.stack([np.asarray(image).mean((0, 1)) for image in result.images])
    assert means.argmax(axis=1).tolist() == [0, 1, 2]

    fields = {"model": model.name, "site": SITE, "units": (0, 1, 2), "data": str(desk / "squares"), "seed": 3}
    with paths_may_be_typed():
        data_name(fields["data"])
        assert result.key == keys.stored_key(build(VisualizeRequest, **fields).key())
    assert config.store().get(result.key) is not None
    monkeypatch.setattr(VisualizeRequest, "run", lambda *_: pytest.fail("it was stored"))
    again = vitrine.visualize(model, site=SITE, units=range(3), data=str(desk / "squares"), seed=3)
    np.testing.assert_array_equal(again.arrays["images"], result.arrays["images"])


@pytest.mark.parametrize(
    ("given", "units", "targets"),
    [
        ({"units": 5}, (5,), ()),
        ({"units": [5, 7]}, (5, 7), ()),
        ({"units": range(2, 5)}, (2, 3, 4), ()),
        ({"units": np.array([4, 2])}, (4, 2), ()),
        ({"units": "0-2,7,(3-0.5*7)"}, (0, 1, 2, 7), ("(3-0.5*7)",)),
        ({"targets": "head2"}, (), ("head2",)),
        ({"units": 5, "targets": ["head2", "match:3"]}, (5,), ("head2", "match:3")),
    ],
)
def test_units_are_given_as_people_have_them(given, units, targets):
    made = experiments.request(VisualizeRequest, {"model": "starter-vit", "site": "blocks.0.attn.query", **given})
    assert made == build(
        VisualizeRequest, model="starter-vit", site="blocks.0.attn.query", units=units, targets=targets
    )


def test_an_address_stands_for_model_site_and_units():
    made = experiments.request(VisualizeRequest, {"model": "starter-vit@blocks.0.attn.query:1,head2"})
    assert (made.site, made.units, made.targets) == ("blocks.0.attn.query", (1,), ("head2",))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: vitrine.visualize("starter-vit@blocks.0.mlp.hidden"), "No units given"),
        (lambda: vitrine.visualize("starter-vit@blocks.0.mlp.hidden:1", units=2), "says the units already"),
        (lambda: vitrine.visualize("starter-vit@blocks.0.mlp.hidden:1", site="head.logits"), "says the site already"),
        (lambda: vitrine.index("starter-vit@blocks.0.mlp.hidden:3"), "applies to a whole site"),
        (lambda: vitrine.index("starter-vit"), "site is missing"),
        (lambda: vitrine.visualize("starter-vit@blocks.0.mlp.hidden:1", recipe="oil"), "oil"),
        (lambda: vitrine.background("starter-vit", data="nowhere"), "nowhere"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_in_a_sentence(call, said):
    with pytest.raises(vitrine.VitrineError, match=said):
        call()


def test_a_word_that_is_no_field_is_refused_as_by_any_function():
    with pytest.raises(TypeError, match="unexpected keyword argument 'unit'"):
        vitrine.visualize("starter-vit@blocks.0.mlp.hidden:1", unit=3)


def test_several_models_give_a_result_each_and_go_into_one_chart(desk, colours):
    models = [vitrine.load(colours, HALF), vitrine.load(type(colours)(2.0), HALF)]
    results = vitrine.index(models, site=SITE, data=desk / "squares")
    assert [result.request["model"] for result in results] == [model.name for model in models]
    np.testing.assert_allclose(results[1].table["mean"], 2 * results[0].table["mean"], rtol=1e-5)
    assert [line.name for line in results[0].figure(results[1]).data] == [f"{model.name}@{SITE}" for model in models]
