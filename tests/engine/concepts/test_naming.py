"""Labels of units: a planted unit gets its word, a unit that means nothing gets none, and no order counts."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace

import numpy as np
import pytest

from engine.concepts import naming, telling
from engine.concepts.naming import NameUnitsRequest
from engine.core.choices import MEASURES
from engine.core.errors import BadRequest
from engine.core.experiments import parse_request
from engine.core.request import build
from tests.conftest import hand_out
from tests.engine.concepts.planted import IMAGES, SITES, WORDS, Planted, following, random_units, reader, truth


@pytest.fixture(autouse=True)
def planted_reader(monkeypatch):
    monkeypatch.setattr(naming, "reader_of", lambda name: reader())
    hand_out(monkeypatch, defaultdict(lambda: SimpleNamespace(sites=dict.fromkeys(SITES))))


def named(activations: np.ndarray, images: np.ndarray | None = None, **fields):
    context = Planted({SITES[0]: activations}, truth(), images)
    return build(NameUnitsRequest, model="m", site=SITES[0], reader="planted", **fields).run(context)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_unit_that_follows_a_word_is_named_by_it_and_one_that_means_nothing_has_no_name(measure):
    words = list(range(0, WORDS, 2))
    activations = np.concatenate([following(truth(), words, noise=0.2), random_units(200)], axis=1)
    result = named(activations, measure=measure)
    assert result.arrays["words"][: len(words), 0].tolist() == words
    assert not result.arrays["abstained"][: len(words)].any()
    assert result.arrays["abstained"][len(words) :].mean() > 0.95
    assert result.facts["words"][words[1]] == "word 2" and result.facts["images"] == IMAGES


@pytest.mark.parametrize("measure", MEASURES)
def test_hardly_any_layer_has_a_named_unit_where_none_means_anything(measure):
    abstained = [named(random_units(400, seed), measure=measure).arrays["abstained"] for seed in range(3)]
    assert np.mean(np.concatenate(abstained)) > 0.99


def test_one_clear_unit_among_many_has_no_name_and_why_is_said():
    """The unit stands out from every shuffled one, but nine of 401 would have to before one of them is a discovery."""
    result = named(np.concatenate([following(truth(), [5], noise=0.2), random_units(400)], axis=1))
    assert result.arrays["p"][0] == pytest.approx(1 / 1001) and result.arrays["words"][0, 0] == 5
    assert result.arrays["abstained"].all() and result.facts["fewest"] == 9 and result.facts["smallest"] == 1
    said = telling.of_layer(result)
    assert "0 of 401 units" in said and "no AUROC would have been enough" in said
    assert "Fewer than 9 such units cannot be found, however clear they are." in said
    ten = named(np.concatenate([following(truth(), [*range(5, 15)], noise=0.2), random_units(390)], axis=1))
    assert not ten.arrays["abstained"][:10].any() and ten.facts["smallest"] < 1


def test_units_that_an_untrained_twin_has_too_are_not_named(monkeypatch):
    """All units follow words, in the model and in its twin: against shuffled kinds alone all would be named."""
    words = list(range(WORDS))
    sites = {"m": following(truth(), words, noise=0.5), "twin/m": following(truth(), words * 4, noise=0.45)}

    class WithTwin(Planted):
        def compute(self, request):
            self.sites = {SITES[0]: sites.get(getattr(request, "model", ""), sites["m"])}
            return super().compute(request)

    monkeypatch.setattr(naming.catalog, "twin", lambda name: "twin/m")
    result = build(NameUnitsRequest, model="m", site=SITES[0], reader="planted").run(WithTwin({}, truth()))
    assert result.facts["against"] == ["twin", "directions", "shuffled"]
    assert result.facts["passing"]["shuffled"] > 0.95
    assert result.facts["named"] == result.facts["passing"]["twin"] == 0
    assert result.arrays["held_out"].mean() > 0.7


def test_units_of_a_twin_that_never_change_are_no_members_of_its_null(monkeypatch):
    """Constant units are easy to stand out from: with enough of them anything would have a name."""
    few, asked = random_units(50, 9), {}

    class WithTwin(Planted):
        def compute(self, request):
            if getattr(request, "model", "") == "twin/m":
                self.sites = {SITES[0]: asked["twin"]}
            elif getattr(request, "model", "") == "m":
                self.sites = {SITES[0]: np.concatenate([following(truth(), [1, 5]), random_units(30)], axis=1)}
            return super().compute(request)

    def found():
        return build(NameUnitsRequest, model="m", site=SITES[0], reader="planted").run(WithTwin({}, truth()))

    monkeypatch.setattr(naming.catalog, "twin", lambda name: "twin/m")
    asked["twin"] = few
    alone = found().arrays["p_twin"]
    asked["twin"] = np.concatenate([np.full((IMAGES, 400), 2, np.float32), few], axis=1)
    assert found().arrays["p_twin"].tolist() == alone.tolist() and alone.min() == pytest.approx(1 / 51)
    asked["twin"] = np.full((IMAGES, 40), 2, np.float32)
    still = found()
    assert still.facts["against"] == ["directions", "shuffled"] and telling.STILL_TWIN in telling.of_layer(still)


def test_the_halves_of_a_name_keep_groups_together(monkeypatch):
    groups = np.arange(IMAGES) // 10
    data = SimpleNamespace(labels=lambda: np.tile([0, 1], IMAGES // 2), clusters=lambda: groups)
    monkeypatch.setattr(naming, "open_dataset", lambda name: data)
    result = named(following(truth(), [1, 5]))
    assert (result.facts["halved"], result.facts["kinds"]) == ("groups", IMAGES // 10)
    assert "chosen on half of the groups" in telling.of_layer(result)


def test_random_directions_decide_nothing_and_their_rate_stands_beside():
    """Every unit is a mixture of three: no unit is special, and most follow a word."""
    three = following(truth(), [1, 5, 9], noise=0.1)
    mixed = three @ np.random.default_rng(4).normal(size=(3, 60)).astype(np.float32)
    result = named(mixed)
    assert result.facts["named"] == result.facts["passing"]["shuffled"] > 0.3 > result.facts["passing"]["directions"]
    assert result.facts["rates"]["directions"] > 0.3 > result.facts["rates"]["shuffled"]


def test_a_model_without_a_twin_says_so():
    result = named(following(truth(), [1, 5]))
    assert result.facts["twin"] is None and result.facts["against"] == ["directions", "shuffled"]
    assert telling.NO_TWIN in telling.of_layer(result)


def test_a_layer_and_a_unit_say_what_they_were_tested_by():
    activations = np.concatenate([following(truth(), [*range(20)], noise=0.2), random_units(60)], axis=1)
    result = named(activations)
    said = telling.of_layer(result)
    assert "of 80 units" in said and "false discovery rate 5%" in said and "of random directions" in said
    assert telling.of_unit(result, 0).endswith("chance 50%).")
    assert telling.of_unit(result, 70).endswith("not reliably more than with shuffled kinds.")


def test_the_order_of_the_images_changes_no_name():
    activations = np.concatenate([following(truth(), [1, 5]), random_units(6)], axis=1)
    mixed = np.random.default_rng(0).permutation(IMAGES).astype(np.int32)
    first, second = named(activations), named(activations[mixed], mixed)
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name])


def test_images_that_only_one_of_both_models_could_read_are_left_out():
    activations = following(truth(), [1, 5])
    kept = np.arange(IMAGES - 50, dtype=np.int32)
    result = named(activations[kept], kept)
    assert result.facts["images"] == IMAGES - 50 and result.arrays["words"][:, 0].tolist() == [1, 5]


def test_a_unit_that_never_changes_has_no_name():
    dead = np.full((IMAGES, 1), 3, np.float32)
    activations = np.concatenate([following(truth(), [1]), dead, random_units(20)], axis=1)
    for measure in MEASURES:
        assert named(activations, measure=measure).arrays["abstained"][:2].tolist() == [False, True]


def test_a_vocabulary_shorter_than_what_is_asked_for_is_given_whole_best_word_first():
    arrays = named(following(truth(), [1]), top=50).arrays
    assert arrays["words"].shape == (1, WORDS) and sorted(arrays["words"][0]) == list(range(WORDS))
    assert (np.diff(arrays["scores"][0]) <= 0).all()


def test_an_unknown_site_is_said_before_anything_is_read():
    with pytest.raises(BadRequest, match="no site “nose”"):
        build(NameUnitsRequest, model="m", site="nose", reader="planted").run(Planted({}, truth()))


def test_too_few_images_are_said():
    with pytest.raises(BadRequest, match="“starter” has 12 usable images; at least 20 are needed"):
        named(following(truth(), [1])[:12], np.arange(12, dtype=np.int32))


def test_a_request_survives_its_text_and_another_measure_or_template_is_another_request():
    request = build(NameUnitsRequest, model="starter-vit", site=SITES[0])
    assert parse_request(request.canonical()) == request
    with pytest.raises(BadRequest, match="template: a template has"):
        build(NameUnitsRequest, model="m", site="s", template="a photo")
    with pytest.raises(BadRequest, match="measure"):
        build(NameUnitsRequest, model="m", site="s", measure="luck")
