"""Checkpoints that people uploaded, where the operator allows it: safetensors of a timm architecture, beside a card.

Invariants: nothing but safetensors is read, so no file runs anything; a file whose weights do not fit its architecture is not
kept, and that is known without memory for either; each belongs to whoever gave it, like any upload.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.core.choices import UPLOADS
from engine.core.config import settings
from engine.core.errors import BadRequest, Forbidden, RefusedFile, Unavailable, VitrineError
from engine.core.paths import brief
from engine.data import belongings
from engine.models.checkpoints import bytes_in_float32, fit_weights
from engine.models.loaded import Entry
from engine.models.source import Built, Source
from engine.models.sources import architectures
from engine.models.sources.cards import read_card
from engine.people.person import LOCAL, Person

KIND = "checkpoints"
PREFIX = UPLOADS[KIND]
_DIGEST = re.compile(r"[0-9a-f]{16}")


class Uploaded(Source):
    """What people uploaded."""

    name, title, prefix = "uploaded", "Uploaded", PREFIX

    def entries(self) -> list[Entry]:
        """None: a checkpoint is found by whoever has its name, or a link."""
        return []

    def find(self, name: str) -> Entry | None:
        """The checkpoint of this digest."""
        digest = name.removeprefix(PREFIX)
        path = folder() / f"{digest}.safetensors"
        if not _DIGEST.fullmatch(digest) or not path.is_file():
            return None
        try:
            card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            return Entry(name, self.name, weights=path.name, available=True, path=path, **read_card(card, path.parent))
        except (OSError, ValueError, TypeError, VitrineError) as error:
            return Entry(name, self.name, "", path.name, available=False, note=f"Its card cannot be used: {error}")

    def missing(self, name: str) -> str:
        """What is said where its file is gone."""
        return f"{brief(name)} is not on this machine: it was deleted, or never uploaded here."

    def build(self, entry: Entry, state: Mapping[str, Tensor]) -> Built:
        """The model of its card's architecture."""
        os.utime(entry.path or "")
        return architectures.build(entry, state)


def folder() -> Path:
    """Where checkpoints are kept."""
    return belongings.folder() / KIND


def keep(data: bytes, name: str, architecture: str, person: Person = LOCAL) -> str:
    """Keep a checkpoint; gives the name of its model. Raises Forbidden where nobody may, RefusedFile for what is no safetensors
    file, BadRequest for weights that do not fit the architecture or a person without room."""
    if not settings().limits.checkpoints:
        raise Forbidden("Checkpoints cannot be uploaded here (limits.checkpoints in vitrine.toml).")
    belongings.check_room(person, len(data))
    digest = hashlib.blake2b(architecture.encode() + b"\0" + data, digest_size=8).hexdigest()
    path = folder() / f"{digest}.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _checked(path.parent, data, name, architecture) as partial:

            def put() -> None:
                path.with_suffix(".json").write_text(json.dumps({"architecture": architecture}), encoding="utf-8")
                os.replace(partial, path)

            belongings.keep(path, person, name, len(data), put)
    except OSError as error:
        raise Unavailable(f"The checkpoint cannot be kept: {error.strerror or error}.") from None
    return PREFIX + digest


@contextmanager
def _checked(place: Path, data: bytes, name: str, architecture: str) -> Iterator[Path]:
    """The checkpoint in a file of its own in this folder, which fits its architecture. Raises as `keep`, and OSError."""
    descriptor, partial = tempfile.mkstemp(dir=place)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        _check(Path(partial), name, architecture)
        yield Path(partial)
    finally:
        Path(partial).unlink(missing_ok=True)


def _check(path: Path, name: str, architecture: str) -> None:
    """Raises as `keep`; only shapes are looked at, so neither the file nor the model takes memory."""
    if architecture.startswith("open_clip/"):
        raise BadRequest("Only timm architectures can be uploaded. Ask the operator to add others to models.toml.")
    try:
        with safe_open(path, "pt") as file:
            shapes = {key: file.get_slice(key).get_shape() for key in list(file.keys())}
    except (SafetensorError, OSError, ValueError):
        raise RefusedFile(f"{brief(name)} is not a safetensors file. Save the weights with safetensors.") from None
    if bytes_in_float32(path) > settings().model_memory_bytes:
        raise BadRequest(f"{brief(name)} holds a model that takes more memory than all models may here.")
    entry = Entry(brief(name), Uploaded.name, weights=brief(name), available=True, **_fields(architecture))
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in shapes.items()}
        module = architectures.untrained_like(entry, state)
    fit_weights(module, state, brief(name))


def _fields(architecture: str) -> dict[str, Any]:
    return read_card({"architecture": architecture}, folder())
