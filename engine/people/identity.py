"""From what a provider, a proxy or a browser says of somebody to a person.

Invariant: the id of a person begins with where it comes from, so that nobody can take that of another, nor one that the
program uses itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from engine.core.errors import Forbidden
from engine.core.settings.whole import Settings
from engine.people.person import BROWSER, Person, Role
from engine.people.roles import counted, granting, role_of

LONGEST_NAME = 80
MOST_GROUPS = 500


class NotSignedIn(Forbidden):
    """This server is for people who signed in."""


class NotListed(Forbidden):
    """Somebody signed in whom no list of the settings names."""


def visitor(settings: Settings, browser: str, near: bool = True) -> Person:
    """Whoever comes without signing in, by the name that their browser was given; `near`: from this machine itself. Raises
    NotSignedIn where visitors are not let in."""
    role = visitors_role(settings, near)
    if role is None:
        raise NotSignedIn("This server is for people who signed in. Sign in first.")
    return Person(f"{BROWSER}{browser}", "", role)


def visitors_role(settings: Settings, near: bool) -> Role | None:
    """What visitors may; None where they are not let in. Where nobody signs in, a server is its person's own who sits at the
    machine, unless it is a demonstration; others compute."""
    if settings.access.visitors not in ("auto", "refused"):
        return settings.access.visitors
    if settings.access.visitors == "refused" or settings.access.login != "none":
        return None
    return "operator" if near and not settings.demo else "member"


def from_claims(settings: Settings, claims: Mapping[str, Any]) -> Person:
    """The person whom the claims of an OIDC provider name. Raises NotListed where the settings do not list them, BadRequest
    never: a claim of another shape than expected counts as absent."""
    access = settings.access
    issuer, subject = _text(claims.get("iss")), _text(claims.get("sub"))
    address = _text(claims.get("email"))
    if not subject:
        raise NotListed(
            "The sign-in service did not say who you are (it gave no “sub”). Tell whoever runs this server."
        )
    believed = access.unverified_addresses or claims.get("email_verified") in (True, "true")
    groups = _groups(claims, access.groups_claim)
    role = role_of(access, address if believed else "", groups)
    if role is None:
        unverified = address and not believed
        why = (
            " The sign-in service does not say that your address is verified, so it does not count."
            if unverified
            else ""
        )
        raise NotListed(_not_listed(address or _text(claims.get("name")) or subject, why))
    digest = hashlib.blake2b(f"{issuer}\0{subject}".encode(), digest_size=12).hexdigest()
    name = _text(claims.get("name")) or address or subject
    known = address if believed else ""
    return Person(f"oidc:{digest}", name, role, counted(access, groups), known, granting(access, groups))


def from_headers(settings: Settings, user: str, name: str = "", groups: str = "") -> Person:
    """The person whom a trusted proxy names in its headers (`groups` with commas between them). Raises NotListed where the
    settings do not list them."""
    listed = frozenset(group.strip() for group in groups.split(",")[:MOST_GROUPS] if group.strip())
    access = settings.access
    role = role_of(access, user, listed)
    if role is None:
        raise NotListed(_not_listed(user))
    user = user.strip()
    address = user if "@" in user else ""
    shown = _text(name) or user
    return Person(f"proxy:{user.casefold()}", shown, role, counted(access, listed), address, granting(access, listed))


def _not_listed(name: str, why: str = "") -> str:
    return (
        f"You are signed in as {name[:LONGEST_NAME]}, who is not on the list of this server.{why} "
        "Ask whoever runs it to let you in."
    )


def _text(value: Any) -> str:
    shown = "".join(letter for letter in value if letter.isprintable()) if isinstance(value, str) else ""
    return shown.strip()[:LONGEST_NAME]


def _groups(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """The groups under a claim, or under the claim of a claim (`realm_access.roles`)."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    several = [found] if isinstance(found, str) else found if isinstance(found, list | tuple) else []
    return frozenset(group for group in map(_text, several[:MOST_GROUPS]) if group)
