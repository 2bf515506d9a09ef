"""The squares of the tiny world in the formats in which data sets with boxes and masks are published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.engine.world import KINDS, SIDE, Squares, box, png, scene, write, xml


def ilsvrc(root: Path, count: int, split: str = "train") -> Path:
    for number in range(count):
        kind = KINDS[number % 4]
        write(root / f"Data/CLS-LOC/{split}/{kind}/{number:03}.png", png(scene(number)))
        others = [("elsewhere", (0, 0, SIDE, SIDE))]
        boxes = [(kind, box(number)), *others]
        write(root / f"Annotations/CLS-LOC/{split}/{kind}/{number:03}.xml", xml(SIDE, SIDE, boxes))
    return root


def masked(root: Path, count: int) -> Path:
    for number in range(count):
        name = f"{KINDS[number % 4]}/{number:03}.png"
        write(root / "images" / name, png(scene(number)))
        mask = Squares().mask(number)
        assert mask is not None
        write(root / "masks" / name, png(mask.astype(np.uint8) * 255))
    return root


def parquet(root: Path, count: int) -> Path:
    rows = [
        {
            "image": {"bytes": png(scene(number)), "path": None},
            "label": number % 4,
            "bbox": [box(number)[0], box(number)[1], 12, 14],
        }
        for number in range(count)
    ]
    names = f'{{"info": {{"features": {{"label": {{"names": ["{KINDS[0]}", "{KINDS[1]}", "{KINDS[2]}", "{KINDS[3]}"]}}}}}}}}'
    root.mkdir()
    for shard in range(2):
        table = pa.Table.from_pylist(rows[shard::2]).replace_schema_metadata({"huggingface": names})
        pq.write_table(table, root / f"train-{shard}.parquet", row_group_size=5)
    return root
