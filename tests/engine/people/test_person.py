"""What a person may, by their role."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import Forbidden
from engine.people.person import Person


def test_a_role_may_what_those_below_it_may_and_is_told_who_may_more() -> None:
    Person("o").require("member", "compute")
    with pytest.raises(Forbidden, match=r"may not compute here: that is for members\. Ask whoever runs"):
        Person("v", role="viewer").require("member", "compute")


def test_where_things_lie_is_for_operators_to_read(tmp_path: Path) -> None:
    said = f"It cannot be kept in {tmp_path}/uploads: the disk is full."
    assert Person("o").may_read(said) == said
    for role in ("viewer", "member"):
        assert Person("p", role=role).may_read(said) == "It cannot be kept in …/uploads: the disk is full."
