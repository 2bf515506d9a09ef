"""Pictures that show nothing, scored as if they had been made for a unit: none may pass, or as few as chance allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from bench.common import say, table
from engine.core.request import Progress
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest
from engine.jobs.runner import Runner
from engine.models import catalog
from engine.visualization.goals import units_of
from engine.visualization.optimization.seeding import Draws
from engine.visualization.progress import as_floats
from engine.visualization.request import VisualizeRequest
from engine.visualization.scoring.controls import controls_of, scrambled
from engine.visualization.scoring.fresh import as_they_are, fresh_copies
from engine.visualization.scoring.images import whole_images
from engine.visualization.scoring.strongest import Images, strongest
from engine.visualization.scoring.table import scored

COLOURS = {"red": (1, 0, 0), "grey": (0.5, 0.5, 0.5), "white": (1, 1, 1), "black": (0, 0, 0), "teal": (0.1, 0.45, 0.5)}


def decoys(pictures: np.ndarray, units: Sequence[int], seed: int) -> dict[str, np.ndarray]:
    """Of pictures (n, 3, H, W): blanks of named colours and each of its own colour, white noise, smooth noise, and its own
    phases scrambled. Each (n, 3, H, W) in [0, 1]."""
    random, shape = np.random.default_rng(seed), pictures.shape
    noise = random.random(shape, np.float32)
    rows = zip(pictures, units, strict=True)
    cpu = torch.device("cpu")
    own = [scrambled(torch.from_numpy(one), Draws(seed, [(str(unit), "decoy")], cpu))[0].numpy() for one, unit in rows]
    colour = random.random((len(pictures), 3, 1, 1), np.float32)
    smooth = torch.nn.functional.interpolate(torch.from_numpy(noise[..., :12, :12]), shape[-2:], mode="bicubic")
    blanks = {
        name: np.broadcast_to(np.array(value, np.float32)[:, None, None], shape) for name, value in COLOURS.items()
    }
    more = {
        "of a random colour": np.broadcast_to(colour, shape),
        "of the picture's colour": np.broadcast_to(pictures.mean((2, 3), keepdims=True), shape),
    }
    noisy = {"white noise": noise, "smooth noise": smooth.numpy(), "the picture scrambled": np.stack(own)}
    made = {**{f"blank, {name}": image for name, image in {**blanks, **more}.items()}, **noisy}
    return {name: np.ascontiguousarray(image.clip(0, 1), np.float32) for name, image in made.items()}


def passing(runner: Runner, requests: Sequence[VisualizeRequest], count: int, seed: int = 0) -> None:
    """Prints how many of each kind pass for the first `count` units of each request, whose pictures they are made from."""
    passed, asked = dict[str, dict[str, int]](), dict[str, int]()
    for request in requests:
        name, site, units = request.model, request.site, request.units[:count]
        model, goals, images = catalog.load(name), units_of(units), images_of(runner, request, units)
        best = strongest(model, site, goals, images, request.seed)
        made = as_floats(runner.fetch(request, quiet).arrays["images"][: len(units)])
        tally = passed.setdefault(name, {})
        for kind, shown in decoys(made, units, seed).items():
            copies = fresh_copies(model, site, goals, shown, request.seed)
            controls = controls_of(model, site, goals, shown, copies, request.seed)
            failed = scored(copies, as_they_are(model, site, goals, shown), controls, best, images.values).failed
            tally[kind] = tally.get(kind, 0) + int((~failed).sum())
        asked[name] = asked.get(name, 0) + len(units)
        say(f"{name}@{site} {tally}")
    kinds = next(iter(passed.values()))
    rows = [[kind, *(f"{passed[name][kind]} of {asked[name]}" for name in passed)] for kind in kinds]
    print(table(["scored as a picture", *passed], rows))


def images_of(runner: Runner, request: VisualizeRequest, units: Sequence[int]) -> Images:
    """The images that pictures of these units are compared with."""
    index = runner.fetch(IndexRequest(model=request.model, site=request.site, data=request.data), quiet).arrays
    dataset = open_dataset(request.data)
    whole = whole_images(dataset, index["images"])
    return Images(index["position_mean"][whole][:, units].astype(np.float32), index["images"][whole], dataset.image)


def quiet(_: Progress | None) -> None:
    """Nobody watches."""
