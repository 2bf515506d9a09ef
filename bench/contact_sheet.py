"""One sheet of the same units at several depths of a transformer, and of as many of a CNN below it: the README's picture.

    python -m bench.contact_sheet --out docs/images/real-networks.png

Results go through the cache, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from bench.recipes import tell
from engine import config
from engine.images import contact_sheet
from engine.runner import Runner
from engine.visualize import VisualizeRequest

UNITS = (1, 3, 5, 7, 11, 20, 33, 47)
SITES = {
    "dinov2-s14-saliency": [f"blocks.{block}.mlp.hidden" for block in (2, 5, 8, 10)],
    # The CNN's widened features: what comes closest to the hidden features of an MLP.
    "efficientnet-lite0": [
        f"stages.{block}.mlp.hidden" for block in ("1.blocks.1", "2.blocks.1", "4.blocks.2", "6.blocks.0")
    ],
}


def sheet(runner: Runner, model: str, recipe: str, tile: int) -> Image.Image:
    """A row a site, a picture a unit, each with its activation and the share of photos that it beats."""
    rows, captions = [], []
    for site in SITES[model]:
        request = VisualizeRequest(model=model, site=site, units=UNITS, recipe=recipe, data="photos")
        result = runner.fetch(request, tell)
        table = result.tables["units"]
        rows.append(list(result.arrays["images"]))
        captions.append([f"{row.unit}: {row.activation:.2f} ({row.percentile:.0f}%)" for row in table.itertuples()])
        print(f"\r{model}@{site}: {table.failed.mean():.0%} failed, {table.seconds.mean():.1f} s a unit      ")
    title = f"{model}, recipe {recipe}: unit, its activation, and the share of 20 photos below it"
    return contact_sheet(rows, captions, SITES[model], title=title, tile=tile)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--tile", type=int, default=128)
    args = parser.parse_args()
    runner = Runner(config.store())
    parts = [sheet(runner, model, args.recipe, args.tile) for model in SITES]
    whole = np.full((sum(part.height for part in parts), max(part.width for part in parts), 3), 255, np.uint8)
    top = 0
    for part in parts:
        whole[top : top + part.height, : part.width] = np.asarray(part)
        top += part.height
    args.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(whole).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
