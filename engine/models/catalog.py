"""Which models exist, and loading them: all sources behind one door.

Where models come from stands in `engine.models.sources`. Invariant: whatever is wrong with one model is said when it is asked
for and never keeps the others from being listed; whatever is wrong with a source is one entry that says so.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

import torch

from engine import COMMAND
from engine.core import devices
from engine.core.config import settings
from engine.core.errors import BadRequest, Unavailable, VitrineError, out_of_memory
from engine.models import guard, layouts
from engine.models.checkpoints import bytes_in_float32, read_weights
from engine.models.loaded import Entry, LoadedModel
from engine.models.pool import ModelPool
from engine.models.source import Source
from engine.models.sources import known, open_clip_hub
from engine.models.sources.known import SOURCES, source_of
from engine.models.sources.twin import PREFIX

if TYPE_CHECKING:
    from engine.sites.access import Site

_POOL = threading.Lock()

__all__ = ["Entry", "LoadedModel", "class_names", "entries", "find", "fingerprint", "load", "pool", "source_of", "twin"]


def entries() -> list[Entry]:
    """The models worth listing, source by source (see `engine.models.sources.known.SOURCES`); of timm's and open_clip's those
    suggested or already on this machine. `find` knows all of theirs.
    """
    return [entry for source in SOURCES for entry in _listed(source) if guard.may_load(entry.name.removeprefix(PREFIX))]


def find(name: str) -> Entry:
    """The entry of a model. Raises BadRequest with the nearest names when there is none, Unavailable where its source
    fails, Forbidden where the settings let nobody load it."""
    guard.check_name(name.removeprefix(PREFIX))
    failed: VitrineError | None = None
    sources = known.sources_for(name)
    for source in sources:
        try:
            if (entry := known.found(source, name)) is not None:
                return entry
        except VitrineError as error:
            failed = error
    if failed is not None:
        raise failed
    if reason := next(filter(None, (known.missing(source, name) for source in sources)), ""):
        raise BadRequest(reason)
    near = _near(name)
    hint = f"Similar names: {', '.join(near)}." if near else f"“{COMMAND} models” lists all models."
    raise BadRequest(f"There is no model “{name[:80]}”. {hint}")


def fingerprint(name: str) -> str:
    """Digest (32 hex digits) of a model's weights, architecture, preprocessing and, where they are a person's own, the
    names of its classes: accuracies depend on them.

    The first call reads the weights file, and fetches or converts it where need be; later ones are cheap. Raises
    BadRequest for an unknown name and Unavailable when the weights are not to be had.
    """
    return _fingerprint(find(name))


def twin(name: str) -> str | None:
    """The name of the untrained twin of a model: the same architecture with random weights. None where it cannot be built
    without its weights, and for a twin itself."""
    asked = f"{PREFIX}{name}"
    if name.startswith(PREFIX):
        return None
    return asked if any(known.found(source, asked) for source in known.sources_for(asked)) else None


def class_names(entry: Entry) -> tuple[str, ...] | None:
    """The names of a model's classes in order, without loading it; None where nobody names them."""
    return source_of(entry).class_names(entry)


def reads_texts(entry: Entry) -> bool:
    """Whether a model is a CLIP, with a text tower beside its image tower."""
    return entry.architecture.startswith(open_clip_hub.PREFIX)


def load(name: str, device: torch.device | str | None = None) -> LoadedModel:
    """The model, ready to look into, on `device` (default: the best there is); shared by all who ask for it.

    Raises BadRequest for an unknown name or weights that do not fit, Unavailable when the weights are not to be
    had, RefusedFile when their file is damaged or would run code.
    """
    entry = find(name)
    place = torch.device(device) if device is not None else devices.pick()
    mark = _fingerprint(entry)
    key = (entry.name, mark, str(place))
    if (model := pool().find(key)) is not None:
        return model
    guard.check_loading(entry.name)  # before others are put out for it
    needs = _needs(entry)
    _check_room(entry, place, needs, in_all=True)
    return pool().get(key, lambda: _load(entry, place, mark, needs), needs)


def pool() -> ModelPool:
    """The models of this process."""
    with _POOL:
        return _pool()


@cache
def _pool() -> ModelPool:
    return ModelPool(settings().model_memory_bytes)


def _listed(source: Source) -> list[Entry]:
    """A source's models; where it fails, one entry that says why."""
    try:
        return known.listed(source)
    except VitrineError as error:
        return [Entry(source.prefix or source.name, source.name, "", "", available=False, note=str(error))]


def _fingerprint(entry: Entry) -> str:
    return source_of(entry).fingerprint(entry)


@torch.inference_mode(False)  # whoever asks first may be in it, and no gradient could ever go through such weights
def _load(entry: Entry, device: torch.device, mark: str, needs: int) -> LoadedModel:
    _check_room(entry, device, needs)
    source = source_of(entry)
    file, _ = source.fetch(entry)
    built = source.build(entry, read_weights(file, entry.part) if file else {})
    parts = [*filter(None, (built.module, built.clip))]
    for part in parts:
        part.float().eval().requires_grad_(False)
    try:
        for part in parts:
            part.to(device)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        raise Unavailable(f"{entry.name} does not fit into the memory of {device}. Close other models.") from None
    size, mean, std, names = entry.input_size[1:], entry.mean, entry.std, class_names(entry)
    return LoadedModel(
        entry.name, built.module, size, mean, std, names, mark, device, built.clip, built.make_tokenizer, layouts.keep
    )


def _needs(entry: Entry) -> int:
    """About how many bytes a model's weights take in memory; 0 where nobody knows before they are made. Without a file it is
    built without storage."""
    source = source_of(entry)
    file, _ = source.fetch(entry)
    if file:
        return bytes_in_float32(file)
    try:
        with torch.device("meta"):
            built = source.build(entry, {})
        return 4 * sum(weights.numel() for weights in (built.clip or built.module).parameters())
    except (RuntimeError, NotImplementedError, VitrineError):  # building it in earnest says what is wrong
        return 0


def _check_room(entry: Entry, device: torch.device, needs: int, in_all: bool = False) -> None:
    """Raises Unavailable for a model that needs more bytes of memory than are free, or than there are `in_all`: the system ends
    who takes too much. Whoever loads one has had others put out before."""
    for place, name in ((torch.device("cpu"), "this machine"), (device, str(device))):
        total, free = devices.memory(place)
        if not in_all and free is not None and needs > free:
            devices.free_memory()  # what is only held to save time counts as taken
            total, free = devices.memory(place)
        there = total if in_all else free
        if there is not None and needs > there:
            raise Unavailable(
                f"{entry.name} takes {needs / 1e9:.1f} GB of memory, and {name} has {there / 1e9:.1f} GB"
                f"{'' if in_all else ' free'}. Choose a smaller model, or a machine with more memory."
            )


def _near(name: str) -> list[str]:
    """Up to five names that look like this one, also where the prefix or the tag was left out."""
    listed: list[str] = []
    further: list[str] = []
    for source in SOURCES:
        with suppress(VitrineError):  # said where its models are listed
            listed += [entry.name for entry in known.listed(source)]
            further += known.further_names(source)
    spellings: dict[str, str] = {}
    for each in (*listed, *further):
        bare = each.rpartition("/")[2]
        for spelling in (each, bare, bare.partition(".")[0]):
            spellings.setdefault(spelling.lower(), each)
    close = difflib.get_close_matches(name.rpartition("/")[2].lower(), spellings, n=5, cutoff=0.7)
    close += difflib.get_close_matches(name.lower(), spellings, n=5, cutoff=0.7)
    return list(dict.fromkeys(spellings[spelling] for spelling in close))[:5]


def sites_of(model: str) -> Mapping[str, Site]:
    """The sites of a model in order of depth; it is loaded for them where nobody has found them yet. Raises VitrineError when it
    is unknown or not there, Forbidden where it would have to be loaded for somebody who may not compute."""
    mark = fingerprint(model)
    known = layouts.read(mark)
    if known is None and not guard.may_load_now():
        known = layouts.read(mark, of_any_version=True)
    return load(model).sites if known is None else known
