"""Labels find their class by name or WordNet id, or are told apart as unknown."""

from __future__ import annotations

import pytest

from engine.core.errors import BadRequest
from engine.data.imagenet import imagenet_ids, imagenet_names
from engine.evaluation.class_matching import check_comparable, classifies, knowledge, match


def test_wordnet_ids_find_imagenets_classes():
    found = match(("n01440764", "n02124075 Egyptian cat", "n99999999"), imagenet_names(), 1000)
    assert found.to_model.tolist() == [0, 285, -1]
    assert found.notes == (("class n99999999", "“n99999999” is no class of the model; its images are skipped"),)


def test_names_are_matched_by_synonym_without_case_and_never_guessed():
    found = match(("Egyptian_Cat", "tench", "crane", "space elevator"), imagenet_names(), 1000)
    assert found.to_model.tolist() == [285, 0, -1, -1]
    assert [why.split("” ")[1].split(";")[0] for _, why in found.notes] == [
        "matches several classes of the model",
        "is no class of the model",
    ]
    own = match(("b", "a"), ("a", "b", "c"), 3)
    assert own.to_model.tolist() == [1, 0] and own.notes == ()


def test_a_model_without_names_is_taken_as_imagenets_only_at_1000_classes_and_says_so():
    found = match(imagenet_ids(), None, 1000)
    assert found.to_model.tolist() == list(range(1000))
    assert "names none" in found.notes[0][1]
    with pytest.raises(BadRequest, match="names of the model's 12 classes are unknown"):
        match(("cat",), None, 12)
    with pytest.raises(BadRequest, match="has none of the data set's classes"):
        match(("space elevator",), imagenet_names(), 1000)


def test_a_data_set_of_the_models_first_class_alone_is_known():
    assert match(("tench",), imagenet_names(), 1000).to_model.tolist() == [0]


def test_names_that_are_not_one_for_each_output_are_refused() -> None:
    with pytest.raises(BadRequest, match="has 3 outputs, but 2 names"):
        match(("a",), ("a", "b"), 3)


class Kinds:
    """A data set that knows these kinds and nothing else."""

    def __init__(self, *names: str) -> None:
        self.class_names = names


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models `ab` and `bc` know the kinds of their letters; the data sets have the kinds of theirs."""
    from engine.evaluation import class_matching

    monkeypatch.setattr(class_matching, "classifies", lambda model: True)
    monkeypatch.setattr(class_matching, "model_classes", lambda model: tuple(model))
    monkeypatch.setattr(class_matching, "open_dataset", lambda data: Kinds(*data))
    class_matching._knowledge.cache_clear()


@pytest.mark.usefixtures("known")
def test_what_a_model_knows_of_a_data_set_is_told_unless_it_is_everything() -> None:
    some, every = knowledge("ab", "abcd"), knowledge("ab", "ab")
    assert some is not None and some.sentence == "knows 2 of 4 kinds here: compared on those"
    assert every is not None and every.sentence == ""
    with pytest.raises(BadRequest, match="ab knows none of the kinds of “xy”"):
        knowledge("ab", "xy")


@pytest.mark.usefixtures("known")
def test_models_with_no_kind_in_common_are_refused_before_anything_runs() -> None:
    check_comparable(["ab", "bc"], "abc")
    check_comparable(["ab"], "abc")
    with pytest.raises(BadRequest, match="ab and bc have no kind of “ac” in common"):
        check_comparable(["ab", "bc"], "ac")
    check_comparable(["ab", "bc"], "")  # nameless: ImageNet's


def test_a_model_without_classes_knows_no_kinds_and_is_not_taken_for_imagenets() -> None:
    assert classifies("starter-vit") and not classifies("starter-clip")
    assert knowledge("starter-clip", "starter") is None
    assert (known := knowledge("starter-vit", "starter")) is not None and known.sentence == ""
    check_comparable(["starter-clip", "starter-vit"], "starter")
