"""The units of a site on a plane: units that respond to the same images stand close together.

Invariant: the same index gives the same plane, mirrored nowhere, whatever the order of its images.
"""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd

from engine.concepts.correlation import standard
from engine.core.choices import DEFAULT_DATA
from engine.core.experiments import experiment
from engine.core.request import Context, Request, Result
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest
from engine.models import catalog


@experiment(
    title="Projection of units",
    about="The units of a layer in two dimensions, close together if they respond to the same images.",
    page="concepts",
)
class UnitMapRequest(Request):
    """Place every unit of a site on a plane by what it does on a data set.

    A unit's profile is its position mean on every image, standardised to mean 0 and deviation 1; the plane is the first
    two principal components of the profiles, units being the points. Table `units`: unit, across, down (the components,
    in units of a profile's own length, so that everything lies within 1 of the middle), selectivity. Units that never
    change are left out.

    Facts: images, units, still (units left out), explained (share of the profiles' variance on each axis), seconds.
    """

    experiment = "unit-map"
    version = 1
    lane = "short"

    model: str
    site: str
    data: str = DEFAULT_DATA

    def fingerprints(self) -> dict[str, str]:
        return {"model": catalog.fingerprint(self.model), "data": open_dataset(self.data).fingerprint}

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        index = context.compute(IndexRequest(model=self.model, site=self.site, data=self.data))
        numbers, places, explained = plane(index.arrays["position_mean"])
        units = pd.DataFrame(
            {
                "unit": numbers,
                "across": places[:, 0],
                "down": places[:, 1],
                "selectivity": index.arrays["selectivity"][numbers],
            }
        )
        count = index.arrays["position_mean"].shape[1]
        facts = {
            "images": len(index.arrays["position_mean"]),
            "units": count,
            "still": count - len(numbers),
            "explained": [float(share) for share in explained],
            "seconds": time.monotonic() - started,
        }
        return Result(json.loads(self.canonical()), {}, {"units": units}, facts)


def plane(activations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(numbers (V,), places (V, 2), explained (2,)) of the V units that change, from activations (images, units)."""
    profiles = standard(activations)
    numbers = np.flatnonzero(profiles.any(axis=0))
    if not len(numbers):
        return numbers, np.zeros((0, 2)), np.zeros(2)
    profiles = profiles[:, numbers]
    alike = (profiles.T @ profiles).astype(np.float64)  # correlations
    centred = alike - alike.mean(axis=0) - alike.mean(axis=1)[:, None] + alike.mean()
    values, vectors = np.linalg.eigh(centred)
    places = np.zeros((len(numbers), 2))
    for axis, (value, vector) in enumerate(zip(values[::-1][:2], vectors.T[::-1][:2], strict=False)):
        # An eigenvector's sign means nothing: the unit that lies farthest out is put on the right and on top.
        places[:, axis] = vector * np.sign(vector[np.argmax(np.abs(vector))]) * max(value, 0) ** 0.5
    total = max(float(values.clip(min=0).sum()), np.finfo(float).tiny)
    explained = np.pad(values[::-1][:2].clip(min=0), (0, max(0, 2 - len(values)))) / total
    return numbers, places, explained
