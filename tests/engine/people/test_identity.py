"""From what a provider, a proxy or a browser says to a person, or to a sentence that says why not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.settings.access import Access
from engine.core.settings.whole import Settings
from engine.people.identity import NotListed, NotSignedIn, from_claims, from_headers, visitor
from engine.people.person import LOCAL, SERVER

CLAIMS = {"iss": "https://id.uni.edu", "sub": "17", "email": "ann@uni.edu", "email_verified": True, "name": "Ann"}


def settings(**access: Any) -> Settings:
    return Settings(access=Access(**{"login": "oidc", "members": ("@uni.edu",), **access}))


def test_a_person_is_the_same_one_whatever_their_name_and_address_become() -> None:
    ann = from_claims(settings(), CLAIMS)
    married = from_claims(settings(), CLAIMS | {"name": "Ann B.", "email": "b@uni.edu"})
    assert (ann.name, ann.role) == ("Ann", "member") and ann.id == married.id
    assert from_claims(settings(), CLAIMS | {"iss": "https://else.org"}).id != ann.id, "another service's 17 is another"


@pytest.mark.parametrize("verified", [False, None, "false", 0, "yes"])
def test_an_address_that_is_not_verified_does_not_count_unless_the_settings_say_so(verified: Any) -> None:
    claims = CLAIMS | {"email_verified": verified}
    with pytest.raises(NotListed, match="does not say that your address is verified"):
        from_claims(settings(), claims)
    assert from_claims(settings(unverified_addresses=True), claims).role == "member"
    assert from_claims(settings(members=("group:lab",)), claims | {"groups": ["lab"]}).role == "member", "groups do"


def test_whoever_is_not_listed_is_told_their_name_and_what_to_do() -> None:
    with pytest.raises(NotListed, match=r"signed in as eve@evil\.org, who is not on the list.*Ask whoever runs it"):
        from_claims(settings(), CLAIMS | {"email": "eve@evil.org"})
    with pytest.raises(NotListed, match="did not say who you are"):
        from_claims(settings(members=("*",)), {"email": "ann@uni.edu", "email_verified": True})


@pytest.mark.parametrize(
    ("claim", "where", "role"),
    [
        (["lab", "other"], "groups", "member"),
        ("lab", "groups", "member"),
        ({"roles": ["lab"]}, "realm.roles", "member"),
        ({"a": 1}, "groups", None),
        ([{"name": "lab"}, 3, None], "groups", None),
        (None, "groups", None),
        (17, "realm.roles", None),
    ],
)
def test_groups_stand_where_the_settings_say_and_other_shapes_count_as_none(claim: Any, where: str, role: Any) -> None:
    asked = settings(members=("group:lab",), groups_claim=where)
    claims = CLAIMS | {where.partition(".")[0]: claim}
    if role:
        assert from_claims(asked, claims).role == role
    else:
        with pytest.raises(NotListed):
            from_claims(asked, claims)


def test_no_name_reaches_one_that_the_program_uses_itself_or_another_kind_of_person() -> None:
    everybody = settings(members=("*",))
    taken = {LOCAL.id, SERVER.id, from_claims(everybody, CLAIMS).id}
    for name in (*taken, "gallery"):
        given = [
            from_claims(everybody, CLAIMS | {"sub": name}),
            from_headers(everybody, name),
            visitor(Settings(), name),
        ]
        assert len({person.id for person in given} - taken) == 3


def test_a_name_from_outside_is_short_and_on_one_line() -> None:
    person = from_claims(settings(), CLAIMS | {"name": "A\nB\x00" + "n" * 500})
    assert person.name.isprintable() and len(person.name) == 80


def test_whoever_comes_from_elsewhere_operates_nothing_unless_that_is_written_down() -> None:
    assert visitor(Settings(), "x", near=False).role == "member"
    assert visitor(Settings(access=Access(visitors="operator")), "x", near=False).role == "operator"


@pytest.mark.parametrize(
    ("login", "visitors", "demo", "role"),
    [
        ("none", "auto", False, "operator"),
        ("none", "auto", True, "member"),
        ("none", "viewer", True, "viewer"),
        ("none", "refused", False, None),
        ("oidc", "auto", False, None),
        ("oidc", "refused", False, None),
        ("oidc", "viewer", False, "viewer"),
    ],
)
def test_what_visitors_may(login: Any, visitors: Any, demo: bool, role: str | None) -> None:
    asked = Settings(demo=demo, access=Access(login=login, visitors=visitors))
    if role is None:
        with pytest.raises(NotSignedIn):
            visitor(asked, "x")
    else:
        assert visitor(asked, "x").role == role


@pytest.mark.parametrize("visitors", ["member", "operator"])
def test_where_people_sign_in_visitors_do_not_compute(visitors: Any) -> None:
    with pytest.raises(ValueError, match="where people sign in, visitors are"):
        Access(login="oidc", visitors=visitors)


def test_a_proxy_login_names_its_proxies() -> None:
    with pytest.raises(ValueError, match="name the proxies"):
        Access(login="proxy")


def test_the_headers_of_a_proxy_give_name_and_groups() -> None:
    asked = settings(login="proxy", proxies=("127.0.0.1",), members=("group:lab",))
    ann = from_headers(asked, " Ann@uni.edu ", "Ann", "lab, other,, ")
    assert (ann.id, ann.name, ann.role, ann.groups) == ("proxy:ann@uni.edu", "Ann", "member", {"lab", "other"})
    with pytest.raises(NotListed):
        from_headers(asked, "ann@uni.edu", "Ann", "laboratory")
