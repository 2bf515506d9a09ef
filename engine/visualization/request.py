"""The experiment of the first page: pictures of what units look for, each with the numbers that back it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import torch
from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from cache.pieces import Pieces, Whole
from engine.core.choices import DEFAULT_DATA, DEFAULT_RECIPE, MAX_SEED, MAX_SEEDS, MAX_UNITS, MAX_VARIANTS
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Inner, Progress, Request, Result, build
from engine.core.targets import IMAGE, parse_target
from engine.data.registry import open_dataset
from engine.data.uploads import image_of
from engine.evaluation.index import IndexRequest
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.sites.access import find
from engine.visualization import former, recipes
from engine.visualization.diversity import variants_of
from engine.visualization.goals import Goal
from engine.visualization.objectives import goals_of
from engine.visualization.optimization.optimize import Run
from engine.visualization.progress import Gallery, as_floats, as_levels
from engine.visualization.quality import between_units, judge, stability
from engine.visualization.rows import cut_unit, joined, units_inside
from engine.visualization.scoring.controls import controls_of
from engine.visualization.scoring.fresh import as_they_are, fresh_activations, fresh_copies
from engine.visualization.scoring.images import on_images, whole_images
from engine.visualization.scoring.importance import importance_maps
from engine.visualization.scoring.on_data import KEPT_OF_INDEX, OnData
from engine.visualization.scoring.strongest import FINALISTS, MOST, Images, strongest
from engine.visualization.scoring.table import percentile_of, scored
from engine.visualization.scoring.yardstick import COMMON, yardstick
from engine.visualization.single import PictureRequest, complete
from engine.visualization.tuning import GivenRecipe, check_effort, check_pixels, label, recipe_of

TOP_IMAGES = 20


@experiment(
    title="Feature visualization",
    about="Pictures of units by activation maximization, scored against the images of a data set.",
    page="visualize",
)
class VisualizeRequest(Request):
    """Make a picture for each of some units or targets of one site, and score it against the images of a data set.

    The result's arrays, for n units: `images` (n, H, W, 3) uint8; `curves` (n, steps) float32: mean activation over
    the augmented copies at each step; with `opposite` also `opposite_images` and `opposite_curves`, of the pictures
    that minimize. Table `units`: unit, the numbers of `engine.visualization.scoring.table.scored`, batch (the size of the batch
    that it was made in), seconds, scoring_seconds (a picture's share), and opposite_activation. Facts: device, precision,
    seconds, the recipe in full; `images`, how many the pictures are compared with, `augmented`, how many of them augmented, and
    `could_be_stronger`, the share of such images that may be above a picture which is above all of these.

    Units also bring what shows them without the index of the whole layer: `unit_values` (units, images of the data set)
    float32, means over positions, and `on_images`, the numbers of these images; `unit_top` (units, 20) int32, the numbers of
    their strongest images, strongest first, with `unit_top_values` float32 and `unit_top_maps` (units, 20, h, w) float16
    (results of before have none of these).

    Targets (see `engine.core.targets`) come after the units, and the table's `unit` is text then. With targets also
    `target_values` (targets, images of the data set) float32 and `target_top` (targets, 20) int32: the numbers of the
    images that come closest, strongest first.

    `start`: pictures begin as that image (accentuation). `importance`: also `importance` (n, H, W) uint8, where the
    gradient of the objective is (255: strongest). `several`: also `variants` (n, several, H, W, 3) uint8, pictures that
    are held apart, and a table `variants` (unit, number, activation, percentile, likeness to the others). `seeds`: as many
    seeds from `seed` on, for the columns stability and seed_spread.

    `recipe`: the name of a recipe, or a whole one, which counts as the named one where it has the same settings.

    For class logits the table has recognised, the share of other models with the same classes (fact `judges`) that have
    the class among their five best answers.
    """

    experiment = "visualize"
    version = 7
    changes: ClassVar = {
        6: "A picture succeeds only above zero, above blanks and above noise with its own spectrum, as well as above 95% of the "
        "images. It is compared with the strongest of 100 images instead of 8, scenes without object or place left out, and the "
        "jitter of the scores scales with the side. The recipe “paper” follows the paper's text.",
        7: "A picture has to be above noise with its own spectrum by more than a sixth of it. Before, a quarter of scrambled "
        "pictures passed on a network of convolutions, whose first layers do nearly the same for every draw of such noise.",
    }

    model: str
    site: str
    units: tuple[int, ...] = Field(default=(), max_length=MAX_UNITS)
    recipe: GivenRecipe = DEFAULT_RECIPE
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    opposite: bool = False
    data: str = DEFAULT_DATA
    targets: tuple[str, ...] = Field(default=(), max_length=MAX_UNITS)
    start: str = Field(default="", description="an image to begin with: 17 of the data set, or up-<digest>")
    importance: bool = False
    several: int = Field(default=1, ge=1, le=MAX_VARIANTS)
    seeds: int = Field(default=1, ge=1, le=MAX_SEEDS)

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

    @field_validator("start")
    @classmethod
    def _an_image(cls, start: str) -> str:
        if start and not IMAGE.fullmatch(start):
            raise ValueError("The image to start from is a number of the data set, or up-<digest> of an upload.")
        return str(int(start)) if start.isdigit() else start

    @field_validator("targets")
    @classmethod
    def _readable(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        try:
            parsed = [parse_target(text) for text in targets]
        except BadRequest as error:
            raise ValueError(str(error)) from None
        if any(target.unit is not None for target in parsed):
            raise ValueError("A target that is just one unit belongs to the units.")
        return tuple(dict.fromkeys(map(str, parsed)))

    @field_validator("units")
    @classmethod
    def _each_once(cls, units: tuple[int, ...]) -> tuple[int, ...]:
        if any(unit < 0 for unit in units):
            raise ValueError("Units are counted from 0.")
        return tuple(dict.fromkeys(units))

    @property
    def names(self) -> tuple[int | str, ...]:
        """What each picture is made for, in order: units, then targets."""
        return (*self.units, *self.targets)

    def fingerprints(self) -> dict[str, str]:
        return {
            "model": catalog.fingerprint(self.model),
            "data": open_dataset(self.data).fingerprint,
            "recipe": recipes.fingerprint(recipe_of(self.recipe)),
            "yardstick": yardstick(self.model, self.site, self.targets),
        }

    def former_fingerprints(self, version: int) -> dict[str, str]:
        if version not in (4, 5):
            return self.fingerprints() | {"yardstick": COMMON}
        recipe = former.RECIPES.get(str(self.recipe))
        return self.fingerprints() | {"yardstick": former.YARDSTICK} | ({"recipe": recipe} if recipe else {})

    def check_size(self) -> None:
        """Raises BadRequest for more units or passes than the settings allow."""
        super().check_size()
        check_effort(self.recipe)

    @classmethod
    def inside(cls, request: Mapping[str, Any], fingerprints: Mapping[str, str]) -> Iterable[Inner]:
        if request["version"] != cls.version or {"targets", "start", "several", "seeds"} & request.keys():
            return ()
        asked = build(cls, **{name: value for name, value in request.items() if name not in ("experiment", "version")})
        ups, downs = asked.pictures(1), asked.pictures(-1) if asked.opposite else []
        return units_inside(request, [*ups, *downs], fingerprints)

    @classmethod
    def out_of(cls, pieces: Pieces | Whole, row: int) -> Result:
        return cut_unit(pieces, row)

    def check(self, model: LoadedModel) -> None:
        """Raises BadRequest as `check_size`, and for too large a model and a site or unit that is not there."""
        self.check_size()
        check_pixels(model.name, model.input_size)
        site = find(model.sites, self.site)
        outside = [unit for unit in self.units if unit >= site.units]
        if outside:
            raise BadRequest(
                f"{self.model}@{self.site} has units 0 to {site.units - 1}; there is no unit {outside[0]}."
            )

    def run(self, context: Context) -> Result:
        if (there := self._there(context)) is not None:
            return there
        model = catalog.load(self.model)
        self.check(model)
        goals = goals_of(model, self.site, self.names, self.data)
        if self.several > 1:
            return self._with_variants(model, goals, context)
        ups, downs = self._make(model, goals, context)
        seen = self._on_data(model, goals, context)
        images = np.stack([made.arrays["image"] for made in ups])
        arrays = {"images": images, "curves": np.stack([made.arrays["curve"] for made in ups]), **seen.kept}
        shown = as_floats(images)
        table = self._scored(model, goals, shown, seen, context)
        table["batch"] = [made.facts["batch"] for made in ups]
        table["seconds"] = np.sum([[made.facts["seconds"] for made in each] for each in (ups, downs) if each], axis=0)
        if downs:
            opposite = np.stack([made.arrays["image"] for made in downs])
            arrays |= {"opposite_images": opposite, "opposite_curves": np.stack([m.arrays["curve"] for m in downs])}
            low = fresh_activations(model, self.site, goals, as_floats(opposite), self.seed)
            table["opposite_activation"] = low.astype(np.float64)
        judges = judge(table, model, self.site, self.units, shown)
        if self.importance:
            arrays["importance"] = as_levels(importance_maps(model, self.site, goals, shown))
        facts = self._facts(table, [*ups, *downs], judges) | seen.facts
        if self.seeds > 1:
            facts["stability_between_units"] = self._compare_seeds(model, table, shown, context)
        return Result(json.loads(self.canonical()), arrays, {"units": table}, facts)

    def _there(self, context: Context) -> Result | None:
        """The result, where that of each of its units is there, as after a sweep: nothing has to be made or compared."""
        if len(self.units) < 2 or self.targets or self.several > 1 or self.seeds > 1:
            return None
        requests = [self.model_copy(update={"units": (unit,)}) for unit in self.units]
        return joined(json.loads(self.canonical()), map(context.find, requests))

    def _make(self, model: LoadedModel, goals: Sequence[Goal], context: Context) -> tuple[list[Result], list[Result]]:
        """The pictures that maximize, and those that minimize where they are asked for; those that are there are found."""
        up, down = self.pictures(1), self.pictures(-1) if self.opposite else []
        there = [context.find(request) for request in (*up, *down)]
        gallery = Gallery(context, recipe_of(self.recipe), there.count(None), model, self.site)
        gallery.cards([str(name) for name in self.names], goals, there[: len(up)])
        ups = complete(up, goals, there[: len(up)], context, gallery.watch, gallery.finished)
        gallery.next_round("The opposite pictures")
        return ups, complete(down, goals, there[len(up) :], context, gallery.watch) if down else []

    def pictures(self, direction: Literal[1, -1]) -> list[PictureRequest]:
        """Each picture as a request of its own. The images of a data set matter to targets and to starts only."""
        return [
            PictureRequest(
                model=self.model,
                site=self.site,
                wanted=str(name),
                recipe=self.recipe,
                seed=self.seed,
                direction=direction,
                start=self.start,
                data="" if isinstance(name, int) and not self.start else self.data,
            )
            for name in self.names
        ]

    def _scored(
        self, model: LoadedModel, goals: Sequence[Goal], shown: np.ndarray, seen: OnData, context: Context
    ) -> pd.DataFrame:
        """The table of the pictures: against controls, and against the images. Each picture and each image is reported, so
        that the job can be stopped, and short ones pass, here too."""
        started, site, seed = time.monotonic(), self.site, self.seed
        controls = partial(context.report, Progress(0, 0, "Comparing the pictures with noise"))
        most, done = len(goals) * (min(MOST, len(seen.images.numbers)) + FINALISTS + 1), count(1)

        def read(number: int) -> np.ndarray:
            context.report(Progress(min(next(done), most), most, "Comparing the pictures with images"))
            return seen.images.read(number)

        copies = fresh_copies(model, site, goals, shown, seed, controls)
        table = scored(
            copies,
            as_they_are(model, site, goals, shown),
            controls_of(model, site, goals, shown, copies, seed, controls),
            strongest(model, site, goals, replace(seen.images, read=read), seed),
            seen.images.values,
        )
        table["scoring_seconds"] = (time.monotonic() - started) / len(table)
        names = [str(name) for name in self.names] if self.targets else self.units
        table.insert(0, "unit", pd.Series(names))
        return table

    def _facts(self, table: pd.DataFrame, made: Sequence[Result], judges: Sequence[str]) -> dict[str, Any]:
        recipe = recipe_of(self.recipe).model_dump(mode="json")
        return {
            "device": ", ".join(dict.fromkeys(each.facts["device"] for each in made)),
            "seconds": float(table["seconds"].sum()),
            "recipe": {**recipe, "name": label(self.recipe)},
            "fingerprints": self.fingerprints(),
            "torch": torch.__version__,
            "judges": judges,
        }

    def _with_variants(self, model: LoadedModel, goals: Sequence[Goal], context: Context) -> Result:
        """The plain pictures, which are a result of their own, with several different ones of each unit."""
        plain = context.compute(self.model_copy(update={"several": 1}))
        values, recipe = self._on_data(model, goals, context).images.values, recipe_of(self.recipe)
        start = image_of(self.start, self.data) if self.start else None
        images, tables = [], []
        for place, goal in enumerate(goals):

            def watch(step: int, *_: object, place: int = place) -> None:
                done, total = place * recipe.steps + step, len(goals) * recipe.steps
                context.report(Progress(done, total, f"Different pictures: {place + 1} of {len(goals)}"))

            run = Run(start=start, watch=watch)
            variants, table = variants_of(model, self.site, goal, self.several, recipe, self.seed, run)
            activations = table["activation"].to_numpy(np.float32)
            table.insert(3, "percentile", percentile_of(activations, values[:, [place] * self.several]))
            images.append(variants)
            tables.append(table)
        arrays = {**plain.arrays, "variants": np.stack(images)}
        joined = {**plain.tables, "variants": pd.concat(tables, ignore_index=True)}
        return Result(json.loads(self.canonical()), arrays, joined, plain.facts)

    def _compare_seeds(self, model: LoadedModel, table: pd.DataFrame, images: np.ndarray, context: Context) -> float:
        """Adds stability to the table; gives what it is to be held against."""
        plain = {"seeds": 1, "several": 1, "importance": False, "opposite": False}
        rest = [(self.seed + more) % (MAX_SEED + 1) for more in range(1, self.seeds)]
        others = [context.compute(self.model_copy(update={**plain, "seed": seed})) for seed in rest]
        shown = [images] + [as_floats(other.arrays["images"]) for other in others]
        activations = [table["activation"], *(other.tables["units"]["activation"] for other in others)]
        columns = stability(model, self.site, shown, np.stack([each.to_numpy() for each in activations]))
        table[columns.columns] = columns
        return between_units(model, self.site, shown[0])

    def _on_data(self, model: LoadedModel, goals: Sequence[Goal], context: Context) -> OnData:
        """What everything that is asked for does on every image."""
        index = context.compute(IndexRequest(model=self.model, site=self.site, data=self.data))
        values, numbers = on_images(model, self.site, goals, self.data, index.arrays, context), index.arrays["images"]
        dataset = open_dataset(self.data)
        whole = whole_images(dataset, numbers)
        images = Images(values[whole], numbers[whole], dataset.image)
        kept = {}
        if units := [*self.units]:
            top = {f"unit_{name}": index.arrays[f"top_mean{rest}"][units] for name, rest in KEPT_OF_INDEX.items()}
            kept = {
                "unit_values": np.ascontiguousarray(values[:, : len(units)].T, np.float32),
                "on_images": numbers,
                **top,
            }
        if not self.targets:
            return OnData(images, kept)
        of_targets = values[:, len(self.units) :]
        order = np.argsort(-of_targets, axis=0, kind="stable")[:TOP_IMAGES].T
        kept |= {"target_values": np.ascontiguousarray(of_targets.T), "target_top": numbers[order]}
        return OnData(images, kept)


LATER = ("targets", "start", "importance", "several", "seeds")
"""Fields that requests did not have from the start."""
