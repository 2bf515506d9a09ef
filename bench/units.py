"""How good pictures are: random units, the same number from every layer, against controls and against every image.

    python -m bench.units [--units 256] [--recipe fast] [--models starter-vit,starter-cnn]
    python -m bench.units --controls 64         do blanks, noise and scrambled pictures fail, as they should?

Layers are the hidden features of every block of a transformer and the output of every block of another network. Pictures are
scored as on the page (see `engine.visualization.scoring.table.scored`). Results go through the cache, so a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from bench.common import layers, say, table, told
from bench.decoys import passing, quiet
from engine.core import config
from engine.jobs.runner import Runner
from engine.models import catalog
from engine.visualization.request import VisualizeRequest

HEAD = [
    "layer",
    "above every control",
    "beat every scene, augmented alike",
    "as they are",
    "median ratio, augmented alike",
    "as they are",
    "strongest control",
    "failed (control, margin)",
]


def line(name: str, found: pd.DataFrame, whole: bool = False) -> list[str]:
    """A layer's row of the table; with `whole` the last, with intervals."""

    def count(hits: int) -> str:
        return told(hits, len(found)) if whole else f"{hits} of {len(found)}"

    lost = found[found.failed]
    each = [f"{row.unit} ({row.control}, {row.margin:.2f})" for row in lost.itertuples()]
    controls = ", ".join(f"{control} {number}" for control, number in found.control.value_counts().items())
    return [
        name,
        count(int((~found.failed).sum())),
        count(int(found.beats_every_scene.sum())),
        count(int(found.beats_as_is.sum())),
        f"{found.ratio_to_best_scene.median():.2f}",
        f"{found.ratio_as_is.median():.2f}",
        controls,
        f"{len(lost)} failed" if whole else ", ".join(each),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="starter-vit,starter-cnn")
    parser.add_argument("--units", type=int, default=256, help="in all, over all models and layers")
    parser.add_argument("--recipe", default="fast")
    parser.add_argument(
        "--controls", type=int, metavar="UNITS", help="of each model: pictures that show nothing instead"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw of units, and of the noise")
    args = parser.parse_args()
    models, runner, random = args.models.split(","), Runner(config.store()), np.random.default_rng(args.seed)
    sites = [(name, site) for name in models for site in layers(catalog.load(name))]
    requests, rows, tables = [], [], []
    for name, site in sites:
        count = catalog.load(name).sites[site].units
        units = sorted(random.choice(count, args.units // len(sites), replace=False).tolist())
        requests.append(VisualizeRequest(model=name, site=site, units=tuple(units), recipe=args.recipe))
    if args.controls:
        passing(runner, requests, args.controls * len(models) // len(sites), args.seed)
        return
    for request in requests:
        found = runner.fetch(request, quiet).tables["units"]
        rows.append(line(f"{request.model}@{request.site}", found))
        tables.append(found)
        say(" ".join(rows[-1]))
    whole = pd.concat(tables)
    print(table(HEAD, [*rows, line("**all**", whole, whole=True)]))
    print(f"Scoring took {whole.scoring_seconds.sum() / whole.seconds.sum():.0%} of the time of making the pictures.")


if __name__ == "__main__":
    main()
