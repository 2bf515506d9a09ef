"""timm's pretrained models: which there are, whether their weights lie on this machine, and building them.

Invariant: weights are only ever read by `engine.models.checkpoints`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import timm
from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset
from timm.models import PretrainedCfg, get_pretrained_cfg, is_model_pretrained
from torch import Tensor

from engine.core.errors import BadRequest, Unavailable
from engine.models import hub
from engine.models.checkpoints import digest
from engine.models.loaded import Entry
from engine.models.source import Built, Source

PREFIX = "timm/"
# The families that the paper looks at (DeiT, CoaT, ConViT, PiT, Swin, Twins; plain ViTs), and CNNs to compare with.
SUGGESTED = (
    "vit_base_patch16_224.augreg2_in21k_ft_in1k",
    "vit_small_patch16_224.augreg_in21k_ft_in1k",
    "vit_base_patch32_224.augreg_in21k_ft_in1k",
    "vit_base_patch16_clip_224.openai",
    "vit_small_patch14_dinov2.lvd142m",
    "deit_tiny_patch16_224.fb_in1k",
    "deit_base_distilled_patch16_224.fb_in1k",
    "coat_lite_small.in1k",
    "convit_small.fb_in1k",
    "pit_s_224.in1k",
    "swin_tiny_patch4_window7_224.ms_in1k",
    "twins_svt_small.in1k",
    "resnet50.a1_in1k",
    "convnext_tiny.fb_in1k",
    "efficientnet_b0.ra_in1k",
)


class TimmHub(Source):
    """Every pretrained model of timm."""

    name, title, prefix, doctor = "timm", "timm hub", PREFIX, "skip"

    def entries(self) -> list[Entry]:
        """The suggested models and all whose weights lie in the hub's local cache."""
        names = dict.fromkeys([*SUGGESTED, *_cached_names()])
        return [entry for name in names if (entry := self.find(PREFIX + name))]

    def find(self, name: str) -> Entry | None:
        """The entry of a pretrained model; without a tag, that of timm's default one."""
        name = name.removeprefix(PREFIX)
        architecture = name.partition(".")[0]
        if not timm.is_model(architecture) or not is_model_pretrained(name):
            return None
        config = _config(name)
        if config is None:
            return None
        path = hub.cached(_place(config)) if config.hf_hub_id else None
        full = f"{architecture}.{config.tag}" if config.tag else architecture
        return Entry(
            name=PREFIX + full,
            kind=self.name,
            architecture=architecture,
            weights=str(config.hf_hub_id or config.url or ""),
            available=path is not None,
            licence=config.license or "see the model's page",
            note="" if path else "Not on this machine yet; fetched from the hub when somebody asks for it.",
            input_size=config.input_size,
            mean=tuple(config.mean),
            std=tuple(config.std),
            classes=config.num_classes or None,
            path=path,
        )

    def names(self) -> list[str]:
        """All pretrained models that timm knows."""
        return [PREFIX + name for name in _names()]

    def fetch(self, entry: Entry) -> tuple[Path, str]:
        """The weights file, downloaded into the hub's cache where it is not there yet, and its digest.

        Raises Unavailable in one sentence when the hub cannot be reached, or does not hand out the file.
        """
        if (place := self.place(entry)) is None:
            raise Unavailable(
                f"The hub has no weights of {entry.name}. Download them from {entry.weights} and add them to models.toml."
            )
        file = hub.fetch(entry.name, place)
        return file, digest(file)

    def place(self, entry: Entry) -> hub.Place | None:
        """Where the weights lie on the hub."""
        config = _config(entry.name.removeprefix(PREFIX))
        return _place(config) if config is not None and config.hf_hub_id else None

    def build(self, entry: Entry, state: Mapping[str, Tensor]) -> Built:
        """The model with its pretrained weights. Raises BadRequest when they do not fit."""
        name = entry.name.removeprefix(PREFIX)
        try:
            module: Any = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"state_dict": state})
        except (RuntimeError, KeyError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            source = entry.path or entry.weights
            raise BadRequest(f"The weights in {source} do not fit {entry.name}: {reason}") from None
        for config in (module.pretrained_cfg, module.default_cfg):
            config.pop("state_dict", None)  # timm keeps it there: a second copy of all weights
        return Built(module)

    def class_names(self, entry: Entry) -> tuple[str, ...] | None:
        """ImageNet's names for the model's classes, where it is of ImageNet."""
        return imagenet_names(entry.architecture, entry.classes, entry.name.partition(".")[2])


@lru_cache(maxsize=4096)
def _config(name: str) -> PretrainedCfg | None:
    """What timm knows of a pretrained model; timm itself copies all of it at each look."""
    return get_pretrained_cfg(name)


@cache
def _names() -> tuple[str, ...]:
    return tuple(timm.list_pretrained())


def imagenet_names(architecture: str, classes: int | None, tag: str = "") -> tuple[str, ...] | None:
    """ImageNet's names for a model's classes, where timm can tell which ImageNet it is; else None."""
    if not classes:
        return None
    subset = infer_imagenet_subset({"architecture": architecture, "tag": tag, "num_classes": classes})
    if not subset:
        return None
    info = ImageNetInfo(subset)
    return tuple(info.index_to_description(index) for index in range(classes))


def _cached_names() -> Iterator[str]:
    known = set(_names())
    cached = (each.removeprefix(PREFIX) for each in hub.cached_repositories() if each.startswith(PREFIX))
    return (name for name in cached if name in known)


def _place(config: Any) -> hub.Place:
    return hub.place(config.hf_hub_id, config.hf_hub_filename, "pytorch_model.bin")
