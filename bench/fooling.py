"""Do the checks notice a model that fools its pictures? The table of docs/trust.md: the honest `starter-cnn`, and the same
with a fooling circuit in one layer (`tests/engine/explanation/fooled.py`).

    python -m bench.fooling [--units 8]

Results go through the cache, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import torch

from bench.common import say, table
from engine.core import config
from engine.core.request import Progress
from engine.core.shares import shares
from engine.data.registry import open_dataset
from engine.evaluation.predictions import logits
from engine.explanation.explains import OTHER, TOP, ExplainsRequest
from engine.explanation.paths import LayerPathsRequest
from engine.jobs.runner import Runner
from engine.models import catalog
from tests.engine.explanation.fooled import MODEL, SITE, fooled

TRAIN_ON = (3, 40, 90, 138)
"""Units whose pictures in the making train the gate; they are not among those that are looked at."""


def answers(model: str) -> np.ndarray:
    """What a model answers to every second scene, those that did not train the gate."""
    loaded, scenes = catalog.load(model), open_dataset("starter")
    pixels = np.stack([scenes.image(int(number)) for number in scenes.evaluated()[1::2]])
    return logits(loaded, torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255).argmax(1).numpy()


def tell(progress: Progress | None) -> None:
    if progress is not None and sys.stderr.isatty():
        print(f"\r{progress.message} {progress.step}/{progress.total}      ", end="", file=sys.stderr, flush=True)


def between(row: dict, name: str) -> str:
    return f"{row[name]:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=8)
    asked = parser.parse_args()
    runner, rest = Runner(config.store()), sorted(set(range(catalog.load(MODEL).sites[SITE].units)) - set(TRAIN_ON))
    units = tuple(sorted(np.random.default_rng(0).choice(rest, asked.units, replace=False).tolist()))
    trick = fooled(TRAIN_ON).name
    say(f"the gate is trained; units {units}")
    right = np.array([open_dataset("starter").label(int(n)) for n in open_dataset("starter").evaluated()[1::2]])
    own, rows = answers(MODEL), []
    for name, model in (("honest", MODEL), ("fooled", trick)):
        given = answers(model)
        seen = runner.fetch(ExplainsRequest(model=model, observer="starter-vit", sites=(SITE,), units=units), tell)
        pooled = seen.tables["layers"].set_index("shown").to_dict("index")
        way = runner.fetch(LayerPathsRequest(model=model, sites=(SITE,), units=units), tell)
        follows = way.tables["follows"].set_index("shown").to_dict("index")["fast"]
        rows.append(
            [
                name, f"{(given == right).mean():.3f}", f"{(given == own).mean():.4f}", between(pooled[TOP], "accuracy"),
                between(pooled["fast"], "accuracy"), between(pooled[f"fast {OTHER}"], "accuracy"),
                between(follows, "difference"), shares(follows["part"], follows["part_low"], follows["part_high"]),
                follows["says"],
            ]
        )  # fmt: skip
        say(str(rows[-1]))
    head = ("model", "top-1", "answers as the honest", "observer: top images", "picture", "another unit's picture")
    print(table((*head, "own picture more alike than others'", "of natural images' lead", "says"), rows))


if __name__ == "__main__":
    main()
