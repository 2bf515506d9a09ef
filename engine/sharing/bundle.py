"""A collection as one file, and back: a ZIP of `collection.json` and the results, with their pictures unpacked.

Such a file comes from anywhere and is treated as hostile. Invariants: nothing in it names a place on disk, nothing in it is
compressed but a list, tables and pictures of bounded size, each result is checked against its digest, and what a stranger's
file says about a request never stands for that request: it is kept under a name of its own, unless an operator brings it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cache import pictures
from cache.blob import Blob, DamagedBlob, header_of
from cache.store import StoreUnavailable
from engine import __version__
from engine.core import config
from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.people import audit
from engine.people.person import Person
from engine.sharing import collections, holding, names
from engine.sharing.collections import MOST_ITEMS
from engine.sharing.items import LONGEST_NOTE, LONGEST_TITLE, Collection, Item

LIST = "collection.json"
MOST_LIST, MOST_MEMBERS, MOST_CELLS = 8 << 20, 4096, 20_000_000
MOST_UNPACKED = 256 << 20
"""How many bytes the packed pictures of a whole file may have when they are unpacked. Files that are written today have none."""
_MEMBER = re.compile(r"results/([A-Za-z0-9][A-Za-z0-9_.-]{0,127})\.blob")
_EPOCH = (1980, 1, 1, 0, 0, 0)
IMPORTED = "in-"
"""What the name of a result begins with that a file brought, and that was not computed here."""
DAMAGED = "This file is not a collection that Vitrine wrote, or it is damaged: {}. Export it again."


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True)

    item: Item
    note: str = Field(default="", max_length=LONGEST_NOTE)
    by: str = Field(default="", max_length=LONGEST_TITLE)
    added: float = 0.0


class _Written(BaseModel):
    """What `collection.json` says."""

    model_config = ConfigDict(frozen=True)

    collection: int = Field(ge=1, le=1, description="the version of this format")
    vitrine: str = ""
    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    about: str = Field(default="", max_length=LONGEST_NOTE)
    items: tuple[_Line, ...] = Field(default=(), max_length=MOST_ITEMS)


def export(collection: Collection) -> bytes:
    """The collection as one file, with those of its results that are stored."""
    kept = collections.items(collection)
    lines = tuple(
        _Line(item=each.item, note=each.note, by=names.name_of(each.added_by), added=each.added) for each in kept
    )
    written = _Written(collection=1, vitrine=__version__, title=collection.title, about=collection.about, items=lines)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(_part(LIST), written.model_dump_json(indent=1), zipfile.ZIP_DEFLATED)
        for key in sorted(holding.sizes(holding.keys_of(collection.id))):
            blob = config.store().get(key)
            if blob is not None:
                file.writestr(_part(f"results/{key}.blob"), blob.to_bytes(packed=False), zipfile.ZIP_STORED)
    return buffer.getvalue()


def _part(name: str) -> zipfile.ZipInfo:
    """Without the time of writing, so that the same collection gives the same file, of which a server holds only one."""
    part = zipfile.ZipInfo(name, _EPOCH)
    part.external_attr = 0o600 << 16  # as it has that is given a name alone
    return part


@dataclass(frozen=True)
class Taken:
    """What an import gave: the new collection, and how many results came with it."""

    collection: Collection
    results: int


def import_(data: bytes, person: Person) -> Taken:
    """A new collection of this person from a file. Raises RefusedFile for what is none, BadRequest where it is too much,
    Unavailable where nothing can be stored, Forbidden where this person may keep nothing."""
    person.require("member", "keep results")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = _members(file)
            written = _list(file)
            blobs = _blobs(file, members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise RefusedFile(DAMAGED.format("it is no whole ZIP file")) from error
    trusted = person.is_at_least("operator")
    stored_as = {name: name if trusted else _own_name(name, blob) for name, blob in blobs.items()}
    made = collections.create(person, written.title, written.about)
    try:
        for name, blob in blobs.items():
            _store(stored_as[name], blob)
        items = [_pointed(line.item, stored_as) for line in written.items]
        collections.add(made.id, person, items, [line.note for line in written.items])
    except StoreUnavailable as error:
        collections.delete(made.id, person)
        raise Unavailable(str(error)) from error
    except BadRequest:
        collections.delete(made.id, person)
        raise
    audit.note(person, "import", "done", key=made.id, results=len(blobs))
    return Taken(collections.find(made.id, person), len(blobs))


def _members(file: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The results in the file by their keys, none of which was read yet."""
    listed = file.infolist()
    if len(listed) > MOST_MEMBERS:
        raise RefusedFile(DAMAGED.format(f"it has more than {MOST_MEMBERS} parts"))
    found: dict[str, zipfile.ZipInfo] = {}
    for member in listed:
        if member.filename == LIST:
            continue
        match = _MEMBER.fullmatch(member.filename)
        if match is None or match[1] in found:
            raise RefusedFile(DAMAGED.format("it has a part that belongs to no collection"))
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise RefusedFile(DAMAGED.format("its results are compressed"))
        found[match[1]] = member
    limit = int(config.settings().sharing.kept_bytes)
    if sum(member.file_size for member in found.values()) > limit:
        raise BadRequest(
            f"The results in this file are larger than the {limit / holding.GIB:.2f} GiB that are allowed here."
        )
    return found


def _list(file: zipfile.ZipFile) -> _Written:
    lists = [member for member in file.infolist() if member.filename == LIST]
    if len(lists) != 1 or lists[0].file_size > MOST_LIST:
        raise RefusedFile(DAMAGED.format("its list of contents is missing or too long"))
    with file.open(lists[0]) as opened:
        text = opened.read(MOST_LIST + 1)
    if len(text) > MOST_LIST:
        raise RefusedFile(DAMAGED.format("its list of contents is too long"))
    try:
        return _Written.model_validate_json(text)
    except (ValidationError, RecursionError) as error:
        raise RefusedFile(DAMAGED.format("its list of contents cannot be read")) from error


def _blobs(file: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> dict[str, bytes]:
    """The results' bytes, which are known to be whole, and modest when they are read."""
    found, room = {}, MOST_UNPACKED
    for name, member in members.items():
        data = file.read(member)
        try:
            unpacked = _unpacked_bytes(data, room)
            blob = Blob.from_bytes(data)
            if not isinstance(blob.facts.get("request"), dict) or not isinstance(blob.facts.get("facts"), dict):
                raise DamagedBlob("It is no result of an experiment.")
            # What came packed is kept in its full size: it counts, and is exported, as what it is.
            found[name] = blob.to_bytes(packed=False) if unpacked else data
        except (DamagedBlob, ValueError, LookupError, TypeError, RecursionError, pa.ArrowException) as error:
            raise RefusedFile(DAMAGED.format("a result in it is not whole")) from error
        room -= unpacked
    return found


def _unpacked_bytes(data: bytes, room: int) -> int:
    """How many bytes the packed pictures of a result have when they are unpacked. Tables are packed too, and a few bytes of
    either can be very much. Raises DamagedBlob for more than there is `room` for, or than anybody makes."""
    header, begin = header_of(data)
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__"), dict):
        raise DamagedBlob("Its header is not one.")
    packings = dict(json.loads(header["__metadata__"].get("packed", "{}")))
    unpacked = sum(map(pictures.unpacked_bytes, packings.values()))
    if unpacked > room:
        raise DamagedBlob("Its packed pictures are too large.")
    for name, tensor in header.items():
        if name.startswith("table/"):
            first, last = tensor["data_offsets"]
            facts = pq.read_metadata(io.BytesIO(memoryview(data)[begin + first : begin + last]))
            if facts.num_rows * facts.num_columns > MOST_CELLS or facts.num_columns > 4096:
                raise DamagedBlob("It has a table that is too large.")
    return unpacked


def _own_name(key: str, data: bytes) -> str:
    """The name under which a stranger's result is kept: its own, unless the very same is stored here."""
    there = config.store().get(key)
    if there is not None and there.to_bytes(packed=False) == data:
        return key
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return IMPORTED + base64.b32encode(digest).decode().rstrip("=").lower()


def _store(key: str, data: bytes) -> None:
    if not config.store().has(key):
        config.store().put_bytes(key, data)


def _pointed(item: Item, stored_as: dict[str, str]) -> Item:
    """The item, with the results that came along under the names that they have here."""
    by_request = {name.partition(".")[0]: kept for name, kept in stored_as.items() if kept.startswith(IMPORTED)}

    def here(key: str) -> str:
        return by_request.get(key.partition(".")[0], key)

    changes: dict[str, Any] = {"results": tuple(here(key) for key in item.results)}
    if item.picture is not None:
        changes["picture"] = item.picture.model_copy(update={"key": here(item.picture.key)})
    if item.kind == "result" and "r" in item.params:
        changes["params"] = {**item.params, "r": here(item.params["r"])}
    return item.model_copy(update=changes)
