"""Who is what: by address, domain, group or name, compared as a whole."""

from __future__ import annotations

import pytest

from engine.core.settings.access import Access
from engine.people.roles import counted, role_of

LISTS = Access(
    operators=("olga@uni.edu",), members=("@Lab.uni.edu", "group:Vision"), viewers=("@uni.edu", "vic", "group:guests")
)


@pytest.mark.parametrize(
    ("name", "groups", "role"),
    [
        ("olga@uni.edu", (), "operator"),
        ("OLGA@Uni.Edu ", (), "operator"),
        ("ann@lab.uni.edu", (), "member"),
        ("ann@uni.edu", (), "viewer"),
        ("ann@uni.edu", ("vision",), "member"),
        ("", ("GUESTS",), "viewer"),
        ("vic", (), "viewer"),
        ("ann@evil-uni.edu", (), None),
        ("ann@uni.edu.evil.com", (), None),
        ("olga@uni.edu@evil.com", (), None),
        ("@uni.edu", (), None),
        ("uni.edu", (), None),
        ("group:vision", (), None),
        ("victor", ("vis", "visionary"), None),
        ("", (), None),
        ("*", (), None),
    ],
)
def test_the_highest_role_that_a_list_gives(name: str, groups: tuple[str, ...], role: str | None) -> None:
    assert role_of(LISTS, name, groups) == role


def test_a_star_is_everybody_who_signs_in() -> None:
    assert role_of(Access(members=("*",), operators=("olga@uni.edu",)), "anybody@where.org") == "member"


def test_nobody_is_listed_by_default() -> None:
    assert role_of(Access(), "ann@uni.edu", ("vision",)) is None


def test_the_groups_that_share_are_those_that_are_named_for_it_where_any_are() -> None:
    everybodys = frozenset({"VISION", "offline_access", "guests"})
    assert counted(Access(groups=("Vision", "guests")), everybodys) == {"VISION", "guests"}
    assert counted(LISTS, everybodys) == everybodys, "whom the lists let in is another question"
