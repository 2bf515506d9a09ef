"""A cache folder of its own for every test here, and three people: two of one group, and a stranger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.core import config
from engine.core.request import Result
from engine.jobs.keys import stored_key
from engine.people.person import Person
from engine.sharing.database import database
from engine.sharing.items import Item, Picture

ANNA = Person("anna-id", "Anna", "member", frozenset({"vision"}))
BEN = Person("ben-id", "Ben", "member", frozenset({"vision", "chess"}))
CARA = Person("cara-id", "Cara", "member", frozenset({"audio"}))
KEY = "a" * 26


@pytest.fixture(autouse=True)
def apart(own_store: Path) -> Iterator[Path]:
    yield own_store
    database().close()


def unit(number: int = 0, **more: object) -> Item:
    """A unit that somebody kept, with its picture under KEY."""
    fields = {
        "kind": "unit",
        "title": f"Unit {number}",
        "page": "feature_visualization",
        "params": {"a": f"starter-vit@blocks.6.mlp.hidden:{number}"},
        "results": (KEY,),
        "picture": Picture(key=KEY),
        **more,
    }
    return Item.model_validate(fields)


def stored(key: str = KEY, side: int = 8, **request: object) -> str:
    """Put a result with one picture into the store; gives the place where it is."""
    picture = np.arange(side * side * 3, dtype=np.uint8).reshape(1, side, side, 3)
    facts = {"experiment": "visualize", "version": 1, "model": "starter-vit", "site": "blocks.6.mlp.hidden", **request}
    place = stored_key(key)
    config.store().put(place, Result(facts, arrays={"images": picture}, facts={"precision": "float32"}).to_blob())
    return place
