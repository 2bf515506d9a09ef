"""What the benchmarks share: models and units to measure on, a stopwatch, tables in Markdown."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import timm
import torch

from bench.peers import Target
from engine.core import devices
from engine.core.statistics import share
from engine.models import catalog
from engine.models.loaded import IMAGENET_MEAN, IMAGENET_STD, LoadedModel
from engine.sites.plan import plan


def open_model(name: str) -> LoadedModel:
    """A starter model as it is; any other name is one of timm's, with random weights: time does not depend on them."""
    if name.startswith("starter-"):
        return catalog.load(name)
    torch.manual_seed(0)
    module = timm.create_model(name, pretrained=False).eval().requires_grad_(False)
    return LoadedModel(name, module, (224, 224), IMAGENET_MEAN, IMAGENET_STD, None, name, devices.pick())


def layers(model: LoadedModel) -> list[str]:
    """The main site of every block: hidden features of a transformer, the output of another network's block."""
    sites = model.sites.values()
    hidden = [site.name for site in sites if site.role == "mlp.hidden"]
    return hidden or [site.name for site in sites if site.role == "stage.block"]


def middle(model: LoadedModel) -> str:
    """The main site half-way through the network."""
    every = layers(model)
    return every[(len(every) - 1) // 2]


def target_of(model: LoadedModel, site: str, unit: int) -> Target:
    """The unit for those who work with modules and hooks."""
    facts, point = model.sites[site], plan(model.module, model.input_size).points[site]
    hidden = facts.role == "mlp.hidden"
    module = model.module.get_submodule(f"{facts.block}.mlp.act") if hidden else point.module
    layer = next(name for name, part in model.module.named_modules() if part is module)
    prefix = facts.grid.prefix
    return Target(model.module, layer, point.channels_last, prefix, unit, model.input_size, model.mean, model.std)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def say(text: str) -> None:
    """Progress, for whoever waits; the tables alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def reason(error: Exception) -> str:
    """The first line of what other people's code raised."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:80] if str(error).strip() else ''}"


def told(hits: int, of: int) -> str:
    """A count with its share and 95% interval."""
    low, high = share(hits, of)
    return f"{hits} of {of}: {hits / of:.1%} ({low:.1%} to {high:.1%})"
