"""A request's fields as people fill them in."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from engine.core.fields import fields_of
from engine.core.request import Request


class Asked(Request):
    experiment: ClassVar[str] = "fields-for-tests"
    version: ClassVar[int] = 1

    sizes: tuple[float, ...] = (0.5,)
    text: str
    sign: Literal[1, -1] = 1
    least: int | None = Field(default=None, ge=2, lt=10)
    share: float = Field(default=0.5, gt=0, le=1, description="of the images")
    deep: bool = False
    model: str


def test_the_model_comes_first_then_what_has_to_be_given() -> None:
    assert [field.name for field in fields_of(Asked)] == ["model", "text", "sizes", "sign", "least", "share", "deep"]
    assert [field.name for field in fields_of(Asked) if field.required] == ["model", "text"]


def test_each_field_has_its_shape_limits_and_default() -> None:
    fields = {field.name: field for field in fields_of(Asked)}
    assert {name: (field.shape, field.several) for name, field in fields.items()} == {
        "model": ("text", False),
        "text": ("text", False),
        "sizes": ("number", True),
        "sign": ("choice", False),
        "least": ("whole", False),
        "share": ("number", False),
        "deep": ("flag", False),
    }
    assert fields["sign"].choices == (1, -1)
    assert (fields["least"].least, fields["least"].most, fields["least"].default) == (2, 9, None)
    assert 0 < fields["share"].least < 1e-6 and fields["share"].most == 1
    assert fields["sizes"].default == (0.5,) and fields["text"].default is None


def test_a_field_says_what_it_is_or_what_its_name_usually_means() -> None:
    fields = {field.name: field.about for field in fields_of(Asked)}
    assert fields["share"] == "of the images"
    assert fields["model"] == "the model's name" and fields["deep"] == "deep"
