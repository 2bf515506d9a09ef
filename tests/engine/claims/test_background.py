"""A ViT ahead on objects and backgrounds, on one of them, on none, and a difference too small to see."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from engine.claims import background, frequency
from engine.claims.background import CLAIM, figure
from engine.claims.claim import FAILS, HOLDS, PARTLY, UNTOLD
from engine.claims.subject import Subject
from tests.engine.claims.planted import SUBJECT, answers, rows

NAMES = (("full", ""), ("foreground", "black"), ("background", "black"))


def results(vit: tuple[float, float], cnn: tuple[float, float], lives: tuple[float, float] | None = None):
    made = {}
    for side, model, (objects, alone) in (("a", "vit", vit), ("b", "cnn", cnn)):
        right = {"full": 1.0, "foreground": objects, "background": alone}
        made[f"background-{side}"] = answers(model, right, NAMES, lives and lives[side == "b"])
    return made


@pytest.mark.parametrize(
    "vit, cnn, word",
    [
        ((0.9, 0.5), (0.6, 0.2), HOLDS),
        ((0.9, 0.2), (0.6, 0.5), PARTLY),
        ((0.6, 0.2), (0.9, 0.5), FAILS),
        ((0.6, 0.2), (0.6, 0.2), UNTOLD),
    ],
)
def test_each_verdict_from_planted_answers(kinds, vit, cnn, word: str) -> None:
    told = CLAIM.tell(SUBJECT, results(vit, cnn))
    assert told.word == word, told.sentence


def test_the_sentence_says_it_as_to_a_colleague(kinds) -> None:
    told = CLAIM.tell(SUBJECT, results((0.6, 0.2), (0.9, 0.5)))
    assert "on the 400 images that both classify correctly whole, the ViT is 30.0 points (" in told.sentence
    assert "behind the CNN" in told.sentence and "fewer right answers" in told.sentence
    unseen = CLAIM.tell(SUBJECT, results((0.6, 0.2), (0.6, 0.2)))
    assert "would have been seen in 80% of samples" in unseen.sentence


def test_where_places_are_known_they_count_and_not_the_kind(kinds) -> None:
    told = CLAIM.tell(SUBJECT, results((0.9, 0.2), (0.6, 0.2), lives=(0.5, 0.1)))
    assert told.word == HOLDS and "a kind that lives at the place shown" in told.sentence


def test_what_backgrounds_alone_give_stands_beside_chance_and_the_best_possible_observer(kinds) -> None:
    given = results((0.9, 0.2), (0.6, 0.2), lives=(0.5, 0.1))
    table = pd.DataFrame(rows([1, 0.9, 0.5], "top1")).assign(variant=[name for name, _ in NAMES])
    known = pd.DataFrame({"lives_chance": [0.116], "lives_ideal": [1.0]}, index=[2])
    given["background-a"].tables["variants"] = table.join(known)
    said = CLAIM.tell(SUBJECT, given).sentence
    assert "A blind guess is such an answer in 11.6%, the best possible observer's in 100%." in said
    given["background-a"].tables["variants"] = table
    assert "blind guess" not in CLAIM.tell(SUBJECT, given).sentence


def test_the_models_may_stand_the_other_way_round(kinds) -> None:
    turned = Subject("cnn", "vit", "", "somewhere")
    given = results((0.9, 0.5), (0.6, 0.2))
    swapped = {"background-a": given["background-b"], "background-b": given["background-a"]}
    assert CLAIM.tell(turned, swapped).word == HOLDS


def test_the_figure_has_a_row_for_each_variant_of_both(kinds) -> None:
    given = results((0.9, 0.5), (0.6, 0.2))
    for result in given.values():
        table = pd.DataFrame(rows([1, 0.9, 0.5], "top1"))
        result.tables["variants"] = table.assign(variant=[name for name, _ in NAMES])
    drawn = figure(SUBJECT, given)
    assert drawn is not None and drawn.series[0].x == ("whole images", "objects alone", "backgrounds alone")
    assert drawn.series[1].opens == (["cnn|0"], ["cnn|1"], ["cnn|2"]), "the model, and the place of its variant"


def test_the_papers_own_number_stands_beside(kinds) -> None:
    given = results((0.9, 0.5), (0.6, 0.2))
    table = pd.DataFrame(rows([1, 0.956, 0.316], "top5_normalised", reach=0.002))
    given["background-a"].tables["variants"] = table.assign(variant=[name for name, _ in NAMES])
    said = CLAIM.tell(SUBJECT, given).sentence
    assert said.endswith(
        "vit keeps 95.6% (95.4 to 95.8) on objects alone and 31.6% (31.4 to 31.8) on backgrounds alone."
    )


def test_two_of_a_kind_are_no_pair(kinds) -> None:
    assert "both models have attention" in CLAIM.missing(Subject("vit", "clip"))
    assert "only one model is given" in CLAIM.missing(Subject("vit"))


def test_images_whose_objects_cannot_be_found_take_this_claim_away_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "no_comparison", lambda subject: "")
    monkeypatch.setattr(background, "open_dataset", lambda data: SimpleNamespace(cuts=lambda: ()))
    monkeypatch.setattr(background, "saliency_is_here", lambda: False)
    assert CLAIM.missing(SUBJECT).endswith("no boxes or masks, and the network that would find objects is not here.")
    assert CLAIM.parts(SUBJECT) == []
    monkeypatch.setattr(frequency, "no_comparison", lambda subject: "")
    assert len(frequency.CLAIM.parts(SUBJECT)) == 2, "nothing is cut for it"
    monkeypatch.setattr(background, "saliency_is_here", lambda: True)
    assert CLAIM.missing(SUBJECT) == "" and [dict(part.request)["cut"] for part in CLAIM.parts(SUBJECT)] == 2 * [
        "saliency"
    ]
