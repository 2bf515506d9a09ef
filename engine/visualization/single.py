"""One picture as a result of its own: who asks for many finds those that are there, and none that was finished is lost.

Invariant: a picture depends on nothing of its company but the size of the batch, which is stored with it (see
`engine.visualization.optimization.optimize`); one that is there counts in every request, whatever its size.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from cache.pieces import Pieces, Whole
from engine.core import devices
from engine.core.choices import DEFAULT_DATA
from engine.core.experiments import experiment
from engine.core.request import Context, Made, Request, Result
from engine.data.registry import open_dataset
from engine.data.uploads import image_of
from engine.models import catalog
from engine.visualization import recipes
from engine.visualization.goals import Goal
from engine.visualization.objectives import goal
from engine.visualization.optimization.optimize import Pictures, Run, Watch, maximize, same_size
from engine.visualization.progress import Gallery, as_bytes
from engine.visualization.rows import PICTURE, cut_picture
from engine.visualization.tuning import GivenRecipe, check_pixels, recipe_of


@experiment(
    title="One picture",
    about="The picture that maximizes or minimizes one unit or target.",
    page="visualize",
    part=True,
)
class PictureRequest(Request):
    """Make one picture that maximizes (direction 1) or minimizes (-1) a unit (its number) or a target of a site.

    Arrays: `image` (H, W, 3) uint8, `curve` (steps,) float32: mean activation over the augmented copies at each step.
    Facts: seconds, the device and precision that it was made with, and `batch`, the size of the batch that it was made in:
    in another, products are rounded differently. `data` stays empty where neither the target nor
    the image to start from is of a data set.
    """

    experiment = "picture"
    version = PICTURE

    model: str
    site: str
    wanted: str = Field(description="a unit's number, or a target")
    recipe: GivenRecipe
    seed: int
    direction: Literal[1, -1] = Field(default=1, description="1: maximize it, -1: minimize it")
    start: str = ""
    data: str = ""

    def fingerprints(self) -> dict[str, str]:
        read = {"model": catalog.fingerprint(self.model), "recipe": recipes.fingerprint(recipe_of(self.recipe))}
        return read | ({"data": open_dataset(self.data).fingerprint} if self.data else {})

    @classmethod
    def out_of(cls, pieces: Pieces | Whole, row: int) -> Result:
        return cut_picture(pieces, row)

    def run(self, context: Context) -> Result:
        gallery = Gallery(context, recipe_of(self.recipe), 1, catalog.load(self.model), self.site)
        return complete([self], [self.goal()], [None], context, gallery.watch)[0]

    def goal(self) -> Goal:
        """What the picture is made for. Raises VitrineError where the model has no such thing."""
        return goal(catalog.load(self.model), self.site, self.wanted, self.data or DEFAULT_DATA)


def complete(
    requests: Sequence[PictureRequest],
    goals: Sequence[Goal],
    there: Sequence[Result | None],
    context: Context,
    watch: Watch | None = None,
    told: Callable[[Mapping[str, Made]], None] = lambda made: None,
) -> list[Result]:
    """The results of requests that differ in what is wanted only (their `goals`), of which some are there. The others are
    made together; each is kept as soon as its batch is done, and then `told`. Raises BadRequest for what cannot stand in
    one request, and for a model with too large an input."""
    first, results = requests[-1], list(there)  # targets come last, and units need no data set
    missing = [place for place, result in enumerate(results) if result is None]
    model, recipe = catalog.load(first.model), recipe_of(first.recipe)
    same_size(goals, recipe, model, first.site)
    started, device = time.monotonic(), devices.describe(model.device)["name"]

    def keep(places: Sequence[int], pictures: Pictures) -> None:
        nonlocal started
        seconds = (time.monotonic() - started) / len(places)
        images, made = as_bytes(pictures.images), {}
        for place, image, curve, size in zip(places, images, pictures.curves, pictures.batches, strict=True):
            request = requests[missing[place]]
            arrays = {"image": image, "curve": curve}
            facts = {"seconds": seconds, "device": device, "batch": int(size)}
            result = Result(json.loads(request.canonical()), arrays, {}, facts)
            kept = context.keep(request, result, spare=True)
            results[missing[place]] = result
            made[request.wanted] = Made(image, float(curve[-1]), kept)
        started = time.monotonic()
        told(made)

    if missing:
        check_pixels(model.name, model.input_size)
        start = image_of(first.start, first.data) if first.start else None
        asked = [goals[place] for place in missing]
        maximize(model, first.site, asked, recipe, first.seed, Run(first.direction, start, watch, keep))
    return [result for result in results if result is not None]
