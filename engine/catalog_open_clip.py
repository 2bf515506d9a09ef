"""open_clip's pretrained models: language-supervised two-tower networks, of which the image tower is looked into.

A model is called open_clip/ARCHITECTURE/TAG, as open_clip itself names the two. A person's own weights of an
architecture are named in models.toml with `architecture = "open_clip/ViT-B-32"`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import open_clip
from torch import Tensor, nn

from engine import hub
from engine.checkpoints import fit_weights
from engine.errors import BadRequest, Unavailable
from engine.models import Entry

PREFIX = "open_clip/"
SUGGESTED = ("ViT-B-16/openai", "ViT-B-32/openai", "RN50/openai", "ViT-B-16/laion2b_s34b_b88k", "ViT-B-16-SigLIP/webli")


class ImageTower(nn.Module):
    """The image side of a two-tower model: images (B, 3, H, W) -> embeddings (B, D), not normalised."""

    embeds = True

    def __init__(self, clip: nn.Module) -> None:
        super().__init__()
        self.visual: Any = clip.get_submodule("visual")

    def forward(self, images: Tensor) -> Tensor:
        return self.visual(images)


def entries() -> list[Entry]:
    """The suggested models and all whose weights lie in the hub's local cache."""
    found = [entry for name in names() if (entry := find(name)) and (name in SUGGESTED or entry.available)]
    return sorted(found, key=lambda entry: entry.name.removeprefix(PREFIX) not in SUGGESTED)


@cache
def names() -> tuple[str, ...]:
    """ARCHITECTURE/TAG of all pretrained models that open_clip finds on the hub."""
    return tuple(f"{model}/{tag}" for model, tag in open_clip.list_pretrained() if _hub_of(model, tag))


def find(name: str) -> Entry | None:
    """The entry of a pretrained open_clip model by ARCHITECTURE/TAG."""
    if name not in names():
        return None
    model, _, tag = name.partition("/")
    config, place = _config(model, tag), _place(model, tag)
    path = hub.cached(place)
    return Entry(
        name=PREFIX + name,
        kind="open_clip",
        architecture=PREFIX + model,
        weights=place.repository,
        available=path is not None,
        licence="see the model's page",
        note="" if path else "Not on this machine yet: fetched from the hub at first use.",
        input_size=(3, *_image_size(model)),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        kwargs={"force_quick_gelu": True} if config.get("quick_gelu") else {},
        path=path,
    )


def fetch(entry: Entry) -> Any:
    """The weights file, downloaded where it is not there yet. Raises Unavailable in one sentence where that fails."""
    model, _, tag = entry.name.removeprefix(PREFIX).partition("/")
    return hub.fetch(entry.name, _place(model, tag))


def build(entry: Entry, state: Mapping[str, Tensor]) -> nn.Module:
    """The two-tower model with these weights. Raises BadRequest for an unknown architecture or weights that do not fit."""
    architecture = entry.architecture.removeprefix(PREFIX)
    if architecture not in open_clip.list_models():
        raise BadRequest(f"open_clip has no architecture “{architecture[:80]}”: open_clip.list_models() lists them.")
    try:
        # Nothing is fetched here: the towers come with random weights and are filled from the file.
        model = open_clip.create_model(architecture, load_weights=False, pretrained_text=False, **entry.kwargs)
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadRequest(f"open_clip cannot make “{architecture}” for {entry.name}: {reason}") from None
    fit_weights(model, state, entry.path or entry.weights)
    return model


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
