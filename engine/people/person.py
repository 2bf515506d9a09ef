"""A person who uses Vitrine, as the engine knows one: a lasting name, and a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from engine.core.errors import Forbidden
from engine.core.paths import without_folders

Role = Literal["viewer", "member", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the one that may least: a viewer opens what is computed, a member computes, an operator does everything."""


@dataclass(frozen=True)
class Person:
    """Who asks. `id` owns jobs, uploads and collections, across browsers where people log in; `name` is what others read."""

    id: str
    name: str = ""
    role: Role = "operator"
    groups: frozenset[str] = frozenset()
    address: str = ""
    """Their e-mail address, where whoever signed them in vouches for it."""
    granting: frozenset[str] = frozenset()
    """Groups of theirs that a list gives a role, beside `groups`, which share."""

    def is_at_least(self, role: Role) -> bool:
        """Whether this person may what people of that role may."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def require(self, role: Role, what: str) -> None:
        """Raises Forbidden where this person may not do `what` (said as in “compute”), for which one must be a `role`."""
        if not self.is_at_least(role):
            raise Forbidden(
                f"You may not {what} here: that is for {WHO[role]}. Ask whoever runs this server to make you one."
            )

    def may_read(self, text: str) -> str:
        """A sentence as this person may read it: where things lie on the server's disk is for its operators."""
        return text if self.is_at_least("operator") else without_folders(text)


WHO: dict[Role, str] = {"viewer": "people who signed in", "member": "members", "operator": "operators"}
BROWSER = "browser:"
"""How the id of somebody begins who did not sign in: what follows is the name that their browser was given."""
LOCAL = Person("local")
"""Whoever sits at the machine: the command line and notebooks."""
SERVER = Person("the server", "the server")
"""The server itself, which makes things before anybody asks."""
