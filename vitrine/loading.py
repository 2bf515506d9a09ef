"""Models: those that the pages know, and a person's own modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from engine.core.errors import BadRequest
from engine.core.experiments import import_plugins
from engine.models import catalog
from engine.models.loaded import IMAGENET_MEAN, IMAGENET_STD, LoadedModel
from engine.models.sources import session
from engine.sites.access import Site, find, read
from vitrine.pictures import as_batch


def models() -> pd.DataFrame:
    """The models worth listing, one a row: name, kind, architecture, available, top1, note. `load` knows every further one
    of timm and open_clip."""
    import_plugins()
    columns = ("name", "kind", "architecture", "available", "top1", "note")
    return pd.DataFrame([[getattr(entry, name) for name in columns] for entry in catalog.entries()], columns=columns)


def load(model: str | nn.Module | Model, preprocessing: Mapping[str, Any] | None = None, **more: Any) -> Model:
    """A model to look into: one that Vitrine knows, by its name, or a module of your own.

    vitrine.load("starter-vit")
    vitrine.load(my_module, size=64, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), class_names=["cat", "dog"])
    vitrine.load(my_module, timm.data.resolve_model_data_config(my_module))

    A module takes normalised images (batch, 3, height, width). The preprocessing says how they come about; give it as one
    mapping, as keywords, or as both:

    - `size`: a side in pixels or (height, width); timm's `input_size` (3, height, width) is read too.
    - `mean`, `std`: one number or three, for pixels from 0 to 1.
    - `class_names`: the names of its classes in order, where it is a classifier and they are known.

    What is not given is what a timm module says of itself (`pretrained_cfg`), else 224 pixels and ImageNet's mean and standard
    deviation; `reading` of the model says which.

    What else timm's mapping holds (interpolation, crop) is not used: every model sees images the way the pages show them.
    A copy is looked into, in float32 and in eval mode, so nothing happens to yours. It is called
    `mine/<class>-<digest>`, and known under that name until this process ends. The digest is of its tensors, its settings,
    the source of its classes and this preprocessing: the same module has the same name in the next session, and finds the
    results that were stored under it.

    Raises VitrineError for an unknown name, weights that are not to be had, and preprocessing that does not fit.
    """
    if isinstance(model, Model):
        return model
    if isinstance(model, str):
        if preprocessing or more:
            raise BadRequest(f"{model} has its own preprocessing. Give preprocessing only with your own modules.")
        return Model(model)
    given = {**(preprocessing or {}), **more}
    if not isinstance(model, nn.Module):
        return Model(session.add(model).name)  # which says what it is
    return Model(session.add(model, **_preprocessing(given, session.unwrapped(model))).name)


UNUSED = {"interpolation", "crop_pct", "crop_mode", "num_classes"}


def _preprocessing(given: dict[str, Any], module: nn.Module) -> dict[str, Any]:
    """Preprocessing as a source of models takes it: what is given, else what the module says. Raises BadRequest for what does
    not fit."""
    if unknown := sorted(set(given) - UNUSED - {"size", "input_size", "mean", "std", "class_names"}):
        raise BadRequest(f"{unknown[0]} is not part of the preprocessing. Give size, mean, std and class_names.")
    said, usual = {"size" if name == "input_size" else name for name in given}, _usual(module)
    size = given.get("size", given.get("input_size", usual["size"]))
    lacking = [f"{name} {usual[name]}" for name in ("size", "mean", "std") if name not in said]
    sides = [size, size] if isinstance(size, int) else [*size][-2:]
    if len(sides) != 2 or not all(isinstance(side, int) and 8 <= side <= 4096 for side in sides):
        raise BadRequest(f"{size} is not a size. Give a side in pixels, from 8 to 4096, or (height, width).")
    names = given.get("class_names")
    return {
        "size": (sides[0], sides[1]),
        "mean": _three(given.get("mean", usual["mean"]), "mean"),
        "std": _three(given.get("std", usual["std"]), "std"),
        "class_names": None if names is None else [str(name) for name in names],
        "reading": (f"Not given, so {usual['from']}: {', '.join(lacking)}.",) if lacking else (),
    }


def _usual(module: nn.Module) -> dict[str, Any]:
    """Size, mean and standard deviation where they are not given, and whose they are."""
    config = getattr(module, "pretrained_cfg", None)
    if not isinstance(config, Mapping) or not config.get("mean"):
        return {"size": 224, "mean": IMAGENET_MEAN, "std": IMAGENET_STD, "from": "ImageNet's"}
    made_for = getattr(getattr(module, "patch_embed", None), "img_size", None)  # where it was made for another size
    size = made_for if isinstance(made_for, tuple) else tuple(config["input_size"])[-2:]
    return {
        "size": size,
        "mean": tuple(config["mean"]),
        "std": tuple(config["std"]),
        "from": "as its pretrained_cfg says",
    }


def _three(value: float | Sequence[float], name: str) -> tuple[float, ...]:
    numbers = tuple(map(float, (value,) * 3 if isinstance(value, int | float) else value))
    if len(numbers) != 3 or not all(0 <= each <= 1 for each in numbers) or (name == "std" and 0 in numbers):
        raise BadRequest(f"{name} is {value}. Give one number or three, for pixels from 0 to 1.")
    return numbers


class Model:
    """A model by its name. Its weights are read when something is asked of it, and shared with all who ask for them."""

    def __init__(self, name: str) -> None:
        import_plugins()  # which may bring further sources of models
        self.name = catalog.find(name).name

    @property
    def loaded(self) -> LoadedModel:
        """The engine's own view: `module` (the torch module), `device`, `fingerprint`, `normalize`, ..."""
        return catalog.load(self.name)

    @property
    def sites(self) -> dict[str, Site]:
        """The tensors inside the model that can be looked at, in order of depth, by name. Each says how many `units` it has
        and how its positions lie on the image (`grid`: height, width, and prefix tokens before them)."""
        return self.loaded.sites

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.loaded.input_size

    @property
    def reading(self) -> tuple[str, ...]:
        """How its files are read where it could be otherwise: which weights of several, what nobody gave."""
        return catalog.find(self.name).reading

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of its classes in order, where they are known."""
        return catalog.class_names(catalog.find(self.name))

    def read(self, images: Any, site: str) -> np.ndarray:
        """What a site holds on images: float32 (batch, position, unit), computed in float32.

        `images` is one image or several (a list, or an array with a first axis for them): PIL images, paths of files, arrays
        or tensors, (height, width, 3), (3, height, width) or (height, width); uint8, or floats from 0 to 1. An image of
        another size is scaled until it covers the model's input, and the middle is cut out. Prefix tokens (the class
        token, registers) come first: `sites[site].grid.prefix` says how many; the others go row by row.

        Raises VitrineError for an unknown site and for what is no image.
        """
        loaded = self.loaded
        found = find(loaded.sites, site)
        batch = as_batch(images, loaded.input_size)
        step = loaded.images_per_pass(max(1, (128 << 20) // (found.grid.positions * found.units * 4)))
        with torch.no_grad():
            parts = [
                read(loaded.module, [site], loaded.normalize(part.to(loaded.device)))[site].float().cpu().numpy()
                for part in batch.split(step)
            ]
        return np.concatenate(parts)

    def __repr__(self) -> str:
        return f"vitrine.load({self.name!r})"

    def _repr_html_(self) -> str:
        rows = [
            {"site": name, "units": site.units, "grid": f"{site.grid.height} x {site.grid.width}", "role": site.role}
            for name, site in self.sites.items()
        ]
        return f"<b>{escape(self.name)}</b>{pd.DataFrame(rows).to_html(index=False, max_rows=40)}"
