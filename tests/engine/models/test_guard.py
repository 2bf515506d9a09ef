"""What may be loaded and fetched: in a server nothing unless somebody asked for it, never what is too large."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.core.errors import Forbidden
from engine.models import catalog, guard
from engine.people.person import Person
from engine.visualization.request import VisualizeRequest
from tests.engine.models.marked import TINY

NAME = f"timm/{TINY}"
ROLES = {role: Person(role, role=role) for role in ("viewer", "member", "operator")}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    guard.fetch_only_when_asked()
    yield
    guard._SERVES.clear()


def gets(asked: list[tuple[str, str]]) -> list[str]:
    return [path for command, path in asked if command == "GET"]


def test_in_a_server_naming_a_model_fetches_nothing_and_asks_nobody(serving, server):
    for name in (catalog.load, catalog.fingerprint, catalog.sites_of):
        with pytest.raises(guard.NotHere, match="not on this machine") as refusal:
            name(NAME)
        assert refusal.value.model.startswith(NAME)
    with pytest.raises(guard.NotHere):
        VisualizeRequest(model=NAME, site="blocks.0", units=(0,)).key()
    assert serving == []


def test_whoever_asked_gets_it_and_then_it_is_there_for_all(serving, server):
    sizes: list[int] = []
    with guard.asked(sizes.append):
        catalog.fingerprint(NAME)
    assert len(gets(serving)) == 1 and len(sizes) == 1
    assert catalog.load(NAME, "cpu") is catalog.load(NAME, "cpu")


def test_what_is_larger_than_allowed_is_not_fetched(serving, configured, monkeypatch):
    monkeypatch.setattr(guard, "check_bytes", lambda model, size, check=guard.check_bytes: check(model, 100 << 30))
    with pytest.raises(Forbidden, match=r"a file of 107\.4 GB for .*at most 16\.0GiB may be fetched"):
        catalog.load(NAME, "cpu")
    monkeypatch.setattr(guard, "check_bytes", lambda model, size, check=guard.check_bytes: check(model, None))
    assert gets(serving) == []


def test_a_file_of_unknown_size_is_not_fetched(configured):
    with pytest.raises(Forbidden, match="a file of unknown size"):
        guard.check_bytes(NAME, None)


@pytest.mark.parametrize(
    ("settings", "may"),
    [
        ({}, {"member", "operator"}),
        ({"limits": {"downloads": "operator"}}, {"operator"}),
        ({"limits": {"downloads": "nobody"}}, set()),
        ({"demo": True}, set()),
        ({"demo": True, "limits": {"downloads": "member"}}, {"member", "operator"}),
    ],
)
def test_who_may_have_a_model_fetched(configured, settings, may):
    configured(**settings)
    assert {role for role, person in ROLES.items() if guard.may_fetch(person)} == may


def test_where_nothing_may_be_fetched_nothing_is_whoever_asks(serving, configured):
    configured(limits={"downloads": "nobody"})
    with guard.asked(), pytest.raises(Forbidden, match="nothing is fetched from the hub here"):
        catalog.load(NAME, "cpu")
    assert serving == []


def test_only_models_that_the_patterns_name_are_listed_and_loaded(configured):
    configured(limits={"models": ["starter-v*", "timm/vit_*"]})
    assert catalog.find("starter-vit").name == "starter-vit"
    assert {entry.name for entry in catalog.entries() if entry.kind == "starter"} == {"starter-vit"}
    for name in ("starter-cnn", "timm/resnet50.a1_in1k", "untrained/starter-cnn", "../starter-vit", "STARTER-VIT"):
        with pytest.raises(Forbidden, match="not among the models that may be loaded here"):
            catalog.find(name)
    assert catalog.find(str(catalog.twin("starter-vit")))
