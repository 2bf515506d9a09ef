"""Request -> Result, the one idea of the house.

A Request is frozen and validated. Its canonical JSON, with the fingerprints of what it reads and the
version of the code that carries it out, is the cache key; in the page's address it is the permalink;
on the command line it is the batch job. A Result is what the cache stores, the page draws and the
export writes.

Invariant: what is opened once while a request is carried out is gone when it ends, and no other thread sees it: the next
request looks at the files anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from cache.blob import Blob
from cache.pieces import Pieces, Whole
from engine.core.choices import UPLOADS
from engine.core.config import settings
from engine.core.errors import BadRequest

_UPLOAD = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(UPLOADS.values())})[0-9a-f]{{16}}(?![0-9a-f])")


@dataclass(frozen=True)
class Inner:
    """A request (its canonical facts), the fingerprints of what it reads, and the row of a larger result that holds its own."""

    request: Mapping[str, Any]
    fingerprints: Mapping[str, str]
    row: int


class Request(BaseModel):
    """What to compute. Subclasses add fields, name the experiment and say which code version answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: ClassVar[str]
    version: ClassVar[int]
    always_float32: ClassVar[bool] = False
    """Whether all of it, and all that it builds on, is computed in float32, whatever precision the machine prefers."""
    lane: ClassVar[Literal["short", "usual"]] = "usual"
    """`short` where a loaded model answers within a few seconds, given what it builds on: such a request runs past long ones.
    Where it turns out that something else has to be computed first, it waits its turn like the others."""
    changes: ClassVar[Mapping[int, str]] = {}
    """What each version changed in what the result means, in a sentence: said where a result of an earlier one is stored."""

    def canonical(self) -> str:
        """The request as JSON with sorted keys: equal requests give equal text."""
        facts = {"experiment": self.experiment, "version": self.version, **self.model_dump(mode="json")}
        return canonical_text(facts)

    def former_key(self, version: int) -> str:
        """The key that this request had with an earlier version of its experiment, whose fields were the same."""
        facts = json.loads(self.canonical()) | {"version": version}
        return digest(canonical_text(facts), self.former_fingerprints(version))

    def former_fingerprints(self, version: int) -> dict[str, str]:
        """What `fingerprints` gave with an earlier version, where that was something else."""
        return self.fingerprints()

    def changed_since(self, version: int) -> str:
        """What later versions changed, oldest first; empty where nothing was noted down."""
        return " ".join(text for number, text in sorted(self.changes.items()) if number > version)

    def fingerprints(self) -> dict[str, str]:
        """Fingerprints of the weights and data that the request reads. Raises VitrineError when one is missing."""
        raise NotImplementedError

    def check_size(self) -> None:
        """Raises BadRequest where it asks for more units than one request may. Called before it is queued, without loading a
        model."""
        lists = [named for name in ("units", "targets") if isinstance(named := getattr(self, name, None), tuple)]
        count, limit = sum(map(len, lists)), settings().units_limit
        if count > limit:
            raise BadRequest(f"{count} units requested at once; the limit is {limit}. Request them in parts.")

    def run(self, context: Context) -> Result:
        """Carry the request out. Raises Cancelled when the context says so."""
        raise NotImplementedError

    @classmethod
    def notes(cls, result: Result) -> list[str]:
        """Sentences without which a result of this experiment would be misread; none for most."""
        return []

    @classmethod
    def inside(cls, request: Mapping[str, Any], fingerprints: Mapping[str, str]) -> Iterable[Inner]:
        """The requests whose results stand inside the result of one of this kind (its canonical facts), which read what has
        these fingerprints."""
        return ()

    @classmethod
    def out_of(cls, pieces: Pieces | Whole, row: int) -> Result:
        """The result of a request of this kind out of one that it stands inside, in this row (see `inside`)."""
        raise NotImplementedError

    @property
    def uploads(self) -> tuple[str, ...]:
        """The uploads that it names, each once: photos, directions, lists of words, checkpoints."""
        return tuple(dict.fromkeys(_UPLOAD.findall(self.canonical())))

    def key(self) -> str:
        """The cache key: 26 lower-case base32 characters of a 128-bit digest."""
        return digest(self.canonical(), self.fingerprints())


def canonical_text(facts: Mapping[str, Any]) -> str:
    """A request's facts as JSON with sorted keys."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def digest(canonical: str, fingerprints: Mapping[str, str]) -> str:
    """The key of a request with this text that reads what has these fingerprints."""
    text = canonical + json.dumps(fingerprints, sort_keys=True)
    hashed = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return base64.b32encode(hashed).decode().rstrip("=").lower()


T = TypeVar("T")
Kind = TypeVar("Kind", bound=Request)


def build(kind: type[Kind], /, **fields: Any) -> Kind:
    """Make a request; a value that does not fit becomes a BadRequest with one sentence instead of a stack of them."""
    try:
        return kind(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or kind.experiment
        raise BadRequest(f"{where}: {reason(first).removesuffix('.')}.") from None


def reason(error: Mapping[str, Any]) -> str:
    """What is wrong with a field, in words for people; what our own checks say stays as it is."""
    limits = error.get("ctx", {})
    said = {
        "greater_than_equal": "write {ge} or more",
        "greater_than": "write more than {gt}",
        "less_than_equal": "write {le} or less",
        "less_than": "write less than {lt}",
        "literal_error": "write one of {expected}",
        "finite_number": "write a number",
        "missing": "this must be given",
        "extra_forbidden": "there is no such setting here",
        "too_short": "give {min_length} or more",
        "too_long": "give {max_length} or fewer",
        "string_too_short": "write {min_length} characters or more",
        "string_too_long": "write {max_length} characters or fewer",
    }
    return said[error["type"]].format(**limits) if error["type"] in said else error["msg"].removeprefix("Value error, ")


@dataclass(frozen=True)
class Made:
    """One picture of a job that is still running: uint8 (H, W, 3), growing until `activation`, what it reached at its last
    step, is known. `kept`: it is stored as a result of its own, so it stays whatever becomes of the job."""

    picture: np.ndarray
    activation: float | None = None
    kept: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a job is. `preview` is PNG bytes; `curve` is the objective so far (any length); `made` is what is new of its
    pictures, each by the name of the unit or target that it is for."""

    step: int
    total: int
    message: str = ""
    preview: bytes | None = None
    curve: tuple[float, ...] = ()
    made: Mapping[str, Made] = field(default_factory=dict)


class Context(Protocol):
    """What a running experiment may ask of whoever runs it."""

    def report(self, progress: Progress) -> None:
        """Tell how far we are. Raises Cancelled when the job was stopped."""

    def compute(self, request: Request) -> Result:
        """The result of another request that this one builds on, from the cache where it is there."""

    def find(self, request: Request) -> Result | None:
        """The result of another request if it is there already."""

    def keep(self, request: Request, result: Result, spare: bool = False) -> bool:
        """Store a further result that came out along the way, so that nobody has to compute it again. A spare one is part
        of what is being computed, and is let go where the store cannot be written. True when it is stored."""


@dataclass
class Result:
    """What came out: named arrays, tables and JSON facts, with the request inside."""

    request: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    key: str = field(default="", compare=False)
    """Where the store has it; empty before that."""

    @property
    def precision(self) -> str:
        """`float32` or `bfloat16`: what it was computed in; empty where that was not recorded."""
        return str(self.facts.get("precision", ""))

    def to_blob(self) -> Blob:
        return Blob(self.arrays, self.tables, {"request": self.request, "facts": self.facts})

    @classmethod
    def from_blob(cls, blob: Blob) -> Result:
        return cls(blob.facts["request"], dict(blob.arrays), dict(blob.tables), blob.facts["facts"])


_KEPT: ContextVar[dict[Hashable, Any] | None] = ContextVar("what this request has opened", default=None)


@contextmanager
def one_request() -> Iterator[None]:
    """Inside, in this thread, `once` keeps what it makes. A request within a request shares what is kept."""
    if _KEPT.get() is not None:
        yield
        return
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def once(key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives; inside one request it is called once for each key, outside of one each time."""
    kept = _KEPT.get()
    if kept is None:
        return make()
    if key not in kept:
        kept[key] = make()
    return kept[key]
