"""open_clip's pretrained models: language-supervised two-tower networks, of which the image tower is looked into.

A model is called open_clip/ARCHITECTURE/TAG, as open_clip itself names the two. A person's own weights of an
architecture are named in models.toml with `architecture = "open_clip/ViT-B-32"`; with `config` the architecture is one
that open_clip does not list.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import Tensor, nn

from engine.core.errors import BadRequest, Unavailable
from engine.models import hub
from engine.models.checkpoints import digest, fit_weights
from engine.models.loaded import Entry, Tokenizer
from engine.models.source import Built, Source
from engine.models.sources.open_clip_blocks import rebuild
from engine.models.text import tokenizer_of

PREFIX = "open_clip/"
# What a card may say of how a model is made; all else would read weights past engine.models.checkpoints, or fetch some.
SWITCHES = {"force_quick_gelu", "force_custom_text", "force_patch_dropout", "force_image_size", "force_context_length"}
SUGGESTED = ("ViT-B-16/openai", "ViT-B-32/openai", "RN50/openai", "ViT-B-16/laion2b_s34b_b88k", "ViT-B-16-SigLIP/webli")


class ImageTower(nn.Module):
    """The image side of a two-tower model: images (B, 3, H, W) -> embeddings (B, D), not normalised."""

    embeds = True

    def __init__(self, clip: nn.Module) -> None:
        super().__init__()
        self.visual: Any = clip.get_submodule("visual")
        rebuild(self.visual)

    def forward(self, images: Tensor) -> Tensor:
        return self.visual(images)


class OpenClipHub(Source):
    """Every pretrained model of open_clip."""

    name, title, prefix = "open_clip", "open_clip hub", PREFIX

    def entries(self) -> list[Entry]:
        """The suggested models and all whose weights lie in the hub's local cache."""
        cached = set(
            hub.cached_repositories()
        )  # asking after the files of every model would take a quarter of a second
        near = [name for name in _names() if name in SUGGESTED or _repository(name) in cached]
        every = [entry for name in near if (entry := self.find(PREFIX + name))]
        listed = [entry for entry in every if entry.available or _is_suggested(entry)]
        return sorted(listed, key=lambda entry: not _is_suggested(entry))

    def names(self) -> list[str]:
        """All pretrained models that open_clip finds on the hub."""
        return [PREFIX + name for name in _names()]

    def find(self, name: str) -> Entry | None:
        """The entry of a pretrained model."""
        name = name.removeprefix(PREFIX)
        if name not in _names():
            return None
        model, _, tag = name.partition("/")
        config, place = _config(model, tag), _place(model, tag)
        path = hub.cached(place)
        return Entry(
            name=PREFIX + name,
            kind=self.name,
            architecture=PREFIX + model,
            weights=place.repository,
            available=path is not None,
            licence="see the model's page",
            note="" if path else "Not on this machine yet; fetched from the hub when somebody asks for it.",
            input_size=(3, *_image_size(model)),
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
            kwargs={"force_quick_gelu": True} if config.get("quick_gelu") else {},
            path=path,
        )

    def fetch(self, entry: Entry) -> tuple[Path, str]:
        """The weights file, downloaded where it is not there yet, and its digest. Raises Unavailable in one sentence where
        that fails."""
        file = hub.fetch(entry.name, self.place(entry))
        return file, digest(file)

    def place(self, entry: Entry) -> hub.Place:
        """Where the weights lie on the hub. Raises Unavailable where they do not."""
        model, _, tag = entry.name.removeprefix(PREFIX).partition("/")
        return _place(model, tag)

    def build(self, entry: Entry, state: Mapping[str, Tensor]) -> Built:
        """The image tower with these weights, and the whole model. Raises BadRequest where they do not fit."""
        return build(entry, state)


@cache
def _names() -> tuple[str, ...]:
    """ARCHITECTURE/TAG of all pretrained models that open_clip finds on the hub."""
    return tuple(f"{model}/{tag}" for model, tag in open_clip.list_pretrained() if _hub_of(model, tag))


@cache
def _repository(name: str) -> str:
    """Where on the hub the weights of ARCHITECTURE/TAG lie."""
    model, _, tag = name.partition("/")
    return _place(model, tag).repository


def _is_suggested(entry: Entry) -> bool:
    return entry.name.removeprefix(PREFIX) in SUGGESTED


def build(entry: Entry, state: Mapping[str, Tensor]) -> Built:
    """The image tower of a two-tower model with these weights, and that model.

    Raises BadRequest for an unknown architecture or weights that do not fit.
    """
    source = entry.path or entry.weights
    if entry.config is not None:
        # Without storage first: a config that asks for more than its weights file holds costs no memory.
        fit_weights(_create(entry, "meta"), {name: tensor.to("meta") for name, tensor in state.items()}, source)
    elif _architecture(entry) not in open_clip.list_models():
        raise BadRequest(
            f"open_clip has no architecture “{_architecture(entry)[:80]}”: open_clip.list_models() lists them."
        )
    model = _create(entry, "cpu")
    fit_weights(model, state, source)
    return Built(ImageTower(model), model, partial(tokenizer, entry))


def preprocessing(model: str) -> dict[str, Any]:
    """`input_size`, `mean` and `std` of an architecture: what all its pretrained weights share, else open_clip's own."""
    configs = [open_clip.get_pretrained_cfg(model, tag) for tag in open_clip.list_pretrained_tags_by_model(model)]
    found = {(tuple(each["mean"]), tuple(each["std"])) for each in configs if each.get("mean") and each.get("std")}
    plain = open_clip.transform.PreprocessCfg()
    mean, std = next(iter(found)) if len(found) == 1 else (plain.mean, plain.std)
    return {"input_size": [*_image_size(model)], "mean": mean, "std": std}


def untrained(entry: Entry) -> Built:
    """Image tower and whole model with random weights. Raises BadRequest for an unknown architecture."""
    model = _create(entry, "cpu")
    return Built(ImageTower(model), model, partial(tokenizer, entry))


def tokenizer(entry: Entry) -> Tokenizer:
    """The tokenizer of a model's text tower. Raises VitrineError as `engine.models.text.tokenizer_of` does."""
    model = entry.config["model_cfg"] if entry.config is not None else open_clip.get_model_config(_architecture(entry))
    text = dict((model or {}).get("text_cfg", {}))
    if length := entry.kwargs.get("force_context_length"):
        text["context_length"] = length
    return tokenizer_of(entry.name, text)


def _architecture(entry: Entry) -> str:
    return entry.architecture.removeprefix(PREFIX)


def _create(entry: Entry, device: str) -> nn.Module:
    """The model with random weights. Nothing is fetched: neither tower asks for weights of its own."""
    try:
        if entry.config is None:
            return open_clip.create_model(
                _architecture(entry), load_weights=False, pretrained_text=False, **entry.kwargs
            )
        with torch.device(device):
            return _described(entry.config["model_cfg"])
    except (TypeError, ValueError, RuntimeError, OSError, AssertionError, KeyError, ArithmeticError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadRequest(f"open_clip cannot create “{_architecture(entry)}” for {entry.name}: {reason}") from None


def _described(model: Mapping[str, Any]) -> nn.Module:
    """The model of a checked `model_cfg`."""
    settings: dict[str, Any] = {**model, "vision_cfg": {**model["vision_cfg"], "timm_model_pretrained": False}}
    kind = open_clip.CustomTextCLIP if settings.pop("custom_text", False) else open_clip.CLIP
    return kind(**settings)


def _image_size(model: str) -> tuple[int, int]:
    config = open_clip.get_model_config(model) or {}
    size = config.get("vision_cfg", {}).get("image_size", 224)
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _config(model: str, tag: str) -> Mapping[str, Any]:
    return open_clip.get_pretrained_cfg(model, tag)


def _hub_of(model: str, tag: str) -> str:
    return _config(model, tag).get("hf_hub", "")


def _place(model: str, tag: str) -> hub.Place:
    """open_clip writes owner/name/ or owner/name/file."""
    if not (given := _hub_of(model, tag)):
        raise Unavailable(f"The hub has no weights of {PREFIX}{model}/{tag}. Add a weights file to models.toml.")
    repository, file = os.path.split(given)
    return hub.place(repository, file or None, "open_clip_pytorch_model.bin")
