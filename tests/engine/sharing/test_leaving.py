"""All that a person keeps is counted, and goes when they wish; what others keep stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.people.person import Person
from engine.sharing import collections, leaving, links, tokens

ANN, BOB = Person("oidc:ann", "Ann", "member"), Person("oidc:bob", "Bob", "member")


@pytest.fixture(autouse=True)
def anew(own_store: Path) -> None:
    """A file of its own."""


def test_everything_goes_and_what_others_keep_stays() -> None:
    for person in (ANN, BOB):
        collections.create(person, "Mine")
        tokens.make(person, "script", 7, "member")
    id = links.keep("photo", {"image": "3"}, ANN)
    assert leaving.counts(ANN) == {"collections": 1, "items": 0, "history": 0, "links": 1, "tokens": 1}
    leaving.erase(ANN)
    assert not any(leaving.counts(ANN).values())
    assert leaving.counts(BOB) == {"collections": 1, "items": 0, "history": 0, "links": 0, "tokens": 1}
    assert links.find(id).params == {"image": "3"}, "whoever has the link can follow it"
