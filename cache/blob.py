"""One result as bytes: arrays, tables and JSON facts behind a header with a digest.

Invariant: whatever `Blob.from_bytes` returns is exactly what `Blob.to_bytes` was given. A truncated, changed or
foreign byte string raises DamagedBlob, and nothing in it is ever executed: arrays travel as safetensors, tables as
Parquet, facts as JSON.

Layout: magic (8 bytes), version (2), body length (8), BLAKE2b-256 digest of those three and the body (32), body.
The body is one safetensors file; a table is an array of its Parquet bytes; the facts are in the metadata. Layout 2 is the
same with pictures packed (`cache.pictures`): smaller, and slower to write.
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

MAGIC = b"VITRBLOB"
VERSION, PACKED_VERSION = 1, 2
_PREFIX = struct.Struct("<8sHQ")
_DIGEST_BYTES = 32
HEADER_BYTES = _PREFIX.size + _DIGEST_BYTES
_ARRAY, _TABLE, _PICTURES = "array/", "table/", "pictures/"


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

    def to_bytes(self, packed: bool = False) -> bytes:
        """This blob as bytes; `packed`: pictures as lossless WebP. Raises TypeError when an array or a fact is of a kind that
        cannot be stored."""
        arrays = {name: _storable(name, array) for name, array in self.arrays.items()}
        metadata, tensors = {"facts": canonical_json(self.facts)}, {}
        packings: dict[str, pictures.Packing] = {}
        for name, array in arrays.items():
            if packed and pictures.packs(array):
                tensors[_PICTURES + name], packings[name] = pictures.packed(array)
            else:
                tensors[_ARRAY + name] = array
        tensors |= {_TABLE + name: _parquet(table) for name, table in self.tables.items()}
        if packings:
            metadata["packed"] = canonical_json(packings)
        body = save(tensors, metadata=metadata)
        prefix = _PREFIX.pack(MAGIC, PACKED_VERSION if packings else VERSION, len(body))
        return prefix + _digest(prefix, body) + body

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
            arrays = {name.removeprefix(_ARRAY): a for name, a in tensors.items() if name.startswith(_ARRAY)}
            for name, packing in packings.items():
                arrays[name] = pictures.unpacked(tensors[_PICTURES + name], packing)
            tables = {
                name.removeprefix(_TABLE): pd.read_parquet(io.BytesIO(a.tobytes()))
                for name, a in tensors.items()
                if name.startswith(_TABLE)
            }
        except MemoryError:
            raise
        except Exception as error:  # the parsers of three formats raise what they like; all of it means the same
            raise DamagedBlob(f"The body of a stored result cannot be read ({type(error).__name__}).") from error
        return cls(arrays, tables, facts)


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


def _checked_body(data: bytes) -> bytes:
    if len(data) < HEADER_BYTES:
        raise DamagedBlob(f"A stored result of {len(data)} bytes is too short to be one.")
    magic, version, length = _PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise DamagedBlob("This is not a stored result: it does not start like one.")
    if version not in (VERSION, PACKED_VERSION):
        raise OtherLayout(f"This stored result has layout {version}; this Vitrine reads layouts 1 to {PACKED_VERSION}.")
    if length != len(data) - HEADER_BYTES:
        raise DamagedBlob(f"A stored result is cut: {len(data) - HEADER_BYTES} of {length} bytes are there.")
    body = data[HEADER_BYTES:]
    if _digest(data[: _PREFIX.size], body) != data[_PREFIX.size : HEADER_BYTES]:
        raise DamagedBlob("A stored result was changed: its digest does not match.")
    return body
