"""Goals from their texts: what a target names is looked up, checked, and read once.

Invariant: a goal is built once for a model while the model is there; a `match:` goal's image passes through it once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from engine.core.choices import DEFAULT_DATA, EMBEDDING
from engine.core.errors import BadRequest
from engine.core.precision import precision
from engine.core.targets import Part, parse_target
from engine.data import uploads
from engine.data.registry import open_dataset
from engine.models.loaded import LoadedModel
from engine.models.text import cut_short, scale, text_embedding
from engine.sites.access import Site, find
from engine.sites.plan import plan
from engine.visualization.activations import activations
from engine.visualization.goals import Caricature, FeatureInversion, Goal, Linear, TextSimilarity, Unit, UnitAtPosition

KEPT = 32
"""Goals that are kept ready for one model; the one unused for longest goes first."""
_READY: WeakKeyDictionary[LoadedModel, OrderedDict[tuple[str, ...], Goal]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def check(model: LoadedModel, site: str, text: str, data: str = DEFAULT_DATA) -> None:
    """Raises VitrineError where the site has no such unit, head or position, or where the vector or image that the
    target names is not here. Runs no model."""
    target, place = parse_target(text), find(model.sites, site)
    if target.text:
        _check_text(model, site, target.text)
    if target.whole:
        uploads.image_of(target.image, data)
    for term in target.terms:
        _place(place, term.part)
        _direction(model, place, term.part)


def goal(model: LoadedModel, site: str, text: str, data: str = DEFAULT_DATA) -> Goal:
    """The goal of a target's text (`7` is unit 7). Raises VitrineError as `check` does."""
    check(model, site, text, data)
    target = parse_target(text)
    if target.unit is not None:
        return Unit(target.unit)
    # What a number of an image means depends on the data set; how it is read, on the precision.
    seen = open_dataset(data).fingerprint if target.image.isdigit() else ""
    key = (site, str(target), data, seen, str(precision(model.device)))
    with _LOCK:
        ready = _READY.setdefault(model, OrderedDict())
        if key in ready:
            ready.move_to_end(key)
            return ready[key]
    made = _built(model, site, str(target), data)
    with _LOCK:
        ready[key] = made
        while len(ready) > KEPT:
            ready.popitem(last=False)
    return made


def goals_of(model: LoadedModel, site: str, names: Sequence[int | str], data: str = DEFAULT_DATA) -> list[Goal]:
    """The goals of units (by number) and targets (by text). Raises VitrineError as `check` does."""
    return [goal(model, site, str(name), data) for name in names]


def _built(model: LoadedModel, site: str, text: str, data: str) -> Goal:
    target, place = parse_target(text), find(model.sites, site)
    if target.whole:
        reference = activations(model, site, uploads.image_of(target.image, data))
        return FeatureInversion(text, reference) if target.whole == "match" else Caricature(text, reference)
    if target.text:
        words = torch.from_numpy(text_embedding(model, [target.text])[0]).to(model.device)
        return TextSimilarity(text, words, scale(model))
    places = [_place(place, term.part) for term in target.terms]
    part = target.alone
    if part is not None and part.kind == "unit" and places[0] is not None:
        return UnitAtPosition(text, part.number, places[0])
    directions = [term.weight * _direction(model, place, term.part) for term in target.terms]
    return Linear(text, [*zip(places, directions, strict=True)])


def heads_of(model: LoadedModel, site: Site) -> int:
    """How many attention heads a site's units are split into; 0 where they are not split into heads."""
    if not site.role.startswith("attn.") or site.role == "attn.out":
        return 0  # attention's output has passed its last projection, which mixes the heads
    rows = plan(model.module, model.input_size).points[site.name].rows
    if rows is None:
        return 0
    holders = (part for part in model.module.modules() if part is rows.module or rows.module in [*part.children()])
    found = (getattr(part, "num_heads", None) for part in holders)
    heads = next((number for number in found if isinstance(number, int)), 0)
    return heads if heads > 0 and site.units % heads == 0 else 0


def _check_text(model: LoadedModel, site: str, text: str) -> None:
    if model.clip is None:
        raise BadRequest(f"{model.name} has no text tower, so text similarity is not available. Choose a CLIP.")
    if site != EMBEDDING:
        raise BadRequest(
            f"Text similarity applies to the embedding of the whole picture: choose the layer {EMBEDDING}, not {site}."
        )
    if cut := cut_short(model, [text]):
        raise BadRequest(
            f"The text is longer than {model.name} reads. Shorten it: “{cut[text]}” is all that it would read."
        )


def _place(site: Site, part: Part) -> int | None:
    if part.position is None:
        return None
    row, column = part.position
    if row >= site.grid.height or column >= site.grid.width:
        raise BadRequest(
            f"{site.name} has {site.grid.height} x {site.grid.width} positions, counted from 0; there is no {row}x{column}."
        )
    return site.grid.prefix + row * site.grid.width + column


def _direction(model: LoadedModel, site: Site, part: Part) -> Tensor:
    """(unit,) float32: one for a unit, the mean for a head, the vector at length 1 for a direction."""
    out = torch.zeros(site.units, device=model.device)
    if part.kind == "unit":
        if part.number >= site.units:
            raise BadRequest(
                f"{model.name}@{site.name} has units 0 to {site.units - 1}; there is no unit {part.number}."
            )
        out[part.number] = 1.0
    elif part.kind == "head":
        heads = heads_of(model, site)
        if not heads:
            raise BadRequest(f"{site.name} has no attention heads. Choose an attention query, key or value.")
        if part.number >= heads:
            raise BadRequest(f"{site.name} has heads 0 to {heads - 1}; there is no head {part.number}.")
        width = site.units // heads
        out[part.number * width : (part.number + 1) * width] = 1 / width
    else:
        vector = torch.from_numpy(uploads.vector(part.digest)).to(model.device)
        if len(vector) != site.units:
            raise BadRequest(
                f"The direction {part.digest} has {len(vector)} numbers, but {site.name} has {site.units} units."
            )
        out = vector / vector.norm()
    return out
