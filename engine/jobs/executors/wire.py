"""What travels between the one who asks and a worker: plain text there, the bytes of blobs back.

Invariants: nothing that comes in is executed or unpickled; a result is taken only under the key that follows from what is inside
it: the request, and the fingerprints of the weights and data that it was made of. So a result of other weights is never
accepted under a request's key, whoever sends it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import IO, Any, Self

import numpy as np

from cache.blob import Blob, DamagedBlob, canonical_json
from engine.core.errors import BadRequest, RefusedFile
from engine.core.request import Made, Progress, Request, canonical_text, digest
from engine.jobs import keys

_HEAD = struct.Struct(">IQ")
LONGEST_HEADER = 1 << 24
"""Bytes. A request is some kilobytes of text."""


@dataclass(frozen=True)
class Task:
    """A request as it travels: its text, its key, the fingerprints of what it reads, and the precision to compute it in where
    the settings of who asks name one (else empty: the worker's own)."""

    request: str
    key: str
    fingerprints: Mapping[str, str]
    precision: str = ""

    @classmethod
    def of(cls, request: Request, precision: str = "") -> Self:
        """Raises VitrineError where the request cannot be keyed."""
        wanted = keys.ALWAYS if request.always_float32 else precision
        return cls(request.canonical(), request.key(), dict(request.fingerprints()), wanted)

    def as_text(self) -> str:
        return canonical_json(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Raises BadRequest for anything that `as_text` did not write."""
        try:
            fields = json.loads(text)
            prints = {str(name): str(value) for name, value in fields.pop("fingerprints").items()}
            task = cls(fingerprints=prints, **{name: str(value) for name, value in fields.items()})
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BadRequest("This is not a request that was sent to a worker.") from None
        if digest(task.request, task.fingerprints) != task.key:
            raise BadRequest("A request that was sent to a worker does not have the key that it says.")
        return task


def checked(place: str, data: bytes) -> Blob:
    """The result that these bytes are, to be stored in this place (see `engine.jobs.keys.stored_key`). Raises RefusedFile where
    they are damaged or not what they say: another request, other weights or data, another precision."""
    try:
        blob = Blob.from_bytes(data)
        facts = blob.facts["facts"]
        prints = {str(name): str(value) for name, value in facts["fingerprints"].items()}
        key, precision = digest(canonical_text(blob.facts["request"]), prints), str(facts["precision"])
    except DamagedBlob as error:
        raise RefusedFile(f"A result arrived damaged and was refused: {error}") from error
    except (KeyError, TypeError, AttributeError):
        raise RefusedFile("A result arrived that does not say what it was made of; it was refused.") from None
    if place != keys.stored_key(key, precision):
        raise RefusedFile(
            f"A result arrived that is of another request, or of other weights or data, than {keys.request_key(place)}; it was "
            "refused."
        )
    return blob


# Progress


def as_bytes(progress: Progress) -> bytes:
    """A report as bytes, with its preview and pictures."""
    arrays = {f"made/{name}": made.picture for name, made in progress.made.items()}
    if progress.preview is not None:
        arrays["preview"] = np.frombuffer(progress.preview, np.uint8)
    facts = {
        "step": progress.step,
        "total": progress.total,
        "message": progress.message,
        "curve": [float(value) for value in progress.curve],
        "made": {
            name: [None if made.activation is None else float(made.activation), made.kept]
            for name, made in progress.made.items()
        },
    }
    return Blob(arrays, {}, facts).to_bytes()


def progress_of(data: bytes) -> Progress:
    """The report that these bytes are. Raises DamagedBlob for anything else."""
    blob = Blob.from_bytes(data)
    try:
        facts = blob.facts
        made = {
            str(name): Made(blob.arrays[f"made/{name}"], None if value is None else float(value), bool(kept))
            for name, (value, kept) in facts["made"].items()
        }
        preview = blob.arrays.get("preview")
        return Progress(
            int(facts["step"]),
            int(facts["total"]),
            str(facts["message"]),
            None if preview is None else preview.tobytes(),
            tuple(map(float, facts["curve"])),
            made,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedBlob("This is not a worker's report.") from error


# Messages through a pipe: a JSON header and bytes, each behind its length


def write_message(stream: IO[bytes], header: Mapping[str, Any], payload: bytes = b"") -> None:
    """Raises OSError where nobody reads any more."""
    text = json.dumps(header).encode()
    stream.write(_HEAD.pack(len(text), len(payload)) + text + payload)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None at the end, also where the other side died in the middle of one."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    header, payload = _HEAD.unpack(head)
    if header > LONGEST_HEADER:
        return None
    text = stream.read(header)
    body = stream.read(payload)
    if len(text) < header or len(body) < payload:
        return None
    return json.loads(text), body
