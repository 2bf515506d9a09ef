"""What it will cost to compute what a claim or a page needs, before anybody asks for it: in words, on two processor cores.

Rough on purpose: from the size of model and images, and how often each image passes. Measured on the starter's networks and on
the two real ones; another machine may be three times as fast or as slow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.claims.claim import Part
from engine.core.request import Request
from engine.data.registry import open_dataset
from engine.explanation.explains import ExplainsRequest
from engine.models import catalog
from engine.reliance.background import BackgroundRequest
from engine.reliance.cuts import variants
from engine.reliance.frequency import FrequencyRequest
from engine.reliance.gradient_spectrum import GradientSpectrumRequest, layers
from engine.reliance.texture import TextureRequest
from engine.spatial.last import LastLayerRequest

SPEED = 1.2e11
"""Multiplications and additions a second, on two cores."""
DENSE = 1.2
"""A convolution's weights are used at more positions than its last layer has: so many times as many, on average."""
STEPS = 128 * 2
"""Passes that a picture takes: its steps, there and back, many at once."""
PASSES = {"purity": 2.0, "explains": 2.0, "spatial-moves": 6.0, "counterfactual": 4.0, "challenge": 8.0}
"""How often each image (or set of images) goes through the model in experiments whose settings do not change that."""
BACK = 1.5
"""Passes that the gradient of a layer takes, there and back: on average over layers half of the model."""
OVERHEAD = 5.0
"""Seconds that any measurement takes."""
BATTERY = 45.0
"""Seconds that the tests of concepts take whatever the model is: permutations."""


def in_words(parts: Sequence[Part]) -> str:
    """About how long these take together."""
    return roughly(sum(seconds_of(part.request) for part in parts))


def roughly(seconds: float) -> str:
    """So many seconds, as what they are: a rough guess."""
    if seconds < 50:
        return "under a minute on two cores"
    minutes = seconds / 60
    if minutes < 90:
        rough = max(1, round(minutes)) if minutes < 10 else 5 * round(minutes / 5)
        return f"about {rough} {'minute' if rough == 1 else 'minutes'} on two cores"
    return f"about {math.ceil(minutes / 60)} hours on two cores"


def seconds_of(request: Request) -> float:
    """About how many seconds a request takes. Raises VitrineError where its model or data set is not there."""
    given = request.model_dump()
    images = len(open_dataset(given["data"]))
    wanted = 1 if "image" in given else given.get("limit") or given.get("images") or images
    return OVERHEAD + min(images, wanted) * passes(request) * once_through(given["model"]) + extra(request, images)


def passes(request: Request) -> float:
    """How often each image goes through the model."""
    if isinstance(request, BackgroundRequest):
        return len(variants(request.fills))
    if isinstance(request, FrequencyRequest):
        return len(request.filters())
    if isinstance(request, LastLayerRequest):
        return 0.25 * len([site for site in catalog.sites_of(request.model).values() if site.role == "attn.query"]) + 3
    if isinstance(request, TextureRequest):
        return len(request.variants())
    if isinstance(request, GradientSpectrumRequest):
        return BACK * len(layers(catalog.load(request.model)))
    return PASSES.get(request.experiment, 1.0)


def extra(request: Request, images: int) -> float:
    """What does not go by images: pictures that are made, and tests that are repeated."""
    if isinstance(request, ExplainsRequest):
        count = len(request.sites) * (len(request.units) or request.each)
        return count * STEPS * once_through(request.model)
    return BATTERY if request.experiment == "purity" else 0.0


def once_through(model: str) -> float:
    """Seconds for one image: the weights, each used once at every position of the last grid."""
    loaded = catalog.load(model)
    last = [site for site in loaded.sites.values() if not site.role.startswith("head.")][-1]
    attends = any(site.role.startswith("attn.") for site in loaded.sites.values())
    weights = sum(weight.numel() for weight in loaded.module.parameters())
    return weights * max(1, last.grid.positions) * (1.0 if attends else DENSE) / SPEED
