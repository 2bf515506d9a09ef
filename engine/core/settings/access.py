"""The table `[access]`: who may use this server, and as what."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from engine.core.settings.table import SWITCH, Table

Visitors = Literal["auto", "refused", "viewer", "member", "operator"]
_PEOPLE = 'a list of addresses, domains, groups and names, like ["ann@uni.edu", "@uni.edu", "group:vision", "*"]'
_HEADER = 'the name of a header, like "X-Forwarded-Email"'
_NETWORKS = 'a list of addresses or networks, like ["127.0.0.1", "10.0.3.0/24"]'


def _network(given: Any) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(given))
    except ValueError:
        raise ValueError(f"write {_NETWORKS}") from None


def _someone(given: str) -> str:
    name = given.strip().casefold()
    if not name or name in ("@", "group:"):
        raise ValueError(f"write {_PEOPLE}")
    return name


_Someone = Annotated[str, AfterValidator(_someone)]
_Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
_Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class Access(Table):
    """Who may use this server, and as what. Without a login everybody who reaches it is a visitor."""

    WRITE: ClassVar[dict[str, str]] = {
        "login": '"none", "oidc" or "proxy"',
        "visitors": '"auto", "refused", "viewer", "member" or "operator"',
        "operators": _PEOPLE,
        "members": _PEOPLE,
        "viewers": _PEOPLE,
        "groups": 'a list of groups, like ["vision", "audio"]',
        "groups_claim": 'the name of a claim, like "groups" or "realm_access.roles"',
        "unverified_addresses": SWITCH,
        "proxies": _NETWORKS,
        "user_header": _HEADER,
        "name_header": _HEADER,
        "groups_header": _HEADER,
        "audit": SWITCH,
    }

    login: Literal["none", "oidc", "proxy"] = "none"
    visitors: Visitors = Field(default="auto", description="what those may who have not signed in")
    operators: tuple[_Someone, ...] = Field(default=(), description="who may do everything")
    members: tuple[_Someone, ...] = Field(default=(), description="who may compute")
    viewers: tuple[_Someone, ...] = Field(default=(), description="who may open what is computed")
    groups: tuple[_Someone, ...] = Field(
        default=(), description="the groups that share; where none are named, all that people have"
    )
    groups_claim: str = Field(default="groups", min_length=1, description="where the provider names a person's groups")
    unverified_addresses: bool = Field(
        default=False, description="go by addresses that the provider does not call verified"
    )
    proxies: tuple[_Network, ...] = Field(default=(), description="from where the headers of a login are believed")
    user_header: _Header = "X-Forwarded-Email"
    name_header: _Header = "X-Forwarded-Preferred-Username"
    groups_header: _Header = "X-Forwarded-Groups"
    audit: bool = Field(default=False, description="note each request down; with a login that is always done")

    @model_validator(mode="after")
    def _fits(self) -> Access:
        if self.login != "none" and self.visitors in ("member", "operator"):
            raise ValueError('where people sign in, visitors are "refused" or "viewer"')
        if self.login == "proxy" and not self.proxies:
            raise ValueError("name the proxies from which the headers of a login are believed (proxies)")
        return self

    @property
    def audits(self) -> bool:
        """Whether each request is noted down."""
        return self.audit or self.login != "none"
