"""A collection, and what it holds: a unit, an image, a result or a view, each with the page that opens it.

Invariant: an item says where something is and carries nothing of it; results stay in the store.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Kind = Literal["unit", "image", "result", "view"]
Shared = Literal["private", "group", "public"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST_TITLE, LONGEST_NOTE, LONGEST_LINK = 200, 10_000, 20_000
MOST_RESULTS = 256
_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"


def _fits(params: dict[str, str]) -> dict[str, str]:
    if len(params) > 64 or sum(len(name) + len(value) for name, value in params.items()) > LONGEST_LINK:
        raise ValueError("the link is too long")
    if not all(re.match(_NAME, name) for name in params):
        raise ValueError("a parameter of the link has a name that none has")
    return params


Params = Annotated[dict[str, str], AfterValidator(_fits)]
PageName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]


class Picture(BaseModel):
    """Where the picture of an item is: one of the stack `array` of a stored result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Key
    array: str = Field(default="images", pattern=_NAME)
    index: int = Field(default=0, ge=0, lt=1 << 20)


class Item(BaseModel):
    """One thing that was kept: what it is called, the page and the parameters that open it, and the results that it shows.

    `data` and `image` name an image of a data set; `picture` is what stands for the item.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    page: PageName
    params: Params = Field(default_factory=dict)
    results: tuple[Key, ...] = Field(default=(), max_length=MOST_RESULTS)
    picture: Picture | None = None
    data: str = Field(default="", max_length=LONGEST_TITLE)
    image: str = Field(default="", max_length=LONGEST_TITLE)

    @property
    def digest(self) -> str:
        """The same for the same thing, whatever it is called."""
        what = self.model_dump_json(exclude={"title", "picture", "results"})
        return hashlib.blake2b(what.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Collection:
    """A collection without what is in it. Times are seconds since 1970; `groups` are the owner's when it was shared."""

    id: str
    owner: str
    title: str
    about: str
    shared: Shared
    groups: frozenset[str]
    others_add: bool
    created: float
    changed: float
    count: int = 0


@dataclass(frozen=True)
class Kept:
    """One item of a collection, with its note and who added it when."""

    id: int
    item: Item
    note: str
    added_by: str
    added: float
