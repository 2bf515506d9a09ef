"""How many units' pictures beat every image of the data set: random units, the same number from every layer.

    python -m bench.units [--units 256] [--recipe fast] [--models starter-vit,starter-cnn]

Layers are the hidden features of every block of a transformer and the output of every block of another network. A
picture under fresh augmentations has to excite its unit more than every image does, augmented alike; the harder number
beside it holds its mean against the images as they are. Those that did not are listed. Results go through the cache, so
a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from bench.common import layers, say, table
from engine.core import config
from engine.core.statistics import wilson
from engine.jobs.runner import Runner
from engine.models import catalog
from engine.visualization.request import VisualizeRequest


def told(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits} of {of}: {hits / of:.1%} ({low:.1%} to {high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="starter-vit,starter-cnn")
    parser.add_argument("--units", type=int, default=256, help="in all, over all models and layers")
    parser.add_argument("--recipe", default="fast")
    args = parser.parse_args()
    runner, random = Runner(config.store()), np.random.default_rng(0)
    sites = [(name, site) for name in args.models.split(",") for site in layers(catalog.load(name))]
    rows, all_tables = [], []
    for name, site in sites:
        count = catalog.load(name).sites[site].units
        units = sorted(random.choice(count, args.units // len(sites), replace=False).tolist())
        request = VisualizeRequest(model=name, site=site, units=tuple(units), recipe=args.recipe)
        found = runner.fetch(request, lambda _: None).tables["units"]
        lost = found[~found.beats_every_scene]
        addresses = [f"{each.unit} ({each.ratio_to_best_scene:.2f})" for each in lost.itertuples()]
        share = f"{int(found.beats_every_scene.sum())} of {len(found)}"
        as_they_are = f"{int((found.percentile == 100).sum())} of {len(found)}"
        median = f"{found.ratio_to_best_scene.median():.2f}"
        rows.append([f"{name}@{site}", share, as_they_are, median, ", ".join(addresses)])
        all_tables.append(found)
        say(" ".join(rows[-1]))
    whole = pd.concat(all_tables)
    shares = [
        told(int(whole.beats_every_scene.sum()), len(whole)),
        told(int((whole.percentile == 100).sum()), len(whole)),
    ]
    failed = f"{int(whole.failed.sum())} failed (below the 95th percentile of the unaugmented scenes)"
    rows.append(["**all**", *shares, f"{whole.ratio_to_best_scene.median():.2f}", failed])
    head = [
        "layer",
        "beat every scene, same augmentations",
        "beat every scene, scenes not augmented",
        "median ratio to the strongest scene",
        "below their strongest scene (ratio)",
    ]
    print(table(head, rows))


if __name__ == "__main__":
    main()
