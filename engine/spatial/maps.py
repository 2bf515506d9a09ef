"""One image, layer by layer: what a unit does at every position, and which positions' tokens are alike."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from engine.core.choices import DEFAULT_DATA
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.images import to_input
from engine.core.request import Context, Progress, Request, Result
from engine.data import uploads
from engine.data.dataset import Dataset
from engine.data.registry import open_dataset
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.sites.access import Site, read
from engine.sites.grid import spatial
from engine.spatial import images, measures
from engine.spatial.depth import layers_of

MOST_BYTES = 64 << 20
"""Of one result. Above it, similarities are left out."""


@experiment(
    title="One image, layer by layer",
    about="Maps of one unit in every block, and the similarity of all tokens, on one image.",
    page="spatial",
)
class MapsRequest(Request):
    """The position maps of one unit in every block, and the similarity of all tokens, on one image.

    `image` is a number in the data set `data`, or `up-DIGEST` of a picture that somebody gave. Arrays, for block i
    with h x w positions: `map_i` (h, w) float32 of the unit (absent where the block has fewer units), `tokens_i`
    (h*w, h*w) float16, the cosine of each token with every other; `pixels` (H, W, 3) uint8, the image as the
    model sees it. Table `layers`: layer, site, maps, height, width, value of each prefix token (`prefix_0`, ...),
    auroc against the object's mask where it is known, low and high (range of the map). Facts: label, caption, missing.
    """

    experiment = "spatial-maps"
    version = 2
    lane = "short"
    always_float32 = True

    model: str
    data: str = DEFAULT_DATA
    image: str = Field(default="0", max_length=80)
    unit: int = Field(default=0, ge=0)

    def fingerprints(self) -> dict[str, str]:
        data = uploads.fingerprint(self.image) if uploads.is_upload(self.image) else self._dataset().fingerprint
        return {"model": catalog.fingerprint(self.model), "data": data}

    def run(self, context: Context) -> Result:
        model = catalog.load(self.model)
        pixels, mask, facts = self._picture(model)
        through = maps(model, pixels, mask, self.unit)
        context.report(Progress(1, 1))
        through.request, through.arrays["pixels"] = json.loads(self.canonical()), pixels
        through.facts |= facts
        return through

    def _dataset(self) -> Dataset:
        """The data set that `image` is a number of. Raises BadRequest where it is none."""
        dataset = open_dataset(self.data)
        if not self.image.isascii() or not self.image.isdigit() or not int(self.image[:12]) < len(dataset):
            raise BadRequest(f"{self.data} has images 0 to {len(dataset) - 1}; there is no image “{self.image[:40]}”.")
        return dataset

    def _picture(self, model: LoadedModel) -> tuple[np.ndarray, np.ndarray | None, dict]:
        if uploads.is_upload(self.image):
            return (
                to_input(uploads.image_of(self.image, self.data), model.input_size),
                None,
                {"caption": "an uploaded picture"},
            )
        dataset, number = self._dataset(), int(self.image)
        (batch,) = images.batches(dataset, [number], model, 1, {})
        mask = batch.masks[0].cpu().numpy()
        facts = dataset.describe(number)
        said = str(facts.get("caption") or facts.get("kind") or facts.get("name") or number)
        pixels = to_input(dataset.image(number), model.input_size)
        return pixels, None if np.isnan(mask).any() else mask, {"caption": said}


def maps(model: LoadedModel, pixels: np.ndarray, mask: np.ndarray | None, unit: int) -> Result:
    """Maps and similarities of one picture, uint8 (H, W, 3) of the model's input size, in float32."""
    shown = [(layer.tokens, layer.maps) for layer in layers_of(model.sites)[1]]
    image = torch.from_numpy(pixels).to(model.device).permute(2, 0, 1)[None].float() / 255
    names = [*dict.fromkeys(site.name for pair in shown for site in pair)]
    with torch.no_grad():
        values = {name: each.float() for name, each in read(model.module, names, model.normalize(image)).items()}
    total = sum((tokens.grid.height * tokens.grid.width) ** 2 * 2 for tokens, _ in shown)
    missing = [] if total <= MOST_BYTES else ["There are too many positions to store the similarity of all pairs."]
    arrays, rows = {}, []
    for index, (tokens, source) in enumerate(shown):
        grid, row = source.grid, {"layer": index, "site": tokens.name, "maps": source.name, "units": source.units}
        row |= {"height": grid.height, "width": grid.width, "depth": (index + 1) / len(shown)}
        if unit < source.units:
            one = values[source.name][0, :, unit]
            here = one[grid.prefix :]
            arrays[f"map_{index}"] = here.unflatten(0, (grid.height, grid.width)).cpu().numpy()
            row |= {f"prefix_{place}": float(value) for place, value in enumerate(one[: grid.prefix])}
            row |= {"low": float(here.min()), "high": float(here.max()), "auroc": _auroc(here, mask, source)}
        if total <= MOST_BYTES:
            arrays[f"tokens_{index}"] = _similarity(spatial(values[tokens.name], tokens.grid)[0])
        rows.append(row)
    if not any(name.startswith("map_") for name in arrays):
        most = max(source.units for _, source in shown)
        raise BadRequest(
            f"{model.name} has no unit {unit} in any layer; the largest layer has {most} units. Give a smaller number."
        )
    if mask is None:
        missing.append("The location of the object in this image is unknown, so the maps cannot be compared with it.")
    return Result({}, arrays, {"layers": pd.DataFrame(rows)}, {"missing": missing})


def _auroc(here: Tensor, mask: np.ndarray | None, site: Site) -> float:
    if mask is None:
        return float("nan")
    grid = images.on_grid(torch.from_numpy(mask)[None].to(here.device), site.grid.height, site.grid.width)
    return float(measures.auroc(here[None, :, None], grid)[0, 0])


def _similarity(tokens: Tensor) -> np.ndarray:
    directions = torch.nn.functional.normalize(tokens, dim=1)
    return (directions @ directions.T).clamp(-1, 1).half().cpu().numpy()
