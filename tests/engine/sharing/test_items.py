"""An item says where something is, within limits."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from engine.sharing.items import Item
from tests.engine.sharing.conftest import unit


def test_an_item_is_read_back_as_it_was_written() -> None:
    assert Item.model_validate_json(unit(3).model_dump_json()) == unit(3)


def test_the_same_thing_has_one_digest_and_another_thing_another() -> None:
    assert unit(3).digest == unit(3, title="other", picture=None, results=()).digest
    assert len({unit(3).digest, unit(4).digest, unit(3, page="spatial").digest, unit(3, kind="view").digest}) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "page"},
        {"page": "javascript:alert(1)"},
        {"page": "https://elsewhere.example"},
        {"params": {"a": "x" * 20_001}},
        {"params": {"bad name": "x"}},
        {"results": ("../x",)},
        {"results": tuple(f"k{number}" for number in range(257))},
        {"picture": {"key": "k", "index": -1}},
        {"title": "x" * 201},
        {"script": "x"},
    ],
)
def test_what_is_out_of_bounds_is_no_item(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        unit(1, **wrong)
