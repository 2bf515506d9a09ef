"""What a model makes of one photo: its answers, and what every unit of some layers does on it, from one pass.

Invariant: how strong a unit is can only be said beside something: what it does on a data set where that is known, else what
the other units of its layer do on this photo.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from engine.core.choices import DEFAULT_DATA, DEFAULT_PHOTO_LAYERS, EMBEDDING, MAX_PHOTO_LAYERS, USUAL_ROLES
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.images import to_input
from engine.core.request import Context, Progress, Request, Result
from engine.core.targets import checked_image
from engine.data import uploads
from engine.data.imagenet import imagenet_names, readable
from engine.data.registry import open_dataset
from engine.evaluation import predictions
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.models.text import scale
from engine.sites.access import Site, read
from engine.sites.grid import position_mean, spatial

LARGEST_MAP = 28
"""Rows or columns of a map that is kept; a larger one is averaged down to it."""
CUT = 0.1
"""The share of each side that a slightly different cut leaves out."""
CUTS = "ten slightly different cuts: whole, without a tenth at two sides, and all of them mirrored"
"""What intervals are over, in words."""
NO_CLASSES = "It has no classes, so it has no answer; its units respond all the same."


@experiment(
    title="What a model sees in a photo",
    about="The answers of a model to one image, and what every unit of some layers does on it.",
    page="photo",
)
class PhotoRequest(Request):
    """Read one image with a model, once, for `layers` layers evenly through its depth.

    `image` is a number in the data set `data`, or `up-DIGEST` of a picture that somebody gave. Arrays, for layer i with U units
    on h x w positions: `mean_i` and `maximum_i` (U,) float32 over its positions, `maps_i` (U, h, w) float16, at most 28 x 28;
    where the model has classes `logits` (classes,) float32; where it is a CLIP `embeddings` (10, D) float32, of length one, of
    CUTS; no pixel of the image itself. Table `layers`: layer, site, units, height, width, depth.
    Table `answers`: class, name, probability, and its lowest and highest over CUTS; empty without classes. Facts: input
    (height and width of what the model saw), missing (why there is no answer), and of a CLIP scale and bias.
    """

    experiment = "photo"
    version = 1
    always_float32 = True
    lane = "short"

    model: str
    image: str = Field(description="17 of the data set, or up-<digest>")
    data: str = DEFAULT_DATA
    layers: int = Field(default=DEFAULT_PHOTO_LAYERS, ge=1, le=MAX_PHOTO_LAYERS)

    _an_image = field_validator("image")(checked_image)

    @model_validator(mode="before")
    @classmethod
    def _an_upload_is_of_no_data_set(cls, given: Any) -> Any:
        if isinstance(given, dict) and uploads.is_upload(str(given.get("image", ""))):
            return {name: value for name, value in given.items() if name != "data"}
        return given

    def fingerprints(self) -> dict[str, str]:
        upload = uploads.is_upload(self.image)
        seen = uploads.fingerprint(self.image) if upload else open_dataset(self.data).fingerprint
        return {"model": catalog.fingerprint(self.model), "data": seen}

    def run(self, context: Context) -> Result:
        context.report(Progress(0, 1, f"Looking at the photo with {self.model}"))
        model = catalog.load(self.model)
        result = looked_at(model, uploads.image_of(self.image, self.data), self.layers)
        result.request = json.loads(self.canonical())
        return result


def looked_at(model: LoadedModel, image: np.ndarray, count: int = DEFAULT_PHOTO_LAYERS) -> Result:
    """What the request above gives of an image, uint8 (height, width, 3) of any size, but for the request."""
    pixels = to_input(image, model.input_size)
    shown = through_depth(model.sites, count)
    heads = [name for name in ("head.logits", EMBEDDING) if name in model.sites]
    with torch.no_grad():
        values = read(model.module, [*(site.name for site in shown), *heads], model.normalize(_tensor(model, [pixels])))
    arrays: dict[str, np.ndarray] = {}
    rows = []
    for number, site in enumerate(shown):
        arrays |= _layer(number, values[site.name].float(), site)
        grid = {"height": site.grid.height, "width": site.grid.width}
        row = {"layer": number, "site": site.name, "units": site.units, **grid, "depth": (number + 1) / len(shown)}
        rows.append(row)
    facts: dict[str, Any] = {"input": [*model.input_size], "missing": [], "cuts": CUTS}
    copies = _tensor(model, cuts(image, model.input_size)) if heads else None
    answers = pd.DataFrame(columns=["class", "name", "probability", "low", "high"])
    if "head.logits" in heads and copies is not None:
        answers, arrays["logits"] = _answers(model, values["head.logits"].float().flatten(1), copies)
    else:
        facts["missing"].append(NO_CLASSES)
    if model.clip is not None and copies is not None:
        arrays["embeddings"] = _embeddings(model, copies)
        bias = getattr(model.clip, "logit_bias", None)
        facts |= {"scale": scale(model), "bias": None if bias is None else float(bias)}
    return Result({}, arrays, {"layers": pd.DataFrame(rows), "answers": answers}, facts)


def through_depth(sites: Mapping[str, Site], count: int) -> list[Site]:
    """So many layers evenly through the depth, the last of them included: the hidden features of a transformer's MLPs, or the
    ends of a CNN's blocks; whatever comes before the head in a model that has neither. Raises BadRequest where none does."""
    alike = all_layers(sites)
    steps = [round((step + 1) * len(alike) / count) - 1 for step in range(count)]
    return [alike[step] for step in dict.fromkeys(max(0, step) for step in steps)]


def all_layers(sites: Mapping[str, Site]) -> list[Site]:
    """The layers of which some are looked at, from the image to the head. Raises BadRequest where there is none."""
    roles = {site.role for site in sites.values()}
    role = USUAL_ROLES[0] if "residual" in roles else USUAL_ROLES[1]
    alike = [site for site in sites.values() if site.role == role]
    alike = alike or [site for site in sites.values() if not site.role.startswith("head.")]
    if not alike:
        raise BadRequest("This model has no layer to look at.")
    return alike


def cuts(image: np.ndarray, size: tuple[int, int]) -> list[np.ndarray]:
    """Ten slightly different cuts of an image at a model's input size, the whole image first."""
    tall, wide = image.shape[:2]
    down, across = round(tall * CUT), round(wide * CUT)
    parts = [image]
    for top in (0, down):
        parts += [image[top : top + tall - down, left : left + wide - across] for left in (0, across)]
    whole = [to_input(np.ascontiguousarray(part), size) for part in parts]
    return [*whole, *(np.ascontiguousarray(part[:, ::-1]) for part in whole)]


def strongest(photo: Result, layer: int, index: Result | None, count: int | None = None) -> pd.DataFrame:
    """The units of a layer that fire most on a photo, the most unusual first, at most `count` of them.

    Columns: unit; value (mean over positions); with an index of the layer z, how many standard deviations of the data set's
    images it stands above their mean, and above, the percentage of those images on which the unit is weaker (else both are
    NaN, and the units stand in the order of their values). A unit that never changes over the data set comes last.
    """
    value = photo.arrays[f"mean_{layer}"].astype(np.float64)
    z = above = np.full(len(value), np.nan)
    order = value
    if index is not None:
        usual, spread = index.arrays["mean"].astype(np.float64), index.arrays["std"].astype(np.float64)
        alive = spread > 1e-6 * np.maximum(np.abs(usual), np.abs(index.arrays["maximum"]))  # below that it is rounding
        z = np.divide(value - usual, spread, out=np.full(len(value), np.nan), where=alive)
        above = 100 * (index.arrays["position_mean"] < value).mean(axis=0)
        order = np.where(alive, z, -np.inf)
    table = pd.DataFrame({"unit": np.arange(len(value)), "value": value, "z": z, "above": above})
    return table.iloc[np.argsort(-order, kind="stable")[:count]].reset_index(drop=True)


def _layer(number: int, values: Tensor, site: Site) -> dict[str, np.ndarray]:
    """The arrays of one layer from its activations (1, position, unit)."""
    positions = spatial(values, site.grid)
    maps = positions[0].T.unflatten(1, (site.grid.height, site.grid.width))
    size = (min(site.grid.height, LARGEST_MAP), min(site.grid.width, LARGEST_MAP))
    smaller = torch.nn.functional.adaptive_avg_pool2d(maps, size)
    most = torch.finfo(torch.float16).max
    return {
        f"mean_{number}": position_mean(values, site.grid)[0].cpu().numpy().astype(np.float32),
        f"maximum_{number}": positions[0].amax(0).cpu().numpy().astype(np.float32),
        f"maps_{number}": smaller.clamp(-most, most).half().cpu().numpy(),
    }


def _answers(model: LoadedModel, raw: Tensor, copies: Tensor) -> tuple[pd.DataFrame, np.ndarray]:
    """The table of answers, and the logits (classes,) that the whole photo got."""
    logits = predictions.both_classes(model, raw)
    sure = logits.softmax(1)[0].cpu()
    spread = predictions.logits(model, copies).softmax(1).cpu()
    spread[0] = sure
    best = sure.topk(min(predictions.TOP, len(sure))).indices
    names = model.class_names or (imagenet_names() if len(sure) == len(imagenet_names()) else None)
    table = pd.DataFrame(
        {
            "class": best.numpy().astype(np.int64),
            "name": [readable(names[one]) if names else f"class {one}" for one in best.tolist()],
            "probability": sure[best].double().numpy(),
            "low": spread[:, best].amin(0).double().numpy(),
            "high": spread[:, best].amax(0).double().numpy(),
        }
    )
    return table, logits[0].cpu().numpy()


def _embeddings(model: LoadedModel, copies: Tensor) -> np.ndarray:
    with torch.no_grad():
        parts = [
            read(model.module, [EMBEDDING], model.normalize(some))[EMBEDDING].float().flatten(1)
            for some in copies.split(model.images_per_pass(len(copies)))
        ]
    return torch.nn.functional.normalize(torch.cat(parts), dim=1).cpu().numpy()


def _tensor(model: LoadedModel, images: Sequence[np.ndarray]) -> Tensor:
    """(n, 3, H, W) in [0, 1] on the model's device."""
    return torch.from_numpy(np.stack(images)).to(model.device).permute(0, 3, 1, 2).float() / 255
