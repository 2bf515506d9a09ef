"""Short links: the same view has the same one, nobody can guess another's, and what is wrong leads nowhere."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from engine.core.errors import BadRequest, Unavailable
from engine.people.person import Person
from engine.sharing import links
from engine.sharing.database import Database, database
from engine.sharing.links import View
from tests.engine.sharing.conftest import ANNA, BEN

PARAMS = {"a": "starter-vit@blocks.6.mlp.hidden:0-7", "recipe": "fast"}


def test_a_link_leads_to_what_it_was_made_of_and_is_the_same_for_all() -> None:
    id = links.keep("feature_visualization", PARAMS, ANNA)
    assert links.keep("feature_visualization", dict(reversed(PARAMS.items())), BEN) == id
    assert links.find(id) == View("feature_visualization", PARAMS)
    assert len(id) == 16
    assert links.keep("spatial", PARAMS, ANNA) != id != links.keep("feature_visualization", {"a": "b"}, ANNA)


def test_an_id_is_known_before_it_is_kept_and_leads_nowhere_until_then() -> None:
    id = links.id_of("home", {})
    with pytest.raises(BadRequest, match="leads nowhere"):
        links.find(id)
    assert links.keep("home", {}, ANNA) == id
    assert links.find(id) == View("home", {})


def test_of_more_than_so_many_links_of_one_person_the_oldest_go_and_nobody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(links, "MOST", 3)
    others = links.keep("home", {}, BEN)
    ids = [links.keep("home", {"a": str(number)}, ANNA) for number in range(5)]
    for gone in ids[:2]:
        with pytest.raises(BadRequest, match="leads nowhere"):
            links.find(gone)
    assert [links.find(id).params["a"] for id in ids[2:]] == ["2", "3", "4"] and links.find(others).page == "home"


def test_of_too_many_links_of_all_people_those_go_that_nobody_followed_for_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(links, "MOST_OF_ALL", 3)
    monkeypatch.setattr(links, "USED_AGAIN_SECONDS", 0.0)
    ids = [links.keep("home", {"a": str(number)}, Person(f"browser:{number}")) for number in range(3)]
    links.find(ids[0])
    ids.append(links.keep("home", {"a": "3"}, Person("browser:3")))
    with pytest.raises(BadRequest, match="leads nowhere"):
        links.find(ids.pop(1))
    assert [links.find(id).params["a"] for id in ids] == ["0", "2", "3"]


def test_a_link_leads_where_it_did_though_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    id = links.keep("home", PARAMS, ANNA)
    monkeypatch.setattr(links, "USED_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(Database, "change", Mock(side_effect=Unavailable("The disk is full.")))
    assert links.find(id) == View("home", PARAMS)


def test_ids_depend_on_a_secret_that_is_drawn_once() -> None:
    first = links.id_of("home", {})
    assert links.id_of("home", {}) == first
    with database().change() as link:
        link.execute("UPDATE secrets SET value = ?", (b"x" * 32,))
    assert links.id_of("home", {}) != first


@pytest.mark.parametrize("id", ["", "a" * 16, "A" * 16, "../../etc/passwd", "' OR 1=1 --", "a" * 100_000, "ä" * 16])
def test_what_was_never_made_leads_nowhere(id: str) -> None:
    links.keep("home", {}, ANNA)
    with pytest.raises(BadRequest, match="leads nowhere"):
        links.find(id)


@pytest.mark.parametrize(
    "page, params",
    [
        ("http://elsewhere.example", {}),
        ("../pages", {}),
        ("Home", {}),
        ("home", {"a": "x" * 30_000}),
        ("home", {"a b": "x"}),
        ("home", {f"a{number}": "" for number in range(100)}),
    ],
)
def test_what_no_page_shows_has_no_link(page: str, params: dict[str, str]) -> None:
    with pytest.raises(BadRequest, match="too large"):
        links.keep(page, params, ANNA)
    assert database().read("SELECT * FROM links") == []
