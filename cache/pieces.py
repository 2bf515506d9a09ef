"""A stored result that is read piece by piece: one picture, one row of an array, one table, and nothing else of its file.

Layout 3 of a blob: the body is cut into chunks, and behind the header stand their digests, which the header's own digest covers.
So each chunk is verified by itself. Invariant: a piece is what was stored, to the bit, or DamagedBlob is raised.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from cache import pictures

CHUNK = 1 << 16
"""Bytes of a chunk; the last one may be shorter."""
CHUNK_DIGEST = 16
ARRAY, TABLE, PICTURES = "array/", "table/", "pictures/"
"""What the names of tensors in a body begin with."""
_DTYPES = {
    **{"BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "F16": "<f2", "U32": "<u4", "I32": "<i4"},
    **{"F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8", "C64": "<c8"},
}

Read = Callable[[int, int], bytes]
"""The bytes from one place of the body to another, verified. Raises DamagedBlob."""


def chunk_digests(prefix: bytes, body: bytes) -> bytes:
    """The digests of all chunks of a body, one after the other."""
    starts = range(0, len(body), CHUNK)
    return b"".join(chunk_digest(prefix, number, body[start : start + CHUNK]) for number, start in enumerate(starts))


def chunk_digest(prefix: bytes, number: int, chunk: bytes | memoryview) -> bytes:
    """The digest of one chunk, which also depends on where it stands."""
    digest = hashlib.blake2b(prefix, digest_size=CHUNK_DIGEST, salt=number.to_bytes(8, "little"))
    digest.update(chunk)
    return digest.digest()


class Pieces:
    """The arrays, tables and facts of a blob, each read when it is asked for. Raises DamagedBlob, ValueError or KeyError where
    something in it is not as it should be; the store takes them all for damage."""

    def __init__(self, read: Read) -> None:
        self._read = read
        length = int.from_bytes(read(0, 8), "little")
        header = json.loads(read(8, 8 + length))
        metadata = header.pop("__metadata__")
        self._start, self._tensors = 8 + length, header
        self._packings: dict[str, pictures.Packing] = json.loads(metadata.get("packed", "{}"))
        self.facts: dict[str, Any] = json.loads(metadata["facts"])

    @property
    def arrays(self) -> list[str]:
        """The names of the arrays."""
        plain = [name.removeprefix(ARRAY) for name in self._tensors if name.startswith(ARRAY)]
        return [*plain, *self._packings]

    def shape(self, name: str) -> list[int]:
        """The shape of an array."""
        return self._packings[name]["shape"] if name in self._packings else self._tensors[ARRAY + name]["shape"]

    def array(self, name: str) -> np.ndarray:
        """A whole array."""
        if name in self._packings:
            return pictures.unpacked(self._tensor(PICTURES + name), self._packings[name])
        return self._tensor(ARRAY + name)

    def row(self, name: str, number: int) -> np.ndarray:
        """One row of an array, along its first axis; of packed pictures nothing else is decoded."""
        shape = self.shape(name)
        if not 0 <= number < shape[0]:
            raise ValueError(f"There is no row {number} in {name}.")
        if name in self._packings:
            return self._picture_row(name, number)
        facts = self._tensors[ARRAY + name]
        begin, end = facts["data_offsets"]
        each = (end - begin) // shape[0]
        data = self._read(self._start + begin + number * each, self._start + begin + (number + 1) * each)
        return np.frombuffer(data, _DTYPES[facts["dtype"]]).reshape(shape[1:])

    def table(self, name: str) -> pd.DataFrame:
        """A whole table."""
        return pd.read_parquet(io.BytesIO(self._tensor(TABLE + name).tobytes()))

    @property
    def tables(self) -> list[str]:
        """The names of the tables."""
        return [name.removeprefix(TABLE) for name in self._tensors if name.startswith(TABLE)]

    def _tensor(self, name: str) -> np.ndarray:
        facts = self._tensors[name]
        begin, end = facts["data_offsets"]
        data = self._read(self._start + begin, self._start + end)
        return np.frombuffer(data, _DTYPES[facts["dtype"]]).reshape(facts["shape"])

    def _picture_row(self, name: str, number: int) -> np.ndarray:
        shape, ends = self._packings[name]["shape"], [0, *self._packings[name]["ends"]]
        each = math.prod(shape[1:-3])
        first, last = number * each, (number + 1) * each
        begin = self._start + self._tensors[PICTURES + name]["data_offsets"][0]
        data = np.frombuffer(self._read(begin + ends[first], begin + ends[last]), np.uint8)
        own = [end - ends[first] for end in ends[first + 1 : last + 1]]
        return pictures.unpacked(data, {"shape": [1, *shape[1:]], "ends": own})[0]


class Whole:
    """The same of a blob that is read as a whole."""

    def __init__(self, arrays: dict[str, np.ndarray], tables: dict[str, pd.DataFrame], facts: dict[str, Any]) -> None:
        self._arrays, self._tables, self.facts = arrays, tables, facts

    @property
    def arrays(self) -> list[str]:
        """The names of the arrays."""
        return [*self._arrays]

    @property
    def tables(self) -> list[str]:
        """The names of the tables."""
        return [*self._tables]

    def shape(self, name: str) -> list[int]:
        """The shape of an array."""
        return [*self._arrays[name].shape]

    def array(self, name: str) -> np.ndarray:
        """A whole array."""
        return self._arrays[name]

    def row(self, name: str, number: int) -> np.ndarray:
        """One row of an array."""
        return self._arrays[name][number]

    def table(self, name: str) -> pd.DataFrame:
        """A whole table."""
        return self._tables[name]
