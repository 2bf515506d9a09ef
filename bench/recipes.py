"""How good the recipes' pictures are on the starter models: the numbers of docs/findings/pictures.md.

    python -m bench.recipes [--units 64] [--classes 64] [--recipes fast,paper-scaled]

The paper's recipe was made for inputs of 384 pixels, and the starter's have 96: what is fair to compare with is `paper-scaled`,
its jitter scaled with the side; `paper` and `paper-code` can be named beside it. Two questions. Hidden
features: what share of pictures of random units of starter-vit@blocks.6.mlp.hidden is above every control, and what share
activates its unit more than every scene does, augmented alike? Class logits: what share of a model's pictures of random
classes has the OTHER starter model that class among its five best answers? Results go through the cache, so a run that
was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np
import pandas as pd

from bench.common import told
from engine.core import choices, config
from engine.core.request import Progress, Result
from engine.jobs.runner import Runner
from engine.models import catalog
from engine.visualization import quality
from engine.visualization.request import VisualizeRequest

SITE = "blocks.6.mlp.hidden"
MODELS = ("starter-vit", "starter-cnn")
CHUNK = 4


def pick(count: int, of: int) -> list[int]:
    """The same random units at every run."""
    return sorted(np.random.default_rng(0).choice(of, min(count, of), replace=False).tolist())


def pictures(runner: Runner, model: str, site: str, units: list[int], recipe: str) -> tuple[np.ndarray, pd.DataFrame]:
    """Pictures (n, H, W, 3) uint8 and their table, a few units a request."""
    parts: list[Result] = []
    for start in range(0, len(units), CHUNK):
        request = VisualizeRequest(model=model, site=site, units=tuple(units[start : start + CHUNK]), recipe=recipe)
        parts.append(runner.fetch(request, tell))
    tables = [part.tables["units"] for part in parts]
    return np.concatenate([part.arrays["images"] for part in parts]), pd.concat(tables, ignore_index=True)


def tell(progress: Progress | None) -> None:
    if progress is not None and sys.stderr.isatty():
        print(f"\r{progress.message} {progress.step}/{progress.total}      ", end="", file=sys.stderr, flush=True)


def recognised(model: str, images: np.ndarray, classes: list[int]) -> float:
    """Share of pictures whose class is among the model's five best answers."""
    pixels = images.transpose(0, 3, 1, 2).astype(np.float32) / 255
    return float(quality.recognised([model], classes, pixels)[0].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--classes", type=int, default=64)
    parser.add_argument("--recipes", default=f"{choices.FAST},{choices.PAPER_SCALED}")
    parser.add_argument("--first", type=int, help="only so many of those units and classes, for a recipe that is slow")
    args = parser.parse_args()
    runner = Runner(config.store())
    recipes = args.recipes.split(",")
    units = pick(args.units, catalog.load("starter-vit").sites[SITE].units) if args.units else []
    classes = pick(args.classes, catalog.load("starter-vit").sites["head.logits"].units) if args.classes else []
    units, classes = units[: args.first], classes[: args.first]
    rows = []
    for recipe in recipes:
        row: dict[str, object] = {"recipe": recipe}
        if units:
            _, table = pictures(runner, "starter-vit", SITE, units, recipe)
            row |= {
                "units": len(table),
                "above_every_control": told(int((~table.failed).sum()), len(table)),
                "beat_every_scene": told(int(table.beats_every_scene.sum()), len(table)),
                "beat_every_scene_as_they_are": told(int(table.beats_as_is.sum()), len(table)),
                "median_ratio_to_best_scene": float(table.ratio_to_best_scene.median()),
                "median_ratio_as_they_are": float(table.ratio_as_is.median()),
                "mean_activation": float(table.activation.mean()),
                "seconds_a_unit": float(table.seconds.mean()),
            }
        for model, other in (MODELS, MODELS[::-1]) if classes else ():
            images, _ = pictures(runner, model, "head.logits", classes, recipe)
            row[f"{model}_pictures_recognised_by_{other}"] = recognised(other, images, classes)
        rows.append(row)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
