"""Which role somebody has: by their address, its domain, their groups or their name, as the settings list them.

Invariant: an entry is compared as a whole, so that no address that merely ends like a domain, or begins like a name, passes.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.core.settings.access import Access
from engine.people.person import ROLES, Role

ANYBODY, GROUP = "*", "group:"


def counted(access: Access, groups: frozenset[str]) -> frozenset[str]:
    """Those of a person's groups that count for sharing: those that the settings name, where they name any. What a provider puts
    everybody into makes no group."""
    return (
        frozenset(group for group in groups if group.strip().casefold() in access.groups) if access.groups else groups
    )


def granting(access: Access, groups: frozenset[str]) -> frozenset[str]:
    """Those of a person's groups that a list of the settings gives a role and that do not count for sharing."""
    listed = {*access.viewers, *access.members, *access.operators}
    named = frozenset(group for group in groups if f"{GROUP}{group.strip().casefold()}" in listed)
    return named - counted(access, groups)


def role_of(access: Access, name: str, groups: Collection[str] = ()) -> Role | None:
    """The highest role that the lists give somebody of this name (an address, mostly) and these groups; None where none does.
    A name of which nobody may go by is empty."""
    known = {f"{GROUP}{group.strip().casefold()}" for group in groups} | {ANYBODY}
    name = name.strip().casefold()
    if name and name != ANYBODY and not name.startswith(("@", GROUP)):  # a person may call themselves what they like
        known.add(name)
        if "@" in name:
            known.add(f"@{name.rpartition('@')[2]}")
    listed: dict[Role, tuple[str, ...]] = {
        "viewer": access.viewers,
        "member": access.members,
        "operator": access.operators,
    }
    return next((role for role in reversed(ROLES) if known & {*listed[role]}), None)
