"""What can be known of models and images is found out from themselves."""

from __future__ import annotations

from engine.claims.subject import Subject, has, independent, no_answers, no_pair, no_transformer, not_known


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
