"""The experiment of the first page: pictures of what units look for, each with the numbers that back it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from engine import catalog, devices
from engine.activations import IndexRequest
from engine.address import MAX_UNITS
from engine.config import settings
from engine.datasets import open_dataset
from engine.errors import BadRequest
from engine.experiment import Context, Progress, Request, Result, experiment
from engine.goal_scores import on_images
from engine.images import contact_sheet, to_png
from engine.maximize import Wanted, batches_of, maximize, pictures_at_once
from engine.models import LoadedModel
from engine.objectives import Goal, goal
from engine.recipes import Recipe, recipe_named
from engine.scoring import YARDSTICK, against_images, fresh_activations
from engine.sites import find
from engine.targets import parse_target

TOP_IMAGES = 20
PREVIEW_EVERY = 0.5  # seconds
PREVIEW_TILES = 24
PREVIEW_COLUMNS = 8


@experiment
class VisualizeRequest(Request):
    """Make a picture for each of some units or targets of one site, and score it against the images of a data set.

    The result's arrays, for n units: `images` (n, H, W, 3) uint8; `curves` (n, steps) float32: mean activation over
    the augmented copies at each step; with `opposite` also `opposite_images` and `opposite_curves`, of the pictures
    that minimize. Table `units`: unit, activation, percentile, ratio_to_best_scene, beats_every_scene, failed,
    seconds, and opposite_activation. Facts: device, precision, seconds, the recipe in full.

    Targets (see `engine.targets`) come after the units, and the table's `unit` is text then. With targets also
    `target_values` (targets, images of the data set) float32 and `target_top` (targets, 20) int32: the numbers of the
    images that come closest, strongest first.
    """

    experiment = "visualize"
    version = 3

    model: str
    site: str
    units: tuple[int, ...] = Field(default=(), max_length=MAX_UNITS)
    recipe: str = "fast"
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    opposite: bool = False
    data: str = "starter"
    targets: tuple[str, ...] = Field(default=(), max_length=MAX_UNITS)

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What came later is left out at its default, so that requests of before keep their text and their key."""
        default = {name: field.default for name, field in type(self).model_fields.items() if name in LATER}
        return {name: value for name, value in handler(self).items() if getattr(self, name) != default.get(name, ...)}

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.names:
            raise ValueError("No units given. Name at least one unit or target.")
        return self

    @field_validator("targets")
    @classmethod
    def _readable(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        try:
            found = [parse_target(text) for text in targets]
        except BadRequest as error:
            raise ValueError(str(error)) from None
        if any(target.unit is not None for target in found):
            raise ValueError("A target that is just one unit belongs to the units.")
        return tuple(dict.fromkeys(map(str, found)))

    @field_validator("units")
    @classmethod
    def _each_once(cls, units: tuple[int, ...]) -> tuple[int, ...]:
        if any(unit < 0 for unit in units):
            raise ValueError("Units are counted from 0.")
        return tuple(dict.fromkeys(units))

    @field_validator("recipe")
    @classmethod
    def _known(cls, recipe: str) -> str:
        try:
            return recipe_named(recipe).name
        except BadRequest as error:
            raise ValueError(str(error)) from None

    @property
    def names(self) -> tuple[int | str, ...]:
        """What each picture is made for, in order: units, then targets."""
        return (*self.units, *self.targets)

    def fingerprints(self) -> dict[str, str]:
        return {
            "model": catalog.fingerprint(self.model),
            "data": open_dataset(self.data).fingerprint,
            "recipe": recipe_named(self.recipe).model_dump_json(),
            "yardstick": YARDSTICK.model_dump_json(),
        }

    def check(self, model: LoadedModel) -> None:
        """Raises BadRequest for a site or unit that is not there, and for more units than the settings allow at once."""
        if len(self.names) > (limit := settings().units_limit):
            raise BadRequest(
                f"{len(self.names)} units asked for at once; here at most {limit} are allowed. Ask in parts."
            )
        site = find(model.sites, self.site)
        outside = [unit for unit in self.units if unit >= site.units]
        if outside:
            raise BadRequest(
                f"{self.model}@{self.site} has units 0 to {site.units - 1}; there is no unit {outside[0]}."
            )

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        recipe, model = recipe_named(self.recipe), catalog.load(self.model)
        self.check(model)
        goals = [goal(model, self.site, text, self.data) for text in self.targets]
        wanted: list[Wanted] = [*self.units, *goals]
        gallery = Gallery(context, recipe, len(wanted) * (2 if self.opposite else 1), model)
        up = maximize(model, self.site, wanted, recipe, self.seed, 1, gallery.watch)
        down = None
        if self.opposite:
            gallery.next_round("The opposite pictures")
            down = maximize(model, self.site, wanted, recipe, self.seed, -1, gallery.watch)
        made = time.monotonic() - started
        arrays = {"images": as_bytes(up.images), "curves": up.curves}
        on_data, found = self._on_data(model, goals, context)
        arrays |= found
        activations = fresh_activations(model, self.site, wanted, rounded(up.images), self.seed)
        table = against_images(activations, on_data)
        table.insert(0, "unit", pd.Series(self.units) if not goals else [str(name) for name in self.names])
        table["seconds"] = made / len(wanted)
        if down is not None:
            arrays |= {"opposite_images": as_bytes(down.images), "opposite_curves": down.curves}
            table["opposite_activation"] = fresh_activations(
                model, self.site, wanted, rounded(down.images), self.seed
            ).astype(np.float64)
        facts = {
            "device": devices.describe(model.device)["name"],
            "precision": devices.describe(model.device)["precision"],
            "seconds": made,
            "recipe": recipe.model_dump(mode="json"),
            "fingerprints": self.fingerprints(),
            "torch": torch.__version__,
        }
        return Result(json.loads(self.canonical()), arrays, {"units": table}, facts)

    def _on_data(
        self, model: LoadedModel, goals: Sequence[Goal], context: Context
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """(images, units and targets): everything asked for on every image; and what is kept of the targets."""
        index = context.compute(IndexRequest(model=self.model, site=self.site, data=self.data))
        units = index.arrays["position_mean"][:, np.asarray(self.units, int)].astype(np.float32)
        if not goals:
            return units, {}
        values = on_images(model, self.site, goals, self.data, index.arrays, context)
        order = np.argsort(-values, axis=0, kind="stable")[:TOP_IMAGES].T
        kept = {"target_values": np.ascontiguousarray(values.T), "target_top": index.arrays["images"][order]}
        return np.concatenate([units, values], 1), kept


LATER = ("targets",)
"""Fields that requests of version 3 did not have from the start."""


def as_bytes(images: np.ndarray) -> np.ndarray:
    """(n, 3, H, W) float in [0, 1] -> (n, H, W, 3) uint8."""
    return np.ascontiguousarray((images.clip(0, 1) * 255 + 0.5).astype(np.uint8).transpose(0, 2, 3, 1))


def rounded(images: np.ndarray) -> np.ndarray:
    """The picture as it will be stored: what is scored is what is shown."""
    return np.ascontiguousarray(as_bytes(images).transpose(0, 3, 1, 2).astype(np.float32) / 255)


class Gallery:
    """Turns the optimizer's steps into progress: how far, the objective so far, and the pictures while they grow."""

    def __init__(self, context: Context, recipe: Recipe, pictures: int, model: LoadedModel) -> None:
        self._context, self._recipe = context, recipe
        self._at_once = pictures_at_once(recipe, model.device)
        self._batches = sum(1 for _ in batches_of(range(pictures), self._at_once))
        self._pictures = pictures
        self._finished: list[np.ndarray] = []
        self._batch, self._shown, self._curve = 0, 0.0, list[float]()
        self._message = "Pictures"

    def next_round(self, message: str) -> None:
        self._message = message

    def watch(self, step: int, images: torch.Tensor, objective: float) -> None:
        """Called by the optimizer after each step."""
        self._curve.append(objective)
        last = step == self._recipe.steps
        preview = None
        if last or time.monotonic() - self._shown > PREVIEW_EVERY:
            tiles = as_bytes(images.cpu().numpy())
            preview = self._preview(list(tiles))
            self._shown = time.monotonic()
            if last:
                self._finished.extend(tiles)
                self._batch += 1
        done = self._batch * self._recipe.steps + (0 if last else step)
        total = max(self._batches * self._recipe.steps, done)
        shown = min(self._batch * self._at_once + 1, self._pictures)
        message = f"{self._message}: {shown} of {self._pictures}"
        self._context.report(Progress(done, total, message, preview, tuple(self._curve[-self._recipe.steps :])))
        if last:
            self._curve.clear()

    def _preview(self, growing: Sequence[np.ndarray]) -> bytes:
        tiles = [*self._finished, *growing][: self._pictures][-PREVIEW_TILES:]
        rows = [tiles[start : start + PREVIEW_COLUMNS] for start in range(0, len(tiles), PREVIEW_COLUMNS)]
        return to_png(np.asarray(contact_sheet(rows)))
