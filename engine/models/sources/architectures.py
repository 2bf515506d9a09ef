"""A model from its weights and the name of an architecture, of timm or of open_clip."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import timm
import torch
from timm.data import resolve_data_config
from timm.models import get_pretrained_cfg
from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.models.checkpoints import class_count, fit_weights
from engine.models.loaded import IMAGENET_MEAN, IMAGENET_STD, Entry
from engine.models.source import Built
from engine.models.sources import open_clip_hub


def preprocessing(architecture: str) -> dict[str, Any]:
    """`input_size`, `mean` and `std` that an architecture's weights usually expect: timm's resolved data configuration (of
    the tag in its name, else of its default weights), or open_clip's. For one that is not known: ImageNet's, 224 pixels."""
    if architecture.startswith(open_clip_hub.PREFIX):
        return open_clip_hub.preprocessing(architecture.removeprefix(open_clip_hub.PREFIX))
    config = get_pretrained_cfg(architecture) if timm.is_model(architecture) else None
    if config is None:
        return {"input_size": 224, "mean": IMAGENET_MEAN, "std": IMAGENET_STD}
    found = resolve_data_config({}, pretrained_cfg=config.to_dict())
    return {name: found[name] for name in ("input_size", "mean", "std")}


def build(entry: Entry, state: Mapping[str, Tensor]) -> Built:
    """The model with these weights, every one of them. Raises BadRequest for an unknown architecture or weights that do
    not fit."""
    if entry.architecture.startswith(open_clip_hub.PREFIX):
        return open_clip_hub.build(entry, state)
    module = _create(entry, state)
    fit_weights(module, state, entry.path or entry.weights)
    return Built(module)


def untrained(entry: Entry) -> Built:
    """The model with the random weights that its architecture begins with. Raises BadRequest for an unknown one."""
    if entry.architecture.startswith(open_clip_hub.PREFIX):
        return open_clip_hub.untrained(entry)
    return Built(_create(entry, {}))


def untrained_like(entry: Entry, state: Mapping[str, Tensor]) -> nn.Module:
    """The timm module with as many classes as these weights have. Raises BadRequest for an unknown architecture."""
    return _create(entry, state)


def _create(entry: Entry, state: Mapping[str, Tensor]) -> nn.Module:
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
