"""Does the picture explain the unit? An observer that has seen it says which of two images excites the unit more.

Chance is 50%. Top images are shown to the same observer beside it: whichever way it falls, that is what pictures must beat.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from engine.core.choices import DEFAULT_DATA, DEFAULT_MODELS, DEFAULT_RECIPE, MAX_SEED, MAX_UNITS, MAX_VARIANTS
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Request, Result, build
from engine.core.shares import share, shares
from engine.core.statistics import Estimate, difference, smallest_difference, smallest_like
from engine.data.registry import open_dataset
from engine.explanation.likeness import likeness
from engine.explanation.observer import observer
from engine.explanation.shown import Asked, Which, asked, check_pictures, groups, made_by, pictures, variants
from engine.explanation.trials import accuracy, answers, pooled
from engine.models import catalog

TOP, ONE, OTHER = "top images", "one top image", "of another unit"
ALL = "all layers"
CHANCE = 0.5


@experiment(
    title="Does the picture explain the unit?",
    about="An observer, another network, says from a unit's picture or top images which of two images excites the unit more.",
    page="visualize",
)
class ExplainsRequest(Request):
    """Show an observer what is said to excite units, and ask it which of two held-out images excites each more.

    Tables. `units`: site, unit, shown, accuracy, low, high, trials. `layers`: the same pooled over the units of a site, and of
    all sites together, with how many units. `differences`: what is shown against the top images, over all units: difference,
    low, high and `least`, the difference that so many units would show with 80% power. `likeness`: how near pictures come to
    natural images in the observer's embedding (see `engine.explanation.likeness`). Arrays: for each recipe `pictures_...`
    (units, H, W, 3) uint8, in the order of the table.

    What is shown: `top images` (the 9 strongest), `one top image`, each recipe's picture (`natural` is one more recipe, see
    `engine.explanation.natural`), a picture and the top images together, and as controls the picture and the top images of
    another unit of the layer. With `several` also so many different pictures of a unit together, for its several kinds of
    images (not of `natural`, which is made of all of them). With `opposite` each is shown beside what silences the unit: the
    9 weakest images, the picture that minimizes it.
    """

    experiment = "explains"
    version = 2
    changes: ClassVar[Mapping[int, str]] = {
        2: "How near natural images come to each other: the interval knows which of them belong together."
    }

    model: str
    observer: str = Field(default="", description="the network that answers (default: another starter model)")
    sites: tuple[str, ...] = Field(default=(), description="the layers (default: every block's)")
    units: tuple[int, ...] = Field(default=(), max_length=MAX_UNITS, description="the units of each layer")
    each: int = Field(default=4, ge=1, le=64, description="units drawn of each layer, where none are named")
    recipes: tuple[str, ...] = Field(default=(DEFAULT_RECIPE,), description="the recipes whose pictures are shown")
    opposite: bool = Field(default=False, description="also show what silences the unit")
    several: int = Field(
        default=1, ge=1, le=MAX_VARIANTS, description="also show so many pictures of each unit together, held apart"
    )
    data: str = DEFAULT_DATA
    seed: int = Field(default=0, ge=0, le=MAX_SEED)

    @classmethod
    def notes(cls, result: Result) -> list[str]:
        """That an observer sees nothing of what excites these units (see `blind`)."""
        return [why] if (why := blind(result)) else []

    @property
    def observed_by(self) -> str:
        """The observer's name. Raises BadRequest where a model would observe itself."""
        name = self.observer or next(name for name in reversed(DEFAULT_MODELS) if name != self.model)
        if name == self.model:
            raise BadRequest(f"{name} cannot be its own observer. Choose another model.")
        return name

    def fingerprints(self) -> dict[str, str]:
        names = {"model": self.model, "observer": self.observed_by}
        found = {part: catalog.fingerprint(name) for part, name in names.items()}
        return {**found, "data": open_dataset(self.data).fingerprint, **made_by(self.recipes)}

    def check_size(self) -> None:
        """Raises BadRequest for more units or pictures than the settings allow."""
        super().check_size()
        check_pictures(self._which(), self.recipes, self.several + (self.several > 1))

    def _which(self) -> Which:
        return Which(self.model, self.sites, self.units, self.each, self.seed)

    def run(self, context: Context) -> Result:
        dataset, watching = open_dataset(self.data), observer(self.observed_by, self.data, context)
        every = asked(self._which(), dataset, self.data, context)
        seen = watching.of(every[0].numbers)
        table, made, looks = [], {recipe: [] for recipe in self.recipes}, {recipe: [] for recipe in self.recipes}
        for each in every:
            ways = shown_as(each, seen, self.opposite)
            for recipe in self.recipes:
                images = pictures(self.model, each, recipe, self.seed, context)
                made[recipe] += images
                directions = watching.see(images)
                looks[recipe].append(directions)
                if self.opposite:
                    directions = directions - watching.see(
                        pictures(self.model, each, recipe, self.seed, context, direction=-1)
                    )
                ways |= {recipe: directions, f"{recipe} and {TOP}": _alike(directions) + _alike(ways[TOP])}
                if (more := variants(self.model, each, recipe, self.several, self.seed, context)) is not None:
                    seen_together = watching.see(np.concatenate(more)).reshape(len(more), self.several, -1)
                    ways[together(recipe, self.several)] = seen_together.mean(1)
            if len(each.units) > 1:
                ways |= {f"{name} {OTHER}": np.roll(ways[name], 1, axis=0) for name in (TOP, *self.recipes)}
            table += asking(each, ways, seen)
        arrays = {f"pictures_{recipe}": np.stack(images) for recipe, images in made.items()}
        frame = pd.DataFrame(table)
        facts = {"observer": self.observed_by, "images": len(seen)}
        near = likeness(
            {recipe: np.concatenate(parts) for recipe, parts in looks.items()},
            seen, groups(dataset, every[0].numbers), self.seed,
        )  # fmt: skip
        tables = {"layers": over_layers(frame), "differences": against_top(frame), "likeness": near, "units": frame}
        return Result(json.loads(self.canonical()), arrays, tables, facts)


def watched_by(other: str, **asked: Any) -> ExplainsRequest:
    """The request with a network of one's own as the observer, where there is one (`other`, "" for none): a starter network may
    see nothing in images that are not the starter's. The key stays that of a request without an observer where it is the same.
    Raises BadRequest as `build`."""
    request = build(ExplainsRequest, **asked)
    if other and other not in (request.model, request.observed_by):
        request = build(ExplainsRequest, observer=other, **asked)
    return request


def blind(result: Result) -> str:
    """Why the answers of a result of this experiment say nothing of pictures: shown top images, the observer was not seen to be
    above chance over all units. Empty where it was."""
    units = result.tables["units"]
    seen = right_of(units[units["shown"] == TOP])
    if seen.low > CHANCE:
        return ""
    observer, model = result.facts.get("observer", "the other network"), result.request.get("model", "the model")
    least = share(min(1.0, CHANCE + smallest_like(seen)))
    return (
        f"Shown top images, the observer, {observer}, is right in {shares(*seen, digits=1)}, where chance is {share(CHANCE)} and "
        f"{least} would have been seen to be more, in 80% of samples. It was not seen to tell "
        f"what excites units of {model} at all, so what it makes of pictures says nothing of them."
    )


def right_of(rows: pd.DataFrame) -> Estimate:
    """How often the observer is right over the units of these rows of the table `units`, all shown one way."""
    trials = int(rows["trials"].iloc[0])
    return pooled((rows["accuracy"] * trials).to_numpy(), trials)


def together(recipe: str, several: int) -> str:
    """What several pictures of a unit that are shown at once are called."""
    return f"{several} pictures of {recipe}"


def shown_as(each: Asked, seen: np.ndarray, opposite: bool) -> dict[str, np.ndarray]:
    """Units shown as natural images: (units, d) directions by the name of what is shown. seen (images, d): embeddings."""
    top = np.stack([seen[trials.strong].mean(0) for trials in each.trials])
    one = np.stack([seen[trials.strong[0]] for trials in each.trials])
    if opposite:
        top = top - np.stack([seen[trials.weak].mean(0) for trials in each.trials])
        one = one - np.stack([seen[trials.weak[0]] for trials in each.trials])
    return {TOP: top, ONE: one}


def _alike(directions: np.ndarray) -> np.ndarray:
    """Of length one, so that two of them count alike."""
    return directions / (np.linalg.norm(directions, axis=1, keepdims=True) + 1e-12)


def asking(each: Asked, ways: Mapping[str, np.ndarray], seen: np.ndarray) -> list[dict[str, Any]]:
    """A row for each unit and each way of showing it. seen (images, d): the observer's embeddings of the images."""
    rows = []
    for way, directions in ways.items():
        for unit, trials, direction in zip(each.units, each.trials, directions, strict=True):
            right = answers(seen[trials.more], seen[trials.less], direction)
            found = _named(accuracy(float(right.sum()), len(right)), "accuracy")
            rows.append({"site": each.site, "unit": unit, "shown": way, **found, "trials": len(right)})
    return rows


def over_layers(table: pd.DataFrame) -> pd.DataFrame:
    """The table of units pooled over those of each site, and over all: site, shown, units, accuracy, low, high."""
    rows = []
    wholes = [(ALL, table)] if table["site"].nunique() > 1 else []
    for site, part in [*wholes, *table.groupby("site", sort=False)]:
        for way, units in part.groupby("shown", sort=False):
            rows.append({"site": site, "shown": way, "units": len(units), **_named(right_of(units), "accuracy")})
    return pd.DataFrame(rows)


def against_top(table: pd.DataFrame) -> pd.DataFrame:
    """What is shown less the top images, unit by unit: shown, units, difference, low, high, least."""
    return pd.DataFrame(
        [{"shown": way, **paired(table, way, TOP)} for way in dict.fromkeys(table["shown"]) if way != TOP]
    )


def paired(table: pd.DataFrame, way: str, other: str) -> dict[str, float]:
    """One way of showing units less another, unit by unit, from the table of units: units, difference, low, high, least.

    Raises KeyError where one of them was not shown."""
    more = lead(table, way, other)
    found = _named(difference(more, np.zeros(len(more))), "difference")
    return {"units": len(more), **found, "least": smallest_difference(more)}


def lead(table: pd.DataFrame, way: str, other: str) -> np.ndarray:
    """(units,): of each unit, how much more often the observer is right when shown one way than another. Raises as `paired`."""
    by_unit = table.pivot(index=["site", "unit"], columns="shown", values="accuracy")
    return (by_unit[way] - by_unit[other]).to_numpy(np.float64)


def _named(found: Estimate, name: str) -> dict[str, float]:
    return {name: found.value, "low": found.low, "high": found.high}
