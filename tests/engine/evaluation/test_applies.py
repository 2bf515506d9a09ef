"""An experiment refuses, before it computes, a model or a data set that has not what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from engine.core import experiments
from engine.core.errors import BadRequest
from engine.core.request import Request
from engine.evaluation.applies import check_applies, lacking_of_data

VIT, CNN, CLIP = "starter-vit", "starter-cnn", "starter-clip"


@pytest.fixture
def kind() -> Iterator[type[Request]]:
    """A request that needs everything, registered for one test."""

    @experiments.experiment(
        title="Needy", about="Needs all.", page="spatial", models=("classes", "attention"), data=("labels", "masks")
    )
    class Needy(Request):
        experiment: ClassVar[str] = "needy-for-tests"
        version: ClassVar[int] = 1
        model: str = VIT
        data: str = "starter"

    yield Needy
    del experiments._MARKED["needy-for-tests"], experiments._KINDS["needy-for-tests"]


def test_a_model_and_images_that_have_all_of_it_pass(kind: type[Request]) -> None:
    check_applies(kind())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model": CNN}, "starter-cnn has no attention, so Needy does not apply"),
        ({"model": CLIP}, "starter-clip does not classify"),
        ({"data": "photos"}, "“photos” has no masks"),
    ],
)
def test_what_is_missing_is_named(kind: type[Request], given: dict[str, str], told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        check_applies(kind(**given))


def test_texts_are_read_by_the_reader_and_not_by_the_model() -> None:
    zero_shot = experiments.find("zero-shot").kind
    asked = {"texts": ("a", "b"), "image": "0"}
    check_applies(zero_shot(**asked, reader=CLIP))
    with pytest.raises(BadRequest, match="starter-vit reads no text"):
        check_applies(zero_shot(**asked, reader=VIT))


def test_counterfactual_scenes_need_matched_sets() -> None:
    counterfactual = experiments.find("counterfactual")
    assert lacking_of_data(counterfactual, "starter") == []
    assert lacking_of_data(counterfactual, "photos") == ["matched sets"]
