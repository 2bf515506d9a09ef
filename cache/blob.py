"""One result as bytes: arrays, tables and JSON facts behind a header with a digest.

Invariant: whatever `Blob.from_bytes` returns is exactly what `Blob.to_bytes` was given. A truncated, changed or
foreign byte string raises DamagedBlob, and nothing in it is ever executed: arrays travel as safetensors, tables as
Parquet, facts as JSON.

Layout: magic (8 bytes), version (2), body length (8), BLAKE2b-256 digest of those three and the body (32), body.
The body is one safetensors file; a table is an array of its Parquet bytes; the facts are in the metadata. Layout 2 has
pictures packed (`cache.pictures`): smaller, and slower to write. Layout 3, which is written in its place, can be read piece by
piece (`cache.pieces`): the digests of the body's chunks stand before it, and the header's digest is of those.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load, save

from cache import pictures
from cache.pieces import ARRAY, CHUNK, CHUNK_DIGEST, PICTURES, TABLE, Pieces, Read, chunk_digest, chunk_digests

MAGIC = b"VITRBLOB"
VERSION, FORMERLY_PACKED, PACKED_VERSION = 1, 2, 3
_PREFIX = struct.Struct("<8sHQ")
_DIGEST_BYTES = 32
HEADER_BYTES = _PREFIX.size + _DIGEST_BYTES
PACKED_FROM = 2
"""An array of so many pictures is packed."""


class DamagedBlob(ValueError):
    """These bytes are not a whole, unchanged blob of a version we know."""


class OtherLayout(DamagedBlob):
    """A blob of a layout that only another version of Vitrine reads."""


@dataclass
class Blob:
    """Named arrays, named tables and JSON facts: what the store keeps and the export writes."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self, packed: bool | None = None) -> bytes:
        """This blob as bytes; `packed`: pictures as lossless WebP (default: where an array has several). Raises TypeError when
        an array or a fact is of a kind that cannot be stored."""
        arrays = {name: _storable(name, array) for name, array in self.arrays.items()}
        metadata, tensors = {"facts": canonical_json(self.facts)}, {}
        packings: dict[str, pictures.Packing] = {}
        for name, array in arrays.items():
            if packed is not False and pictures.packs(array) and (packed or len(array) >= PACKED_FROM):
                tensors[PICTURES + name], packings[name] = pictures.packed(array)
            else:
                tensors[ARRAY + name] = array
        tensors |= {TABLE + name: _parquet(table) for name, table in self.tables.items()}
        if packings:
            metadata["packed"] = canonical_json(packings)
        body = save(tensors, metadata=metadata)
        prefix = _PREFIX.pack(MAGIC, PACKED_VERSION if packings else VERSION, len(body))
        chunks = chunk_digests(prefix, body) if packings else b""
        return prefix + _digest(prefix, chunks or body) + chunks + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Blob:
        """The blob that these bytes hold. Raises DamagedBlob for anything that `to_bytes` did not write."""
        body = _checked_body(data)
        try:
            # safetensors: header length (8 bytes, little endian), JSON header, tensors
            header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])
            facts = json.loads(header["__metadata__"]["facts"])
            if not isinstance(facts, dict):
                raise TypeError("facts are a mapping")
            packings = json.loads(header["__metadata__"].get("packed", "{}"))
            tensors = load(body)
            arrays = {name.removeprefix(ARRAY): a for name, a in tensors.items() if name.startswith(ARRAY)}
            for name, packing in packings.items():
                arrays[name] = pictures.unpacked(tensors[PICTURES + name], packing)
            tables = {
                name.removeprefix(TABLE): pd.read_parquet(io.BytesIO(a.tobytes()))
                for name, a in tensors.items()
                if name.startswith(TABLE)
            }
        except MemoryError:
            raise
        except Exception as error:  # the parsers of three formats raise what they like; all of it means the same
            raise DamagedBlob(f"The body of a stored result cannot be read ({type(error).__name__}).") from error
        return cls(arrays, tables, facts)


def facts_of(data: bytes) -> dict[str, Any]:
    """The facts of a blob that is known to be whole, without its arrays. Raises DamagedBlob where these bytes are none."""
    try:
        facts = json.loads(header_of(data)[0]["__metadata__"]["facts"])
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedBlob("The facts of a stored result cannot be read.") from error
    return facts if isinstance(facts, dict) else {}


def header_of(data: bytes) -> tuple[Any, int]:
    """What the JSON header of a blob's tensors says, unchecked, and where the tensors begin. Raises DamagedBlob where these bytes
    are no blob, ValueError where the header is no JSON."""
    version, length = _checked_head(data[:HEADER_BYTES])
    begin = HEADER_BYTES + (_chunks_bytes(length) if version == PACKED_VERSION else 0)
    end = begin + 8 + int.from_bytes(data[begin : begin + 8], "little")
    return json.loads(data[begin + 8 : end]), end


def canonical_json(facts: Any) -> str:
    """JSON with sorted keys and no spaces; NumPy scalars become numbers. Raises TypeError for other objects."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A fact of type {type(value).__name__} cannot be stored; use plain JSON values.")


def _storable(name: str, array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > 8:
        raise TypeError(f"Array “{name}” has dtype {array.dtype}; only numbers of at most 8 bytes can be stored.")
    # safetensors writes the memory as it lies, so a transposed view would come back scrambled
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def _parquet(table: pd.DataFrame) -> np.ndarray:
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return np.frombuffer(buffer.getvalue(), dtype=np.uint8)


def _digest(prefix: bytes, body: bytes | memoryview) -> bytes:
    digest = hashlib.blake2b(prefix, digest_size=_DIGEST_BYTES)
    digest.update(body)
    return digest.digest()


def pieces(read: Read, size: int) -> Pieces | None:
    """A blob that is read piece by piece by `read(start, end)`, of so many bytes in all; None for one of a layout that is read
    as a whole. Raises DamagedBlob for anything that `to_bytes` did not write."""
    head = read(0, HEADER_BYTES)
    version, length = _checked_head(head)
    if version != PACKED_VERSION:
        return None
    prefix, begin = head[: _PREFIX.size], HEADER_BYTES + _chunks_bytes(length)
    if begin + length != size:
        raise DamagedBlob(f"A stored result is cut: {size} of {begin + length} bytes are there.")
    digests = read(HEADER_BYTES, begin)
    if _digest(prefix, digests) != head[_PREFIX.size :]:
        raise DamagedBlob("A stored result was changed: its digest does not match.")

    def verified(start: int, end: int) -> bytes:
        first, last = start // CHUNK, -(-end // CHUNK)
        data = read(begin + first * CHUNK, min(begin + last * CHUNK, size))
        for number in range(first, last):
            chunk = memoryview(data)[(number - first) * CHUNK : (number - first + 1) * CHUNK]
            if chunk_digest(prefix, number, chunk) != digests[number * CHUNK_DIGEST : (number + 1) * CHUNK_DIGEST]:
                raise DamagedBlob("A stored result was changed: its digest does not match.")
        return data[start - first * CHUNK : end - first * CHUNK]

    return Pieces(verified)


def _chunks_bytes(length: int) -> int:
    return -(-length // CHUNK) * CHUNK_DIGEST


def _checked_head(head: bytes) -> tuple[int, int]:
    """The layout and the body's length. Raises DamagedBlob."""
    if len(head) < HEADER_BYTES:
        raise DamagedBlob(f"A stored result of {len(head)} bytes is too short to be one.")
    magic, version, length = _PREFIX.unpack_from(head)
    if magic != MAGIC:
        raise DamagedBlob("This is not a stored result: it does not start like one.")
    if version not in (VERSION, FORMERLY_PACKED, PACKED_VERSION):
        raise OtherLayout(f"This stored result has layout {version}; this Vitrine reads layouts 1 to {PACKED_VERSION}.")
    return version, length


def _checked_body(data: bytes) -> bytes:
    version, length = _checked_head(data[:HEADER_BYTES])
    begin = HEADER_BYTES + (_chunks_bytes(length) if version == PACKED_VERSION else 0)
    if length != len(data) - begin:
        raise DamagedBlob(f"A stored result is cut: {len(data) - begin} of {length} bytes are there.")
    prefix, body = data[: _PREFIX.size], data[begin:]
    covered: bytes | memoryview = body
    if version == PACKED_VERSION:
        covered = data[HEADER_BYTES:begin]
        if chunk_digests(prefix, body) != covered:
            raise DamagedBlob("A stored result was changed: the digest of a part of it does not match.")
    if _digest(prefix, covered) != data[_PREFIX.size : HEADER_BYTES]:
        raise DamagedBlob("A stored result was changed: its digest does not match.")
    return body
