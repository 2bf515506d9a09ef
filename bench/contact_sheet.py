"""One sheet of the same units at several depths of a transformer, and of as many of a CNN below it: two pictures of the docs.

    python -m bench.contact_sheet --out docs/images/real-networks.png
    python -m bench.contact_sheet --networks starter --out docs/images/starter-networks.png

Results go through the cache, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from bench.recipes import tell
from engine.core import config
from engine.core.images import contact_sheet
from engine.jobs.runner import Runner
from engine.visualization.request import VisualizeRequest

UNITS = (1, 3, 5, 7, 11, 20, 33, 47)
HIDDEN = "blocks.{}.mlp.hidden"
NETWORKS = {
    "real": {
        "dinov2-s14-saliency": [HIDDEN.format(block) for block in (2, 5, 8, 10)],
        # The CNN's widened features: what comes closest to the hidden features of an MLP.
        "efficientnet-lite0": [
            f"stages.{block}.mlp.hidden" for block in ("1.blocks.1", "2.blocks.1", "4.blocks.2", "6.blocks.0")
        ],
    },
    "starter": {
        "starter-vit": [HIDDEN.format(block) for block in (0, 2, 4, 6)],
        "starter-clip": [HIDDEN.format(block) for block in (0, 2, 4, 6)],
        "starter-cnn": [f"stages.{stage}.blocks.1" for stage in (1, 2, 3)],
    },
}
DATA = {"real": ("photos", "20 photos"), "starter": ("starter", "3,396 scenes")}


def sheet(runner: Runner, networks: str, model: str, recipe: str, tile: int) -> Image.Image:
    """A row a site, a picture a unit, each with its activation and the share of photos that it beats."""
    rows, captions = [], []
    (data, told), sites = DATA[networks], NETWORKS[networks][model]
    for site in sites:
        request = VisualizeRequest(model=model, site=site, units=UNITS, recipe=recipe, data=data)
        result = runner.fetch(request, tell)
        table = result.tables["units"]
        rows.append(list(result.arrays["images"]))
        captions.append([f"{row.unit}: {row.activation:.2f} ({row.percentile:.0f}%)" for row in table.itertuples()])
        print(f"\r{model}@{site}: {table.failed.mean():.0%} failed, {table.seconds.mean():.1f} s a unit      ")
    title = f"{model}, recipe {recipe}: unit, its activation, and the share of {told} below it"
    return contact_sheet(rows, captions, sites, title=title, tile=tile)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--networks", choices=list(NETWORKS), default="real")
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--tile", type=int, default=128)
    args = parser.parse_args()
    runner = Runner(config.store())
    parts = [sheet(runner, args.networks, model, args.recipe, args.tile) for model in NETWORKS[args.networks]]
    whole = np.full((sum(part.height for part in parts), max(part.width for part in parts), 3), 255, np.uint8)
    top = 0
    for part in parts:
        whole[top : top + part.height, : part.width] = np.asarray(part)
        top += part.height
    args.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(whole).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
