"""Tokens: shown once, good until their end or until taken back, and never for more than their person may."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from engine.core.config import settings
from engine.core.errors import BadRequest, Forbidden
from engine.people.identity import from_headers
from engine.people.person import Person, Role
from engine.sharing import names, tokens
from engine.sharing.database import database
from tests.engine.sharing.conftest import ANNA, BEN

VIEWER = Person("v-id", "V", "viewer")


def test_a_token_names_its_person_and_the_file_does_not_hold_it() -> None:
    text = tokens.make(ANNA, " my  laptop ", 30, "member")
    found = tokens.find(text)
    assert (found.person, found.label, found.role) == (ANNA.id, "my laptop", "member")
    assert 29.9 < (found.ends - time.time()) / 86400 <= 30
    secret = text.rpartition("_")[2] if "_" not in text[17:] else text[17:]
    dump = "\n".join(database().path.read_bytes().decode("latin-1").splitlines())
    assert secret not in dump and secret not in str([dict(row) for row in database().read("SELECT * FROM tokens")])


def test_no_two_tokens_are_alike() -> None:
    made = {tokens.make(ANNA, f"{number}", 1, "viewer") for number in range(10)}
    assert len(made) == 10 and all(len(each) == len("vit_") + 12 + 1 + 43 for each in made)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text + "A",
        lambda text: text.replace("vit_", "VIT_"),
        lambda text: f"vit_{'0' * 12}_{text[17:]}",
        lambda text: f" {text}",
        lambda text: "vit_' OR 1=1 --_" + "A" * 43,
        lambda text: "A" * 1_000_000,
    ],
)
def test_a_token_that_is_off_by_anything_opens_nothing(spoil) -> None:
    with pytest.raises(BadRequest, match="not valid here"):
        tokens.find(spoil(tokens.make(ANNA, "a", 1, "member")))


def test_the_secret_of_one_token_does_not_open_another() -> None:
    first, second = tokens.make(ANNA, "a", 1, "member"), tokens.make(BEN, "b", 1, "member")
    with pytest.raises(BadRequest):
        tokens.find(first[:17] + second[17:])


def test_at_its_end_and_taken_back_it_is_over() -> None:
    text = tokens.make(ANNA, "a", 1, "member")
    with database().change() as link:
        link.execute("UPDATE tokens SET ends = ?", (time.time() - 1,))
    with pytest.raises(BadRequest):
        tokens.find(text)
    text = tokens.make(ANNA, "b", 1, "member")
    (newest, *_) = tokens.mine(ANNA)
    tokens.revoke(BEN, newest.id)
    assert tokens.find(text)
    tokens.revoke(ANNA, newest.id)
    with pytest.raises(BadRequest):
        tokens.find(text)


def test_nobody_makes_a_token_for_more_than_they_may() -> None:
    for role in ("member", "operator"):
        with pytest.raises(BadRequest, match="You are a viewer"):
            tokens.make(VIEWER, "a", 1, role)
    assert tokens.find(tokens.make(VIEWER, "a", 1, "viewer")).role == "viewer"
    with pytest.raises(BadRequest):
        tokens.make(Person("", role="viewer"), "a", 1, "viewer")


@pytest.mark.parametrize("label, days", [("", 1), ("a", 0), ("a", 91), ("a", -5)])
def test_a_token_says_what_it_is_for_and_does_not_last_for_ever(label: str, days: int) -> None:
    with pytest.raises(BadRequest):
        tokens.make(ANNA, label, days, "member")


def test_there_are_not_endlessly_many() -> None:
    for number in range(tokens.MOST_TOKENS):
        tokens.make(ANNA, f"{number}", 1, "viewer")
    with pytest.raises(BadRequest, match="Take one back"):
        tokens.make(ANNA, "more", 1, "viewer")
    assert tokens.make(BEN, "his", 1, "viewer")


def of(person: Person, role: Role = "operator") -> Person:
    """Whom a token of this person speaks for."""
    return tokens.person_of(tokens.find(tokens.make(person, "a", 1, role)))


def test_a_token_speaks_for_its_person_with_what_they_may_now(configured: Callable[..., None]) -> None:
    ann = Person("proxy:ann@example.org", "Ann", "operator", frozenset({"vision"}), "ann@example.org")
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"], "operators": ["ann@example.org"]})
    assert of(ann) == ann
    assert of(ann, "viewer").role == "viewer"
    text = tokens.make(ann, "b", 1, "operator")
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"], "viewers": ["group:vision"]})
    assert tokens.person_of(tokens.find(text)).role == "viewer"
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"], "operators": ["eve@example.org"]})
    with pytest.raises(Forbidden, match="not on the list"):
        tokens.person_of(tokens.find(text))


def test_a_role_that_a_group_gives_holds_for_a_token_where_that_group_does_not_share(
    configured: Callable[..., None],
) -> None:
    lists = {"members": ["group:Staff"], "groups": ["vision"]}
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"], **lists})
    ann = from_headers(settings(), "ann", "Ann", "staff, vision, everybody")
    assert of(ann, "member") == ann and ann.groups == {"vision"}
    assert names.members_of(frozenset({"everybody"})) == []
    text = tokens.make(ann, "b", 1, "member")
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"], "members": ["group:lab"], "groups": ["vision"]})
    with pytest.raises(Forbidden, match="not on the list"):
        tokens.person_of(tokens.find(text))


def test_a_token_of_another_way_to_sign_in_is_over(configured: Callable[..., None]) -> None:
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"], "operators": ["*"]})
    for id in ("oidc:0123", "local", "the server"):
        with pytest.raises(Forbidden):
            of(Person(id, "X", "operator"))


def test_a_visitors_token_may_what_visitors_may(configured: Callable[..., None]) -> None:
    visitor = Person("browser:abc", "", "operator")
    assert of(visitor).role == "operator"
    configured(demo=True)
    assert of(visitor).role == "member"
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"], "operators": ["*"]})
    with pytest.raises(Forbidden, match="signed in"):
        of(visitor)
