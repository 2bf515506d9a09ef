"""What can be known of models and images is found out from themselves."""

from __future__ import annotations

import pytest

from engine.claims import background, frequency
from engine.claims.subject import (
    Subject,
    has,
    independent,
    known_kinds,
    no_answers,
    no_common,
    no_pair,
    no_transformer,
    not_known,
)


def test_models_are_told_apart_by_their_layers() -> None:
    assert has("starter-vit", "attention") and not has("starter-cnn", "attention")
    assert has("starter-clip", "text") and not has("starter-vit", "text")
    pair = Subject("starter-cnn", "starter-vit")
    assert pair.vit == ("b", "starter-vit") and pair.cnn == ("a", "starter-cnn")
    assert no_pair(pair) == "" == no_transformer(pair)


def test_two_cnns_are_neither_a_pair_nor_transformers() -> None:
    twice = Subject("starter-cnn", "starter-cnn")
    assert "without attention" in no_pair(twice) and "Neither model has attention" in no_transformer(twice)


def test_answers_need_classes_and_labels_that_are_known() -> None:
    assert no_answers("starter-vit", "starter") == ""
    assert "no classes" in no_answers("starter-clip", "starter")
    assert "starter" in no_answers("starter-vit", "photos") or "class" in no_answers("starter-vit", "photos")


def test_what_images_know_is_asked_of_them() -> None:
    assert not_known("starter", "masks", "boxes") == "" and not_known("photos", "labels") == ""
    assert not_known("photos", "tags") == "The images of “photos” have no tags."


def test_images_that_belong_together_count_once() -> None:
    assert independent("photos") == 20 and independent("starter") == 849


def test_models_that_know_none_of_the_same_kinds_are_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.evaluation import class_matching

    pair = Subject("starter-vit", "starter-cnn")
    assert no_common(pair) == "" == known_kinds(pair)
    kinds = class_matching.open_dataset("starter").class_names
    known = {"starter-vit": kinds[:3], "starter-cnn": kinds[3:9]}
    class_matching._knowledge.cache_clear()
    monkeypatch.setattr(class_matching, "model_classes", known.__getitem__)
    assert "have no kind of “starter” in common" in no_common(pair)
    for claim in (background.CLAIM, frequency.CLAIM):
        assert "have no kind of “starter” in common" in claim.missing(pair) and claim.parts(pair) == []
    assert known_kinds(pair) == (
        f"starter-vit knows 3 of {len(kinds)} kinds here: compared on those. "
        f"starter-cnn knows 6 of {len(kinds)} kinds here: compared on those."
    )
    class_matching._knowledge.cache_clear()
