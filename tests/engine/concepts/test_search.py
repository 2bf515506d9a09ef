"""Units by text: planted units are found first, also for texts that no vocabulary has; a text without units says so."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from engine.concepts import search
from engine.concepts.correlation import combine, correlations, standard
from engine.concepts.halves import halves
from engine.concepts.search import FindUnitsRequest, against_chance, phrase
from engine.core.errors import BadRequest
from engine.core.request import build
from engine.core.targets import parse_target
from tests.conftest import hand_out
from tests.engine.concepts.planted import (
    IMAGES,
    NAMES,
    SITES,
    WORDS,
    Planted,
    embeddings,
    following,
    random_units,
    reader,
    truth,
)


@pytest.fixture(autouse=True)
def planted_reader(monkeypatch):
    """The planted reader knows its words, and reads "A and B" as both of them."""

    def read(loaded, texts):
        rows = [[name in text.removeprefix("a photo of a ").split(" and ") for name in NAMES] for text in texts]
        return np.array(rows, np.float32)

    sites = {site: SimpleNamespace(name=site, role="mlp.hidden", units=32) for site in SITES}
    sites["head.embedding"] = SimpleNamespace(name="head.embedding", role="head.embedding", units=32)
    monkeypatch.setattr(search, "reader_of", lambda name: reader())
    alone = SimpleNamespace(labels=lambda: np.full(IMAGES, -1), clusters=lambda: None)
    monkeypatch.setattr(search, "open_dataset", lambda name: alone)
    monkeypatch.setattr(search, "text_embedding", read)
    monkeypatch.setattr(search, "cut_short", lambda loaded, texts: {})
    hand_out(monkeypatch, defaultdict(lambda: SimpleNamespace(sites=sites)))


def find(text: str, layers: list[np.ndarray] | None = None, **fields):
    layers = layers or [
        np.concatenate([random_units(30, 6), following(truth(), [1, 2], noise=0.3)], axis=1),
        np.concatenate([random_units(30, 7), following(truth(), [3, 2], noise=0.1)], axis=1),
    ]
    context = Planted(dict(zip(SITES, layers, strict=True)), truth())
    return build(FindUnitsRequest, model="m", text=text, reader="planted", **fields).run(context)


def test_the_units_of_a_word_are_found_in_every_layer_the_closest_first():
    result = find("word 2")
    table = result.tables["units"]
    assert table["address"][:2].tolist() == ["m@blocks.1.mlp.hidden:31", "m@blocks.0.mlp.hidden:31"]
    assert result.facts["found"] and table["rank"][:2].tolist() == [1, 1]
    assert table["score"][0] > 0.8 > result.facts["chance"] > table["score"][3]
    assert result.arrays["words"][:2, 0].tolist() == [2, 2] and table["words_above"][0] == 0
    assert "“word 2” with a correlation of 0.89" in result.facts["sentence"]


def test_each_unit_found_comes_with_its_strongest_images_whichever_layer_it_is_of():
    layers = [random_units(32, 6), following(truth(), [1, 2], noise=0.1)]
    result = find("word 2", layers)
    of_site = dict(zip(SITES, layers, strict=True))
    for row, images in zip(result.tables["units"].to_dict("records"), result.arrays["strongest"], strict=True):
        assert images.tolist() == np.argsort(-of_site[row["site"]][:, row["unit"]], kind="stable")[:20].tolist()


def test_units_of_the_text_itself_come_before_units_that_follow_another_word_more_however_closely_they_follow_it():
    """Unit 30 follows words 1 and 2 alike but 1 more, and correlates with 2 better than unit 31, which is noisy, does."""
    mixed = following(truth(), [1, 2], noise=0.05)
    both = mixed[:, :1] * 0.6 + mixed[:, 1:] * 0.5
    noisy = following(truth(), [2], noise=0.5)
    result = find("word 2", [random_units(32, 5), np.concatenate([random_units(30, 6), both, noisy], axis=1)])
    table = result.tables["units"]
    assert table["unit"][:2].tolist() == [31, 30] and table["score"][1] > table["score"][0] > result.facts["chance"]
    assert table["words_above"][:2].tolist() == [0, 1] and result.facts["own"] == 1 and result.facts["above"] == 2
    assert result.facts["best"] == table["score"][1]


def test_of_the_others_no_word_brings_more_than_four():
    result = find("word 2 and word 3", [random_units(32, 5), following(truth(), [2] * 9 + [3] * 2, noise=0.2)])
    most = result.arrays["words"][:11, 0].tolist()
    assert most.count(2) == 4 and most.count(3) == 2


def test_z_is_the_correlation_in_standard_deviations_of_shuffled_images_where_images_have_no_kind():
    result = find("word 1")
    row = result.tables["units"].iloc[0]
    fit, unit = result.arrays["similarity"], following(truth(), [1, 2], noise=0.3)[:, 0]
    assert row["score"] == pytest.approx(np.corrcoef(fit, unit)[0, 1], abs=1e-5)
    random = np.random.default_rng(0)
    shuffled = [np.corrcoef(random.permutation(fit), unit)[0, 1] for _ in range(2000)]
    assert row["z"] == pytest.approx(row["score"] / np.std(shuffled), rel=0.15)  # from 200 of them


def test_units_that_follow_kinds_of_images_are_not_said_to_follow_a_text_that_is_true_of_other_kinds(monkeypatch):
    """Twenty images of each of thirty kinds: the text is true of some kinds, every unit active at others. Image by image such a
    correlation could not be chance; with thirty kinds it is nothing."""
    kinds = np.repeat(np.arange(30), IMAGES // 30)
    fits, draws = np.random.default_rng(5).standard_normal(30)[kinds], np.random.default_rng(6)
    layer = draws.standard_normal((30, 64))[kinds] + 0.1 * draws.standard_normal((IMAGES, 64))
    wanted = standard(fits[:, None])[:, 0]
    (scores,), (spreads,), chance = against_chance([layer], wanted, kinds)
    _, _, too_low = against_chance([layer], wanted, np.arange(IMAGES))
    assert too_low < 0.2 < scores.max() < chance
    assert np.median(spreads) == pytest.approx(1 / np.sqrt(29), rel=0.15), "thirty kinds, not six hundred images"
    follows = np.concatenate([layer, fits[:, None]], axis=1)
    (scores,), (spreads,), chance = against_chance([follows], wanted, kinds)
    assert scores[64] == pytest.approx(1, abs=1e-5) and scores[64] > chance


def of_patients(seed: int, together: bool) -> bool:
    """Sixty patients with twenty images each, of two classes; units and how well the text fits are mostly one number a patient,
    and have nothing to do with each other. Whether a unit is said to follow the text."""
    draws, patients, labels = np.random.default_rng(seed), np.repeat(np.arange(60), 20), np.tile([0, 1], 600)
    layer = draws.standard_normal((60, 64))[patients] + 0.5 * draws.standard_normal((1200, 64))
    fits = draws.standard_normal((60, 1))[patients] + 0.5 * draws.standard_normal((1200, 1))
    kinds = halves(labels, patients if together else None).kinds
    (scores,), _, chance = against_chance([layer], standard(fits)[:, 0], kinds)
    return bool(scores.max() > chance)


def test_units_that_follow_patients_are_not_said_to_follow_a_text_that_is_true_of_other_patients():
    assert all(of_patients(seed, together=False) for seed in range(5)), "as if each image were a patient of its own"
    assert sum(of_patients(seed, together=True) for seed in range(40)) <= 3


def test_a_search_knows_the_groups_of_its_data(monkeypatch):
    """Twelve patients: units and what is true of the images are one number a patient, so that chance reaches far."""
    patients = np.repeat(np.arange(12), IMAGES // 12)
    layers = [random_units(32, seed)[patients] for seed in (6, 7)]
    context = Planted(dict(zip(SITES, layers, strict=True)), truth()[patients])
    request = build(FindUnitsRequest, model="m", text="word 2", reader="planted")
    chance = {}
    for known in (None, patients):
        data = SimpleNamespace(labels=lambda: np.full(IMAGES, -1), clusters=lambda known=known: known)
        monkeypatch.setattr(search, "open_dataset", lambda name, data=data: data)
        chance[known is not None] = request.run(context).facts["chance"]
    assert chance[False] < 0.3 < 0.6 < chance[True]


def test_a_text_outside_the_vocabulary_is_followed_best_by_a_few_units_together():
    result = find("word 1 and word 2", [random_units(30, 6), following(truth(), [1, 2, 3], noise=0.1)])
    sparse = result.facts["sparse"]
    assert sparse["site"] == SITES[1] and result.facts["read"] == "word 1 and word 2", "five words are a sentence"
    assert sparse["correlation"] > result.tables["units"]["score"][0] + 0.15
    assert sparse["held_out"] == pytest.approx(sparse["correlation"], abs=0.03)
    units = {term.part.number: term.weight for term in parse_target(sparse["target"]).terms}
    assert set(units) >= {0, 1} and units[0] == pytest.approx(units[1], rel=0.25)


def test_a_text_that_no_unit_follows_is_said_to_have_none():
    result = find("word 20", [random_units(30, 6), random_units(30, 7)])
    assert not result.facts["found"] and len(result.tables["units"]) == 24
    assert result.facts["sentence"].startswith(
        "No unit follows “word 20”: the best correlation, 0.09, does not exceed the chance level of 0.14"
    )


def test_one_site_alone_can_be_searched_and_an_unknown_one_or_role_is_said():
    assert set(find("word 2", site=SITES[0]).tables["units"]["site"]) == {SITES[0]}
    with pytest.raises(BadRequest, match=r"no site “blocks\.7"):
        find("word 2", site="blocks.7.mlp.hidden")
    with pytest.raises(BadRequest, match=r"no site of the role “nose”\. Its roles: mlp\.hidden, head\.embedding"):
        find("word 2", role="nose")


@pytest.mark.parametrize(
    ("text", "says"), [("", "No text given"), (" \n", "No text given"), ("x" * 5000, "5,000 characters")]
)
def test_no_text_and_too_much_of_it_are_said_in_one_sentence(text, says):
    with pytest.raises(BadRequest, match=says) as refusal:
        build(FindUnitsRequest, model="m", text=text)
    assert len(str(refusal.value)) < 120


def test_spaces_do_not_make_another_request():
    assert build(FindUnitsRequest, model="m", text=" sea   bird\n").canonical() == (
        build(FindUnitsRequest, model="m", text="sea bird").canonical()
    )


def test_a_word_stands_in_the_template_and_a_sentence_for_itself():
    assert phrase("sea bird", "a photo of a {}") == "a photo of a sea bird"
    assert phrase("a bird above the sea", "a photo of a {}") == "a bird above the sea"


def test_layers_that_do_not_fit_together_are_searched_one_after_another(monkeypatch):
    held = find("word 2")
    monkeypatch.setattr(search, "HELD_BYTES", 0)
    one_by_one = find("word 2")
    pd.testing.assert_frame_equal(one_by_one.tables["units"], held.tables["units"])
    assert one_by_one.facts["sparse"] == held.facts["sparse"] and one_by_one.facts["chance"] == held.facts["chance"]


def test_correlations_with_many_texts_are_those_with_the_table_of_their_fits():
    images, texts = embeddings(truth()), np.random.default_rng(0).standard_normal((7, WORDS)).astype(np.float32)
    units = random_units(5)
    expected = np.corrcoef(units.T, (images @ texts.T).T)[:5, 5:]
    np.testing.assert_allclose(correlations(standard(units), images, texts), expected, atol=1e-5)
    assert not correlations(standard(units), images, np.zeros((1, WORDS), np.float32)).any()


def test_a_combination_finds_the_planted_weights_and_leaves_a_dead_unit_alone():
    units = random_units(40)
    units[:, 7] = 1
    units[:, 3] *= 50
    alone = halves(np.full(IMAGES, -1))
    found = combine(units, 0.02 * units[:, 3] - 0.5 * units[:, 11], alone)
    assert str(found.target) == "(0.04*3-11)" and found.correlation == pytest.approx(1, abs=1e-5)
    assert found.held_out == pytest.approx(1, abs=1e-5)
    assert len(combine(units, random_units(1, 9)[:, 0], alone).target.terms) == 5
    nothing = combine(units[:, 7:8], units[:, 0], alone)
    assert (str(nothing.target), nothing.correlation, nothing.held_out) == ("0", 0, 0)


def test_a_combination_of_nothing_does_not_follow_what_it_was_not_chosen_on():
    found = combine(random_units(300), random_units(1, 9)[:, 0], halves(np.full(IMAGES, -1)))
    assert found.correlation > 0.2 > abs(found.held_out), IMAGES


def test_a_combination_is_held_against_kinds_that_it_was_not_chosen_on():
    """Units and what is wanted are one number a kind: what fits the kinds chosen on says nothing about the others."""
    kinds = np.repeat(np.arange(30), IMAGES // 30)
    draws = np.random.default_rng(8)
    layer, wanted = draws.standard_normal((30, 200))[kinds].astype(np.float32), draws.standard_normal(30)[kinds]
    assert combine(layer, wanted, halves(np.full(IMAGES, -1))).held_out > 0.8, "images of one kind on both sides"
    assert abs(combine(layer, wanted, halves(kinds)).held_out) < 0.5
