"""A flat view and its address are two forms of one thing."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import parse_qsl

import pytest
from pydantic import BaseModel, ConfigDict, Field

from pages.common import query


class Shown(BaseModel):
    model_config = ConfigDict(frozen=True)

    model: str
    second: str | None = None
    units: tuple[int, ...] = (0,)
    cutoffs: tuple[float, ...] = ()
    scale: float = Field(default=1.0, ge=0)
    seed: int = Field(default=0, ge=0, le=99)
    maps: bool = True


PLAIN = Shown(model="starter-vit")
FULL = Shown(
    model="timm/resnet50.a1_in1k", second="my net & more", units=(3, 1), cutoffs=(0.5, 0.25), scale=1e-05, seed=99, maps=False
)  # fmt: skip


@pytest.mark.parametrize("view", [PLAIN, FULL])
def test_a_link_gives_back_the_view_it_was_made_from(view: Shown) -> None:
    assert query.read(Shown, query.write(view)) == (view, [])
    assert dict(parse_qsl(query.text(query.write(view))[1:])) == query.write(view)


def test_defaults_are_left_out() -> None:
    assert query.write(PLAIN) == {"model": "starter-vit"}


@pytest.mark.parametrize(
    "name, value",
    [
        ("units", "1,zwei"),
        ("cutoffs", "0.5,nan"),
        ("scale", "-1"),
        ("scale", "inf"),
        ("seed", "100"),
        ("seed", "1e1"),
        ("seed", "9" * 5000),
        ("seed", "<script>"),
        ("maps", "perhaps"),
    ],
)
def test_garbage_is_named_and_left_out(name: str, value: str) -> None:
    view, problems = query.read(Shown, {**query.write(PLAIN), name: value, "second": "other"})
    assert view == PLAIN.model_copy(update={"second": "other"})
    assert len(problems) == 1 and problems[0].startswith(f"{name}: ") and len(problems[0]) < 200


def test_two_wrong_parameters_are_both_named() -> None:
    view, problems = query.read(Shown, {"model": "m", "seed": "soon", "scale": "nan"})
    assert view == Shown(model="m") and {line.partition(":")[0] for line in problems} == {"seed", "scale"}


def test_a_missing_model_gives_no_view_and_unknown_parameters_are_ignored() -> None:
    assert query.read(Shown, {"seed": "3"}) == (None, [])
    assert query.read(Shown, {"model": "m", "utm_source": "mail"}) == (Shown(model="m"), [])


class Written(BaseModel):
    model_config = ConfigDict(frozen=True)
    LINKED: ClassVar[tuple[str, ...]] = ("seed",)

    texts: tuple[str, ...] = ("a",)
    template: str = "a photo of a {}"
    inner: str | Shown = "usual"
    seed: int = 0


@pytest.mark.parametrize(
    "view",
    [
        Written(texts=("one, two", "three\\", "\\,", "four")),
        Written(texts=(), template=""),
        Written(inner=Shown(model="m, n", units=(1, 2))),
        Written(inner="other", template="{} {"),
    ],
)
def test_commas_empty_values_and_settings_survive_a_link(view: Written) -> None:
    link = query.write(view)
    assert query.read(Written, dict(parse_qsl(query.text(link)[1:]))) == (view, [])


def test_what_always_stands_in_a_link_does() -> None:
    assert query.write(Written()) == {"seed": "0"}


def test_settings_that_are_no_json_are_named_and_left_out() -> None:
    view, problems = query.read(Written, {"inner": '{"model": 1}'})
    assert view == Written() and len(problems) == 1 and problems[0].startswith("inner: ")
