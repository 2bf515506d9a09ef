"""The units that do most nearly the same on a data set as those of a layer: in another model, or elsewhere in the same one.

Invariant: they are chosen on half of the images and compared on the other half; images that belong together are in one half.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
from pydantic import Field

from engine.core.choices import DEFAULT_DATA, USUAL_ROLES
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Progress, Request, Result
from engine.core.statistics import correlation_interval, standard
from engine.data.registry import Dataset, open_dataset
from engine.evaluation.index import indexes
from engine.models import catalog
from engine.sites.access import Site, find

FEWEST = 8
"""Images, or groups of images that belong together, from which anything can be chosen and compared."""


@experiment(
    title="Nearest units",
    about="For each unit of a layer the units of another model that respond most alike to the same images.",
    page="visualize",
)
class CounterpartsRequest(Request):
    """Find, for each unit of a site, the units of another model (or of the same) whose activation correlates most with its own.

    Activations are means over positions; the other model's layers are those of its usual role (the hidden features of a
    transformer's MLPs, the ends of a CNN's blocks). The nearest units are chosen by Pearson's correlation on half of the
    images and compared on the other half, so that having chosen the best of thousands raises no number. Images that belong
    together (a matched set) are in one half and count once.

    The result's arrays, for U units and the `top` nearest T:

    - `layer` (U, T) int32: numbers into the fact `sites`, nearest first, and `unit` (U, T) int32;
    - `r`, `low`, `high` (U, T) float32: correlation on the other half and its 95% interval (Fisher 1921). NaN for a unit that
      never changes.

    Facts: sites (the other model's layers), searched (its units), images (that both could read), independent (groups of them in
    the half that is compared on).
    """

    experiment = "counterparts"
    version = 1
    lane = "short"

    model: str
    site: str
    other: str
    data: str = DEFAULT_DATA
    top: int = Field(default=4, ge=1, le=20)

    def fingerprints(self) -> dict[str, str]:
        return {
            "model": catalog.fingerprint(self.model),
            "other": catalog.fingerprint(self.other),
            "data": open_dataset(self.data).fingerprint,
        }

    def run(self, context: Context) -> Result:
        find(catalog.load(self.model).sites, self.site)
        sites = [site.name for site in usual(catalog.sites_of(self.other).values())]
        own = indexes(context, self.model, [self.site], self.data)[0].arrays
        others = [result.arrays for result in indexes(context, self.other, sites, self.data)]
        images, here, there = np.intersect1d(own["images"], others[0]["images"], return_indices=True)
        clusters = open_dataset(self.data).clusters()
        groups = np.arange(len(images)) if clusters is None else np.unique(clusters[images], return_inverse=True)[1]
        chooses = halved(groups)
        units = own["position_mean"][here]
        best = Nearest(units[chooses], units[~chooses], self.top)
        for number, arrays in enumerate(others):
            context.report(Progress(number, len(sites), f"Compared with {number} of {len(sites)} layers"))
            values = arrays["position_mean"][there]
            same = self.other == self.model and sites[number] == self.site
            best.add(number, values[chooses], values[~chooses], same)
        independent = len(np.unique(groups[~chooses]))
        searched = sum(arrays["position_mean"].shape[1] for arrays in others)
        facts = {"sites": sites, "searched": searched, "images": len(images), "independent": independent}
        return Result(json.loads(self.canonical()), best.arrays(independent), {}, facts)


def usual(sites: Iterable[Site]) -> list[Site]:
    """The layers of a model's usual role; all before the head where it has neither."""
    known = list(sites)
    for role in USUAL_ROLES:
        if alike := [site for site in known if site.role == role]:
            return alike
    return [site for site in known if not site.role.startswith("head.")]


def halved(groups: np.ndarray) -> np.ndarray:
    """(N,) bool: the images of half of the groups, drawn at random. Raises BadRequest where there are too few."""
    names = np.unique(groups)
    if few := _few(len(names)):
        raise BadRequest(few)
    chosen = np.random.default_rng(0).permutation(names)[: len(names) // 2]
    return np.isin(groups, chosen)


def too_few(dataset: Dataset) -> str:
    """Why units cannot be compared on a data set; "" where it has images enough."""
    clusters = dataset.clusters()
    return _few(len(dataset) if clusters is None else len(np.unique(clusters)))


def _few(count: int) -> str:
    few = f"Only {count} images: units can be compared on {FEWEST} or more. Choose another data set."
    return few if count < FEWEST else ""


class Nearest:
    """The nearest units so far, by what they do on one half (n, U) of the images; `other` is what the units do on the rest."""

    def __init__(self, half: np.ndarray, other: np.ndarray, top: int) -> None:
        self._half, self._other = standard(half), standard(other)
        units = half.shape[1]
        self._layer, self._unit = np.zeros((units, 0), np.int32), np.zeros((units, 0), np.int32)
        self._chosen, self._r = np.zeros((units, 0), np.float32), np.zeros((units, 0), np.float32)
        self._top = top

    def add(self, layer: int, half: np.ndarray, other: np.ndarray, same: bool) -> None:
        """A layer's units, on both halves. `same`: they are the units themselves, none of which is its own counterpart."""
        found = self._half.T @ standard(half)
        if same:
            np.fill_diagonal(found, -np.inf)
        few = min(self._top, found.shape[1])
        units = np.argpartition(-found, few - 1, axis=1)[:, :few]
        there = standard(other)
        r = np.stack([(self._other * there[:, column]).sum(0) for column in units.T], axis=1)
        joined = np.concatenate([self._chosen, np.take_along_axis(found, units, 1)], 1)
        order = np.argsort(-joined, axis=1, kind="stable")[:, : self._top]
        self._chosen = np.take_along_axis(joined, order, 1)
        for name, values in (("_layer", np.full(units.shape, layer)), ("_unit", units), ("_r", r)):
            kept = getattr(self, name)
            both = np.concatenate([kept, values.astype(kept.dtype)], 1)
            setattr(self, name, np.take_along_axis(both, order, 1))

    def arrays(self, independent: int) -> dict[str, np.ndarray]:
        """What was found, as the result has it."""
        r = np.where((self._half**2).sum(0)[:, None] > 0, self._r, np.nan)
        low, high = correlation_interval(r, independent)
        numbers = {"r": r, "low": low, "high": high}
        return {
            "layer": self._layer,
            "unit": self._unit,
            **{name: each.astype(np.float32) for name, each in numbers.items()},
        }
