"""Write the committed evaluation set: matched sets of four scenes a kind, as one Parquet file, and the list of kinds.

python -m starter.make.pack --art ART_FOLDER
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from starter.make.kinds import Kind, fetch, load_art, load_kinds, write_kinds
from starter.make.scenes import VARIANTS, Scene, matched_set

SCENES = Path(__file__).parents[1] / "scenes"
SEED = 0
QUALITY = 88


def image_bytes(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=QUALITY, method=6)
    return buffer.getvalue()


def mask_bytes(mask: np.ndarray | None) -> bytes | None:
    if mask is None:
        return None
    buffer = io.BytesIO()
    Image.fromarray(mask).convert("1").save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def row(scene: Scene, variant: str, set_index: int) -> dict:
    kind = scene.kind
    left, top, right, bottom = scene.box or (None,) * 4
    return {
        "image": image_bytes(scene.image),
        "mask": mask_bytes(scene.mask),
        "box_left": left,
        "box_top": top,
        "box_right": right,
        "box_bottom": bottom,
        "kind": kind.name,
        "kind_index": kind.index,
        "group": kind.group,
        "subgroup": kind.subgroup,
        "place": scene.place,
        "home_place": kind.home_place,
        "variant": variant,
        "set": set_index,
        "tags": list(kind.tags),
        "caption": scene.caption,
    }


def rows(kinds: list[Kind], art: np.ndarray, sets: int) -> list[dict]:
    out = []
    for index in range(sets):
        scenes = matched_set("evaluation", SEED, index, kinds, art)
        out.extend(row(scenes[variant], variant, index) for variant in VARIANTS)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--art", type=Path, required=True, help="folder for the fetched art (not committed)")
    parser.add_argument("--out", type=Path, default=SCENES)
    args = parser.parse_args()
    fetch(args.art)
    kinds = load_kinds(args.art)
    args.out.mkdir(parents=True, exist_ok=True)
    write_kinds(kinds, args.out / "kinds.json")
    table = pa.Table.from_pylist(rows(kinds, load_art(args.art, kinds), len(kinds)))
    pq.write_table(table, args.out / "evaluation.parquet", compression="zstd", row_group_size=512)
    print(f"{table.num_rows} scenes, {(args.out / 'evaluation.parquet').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
