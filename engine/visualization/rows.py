"""The results of single units inside the result of many: which there are, and how one is cut out.

Rows count the units' pictures that maximize them, then, where there are some, those that minimize them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cache.pieces import Pieces, Whole
from engine.core.request import Inner, Request, Result

OF_ALL = ("on_images",)
"""Arrays of a result that belong to all of its units; the others have a row for each."""
OF_A_PICTURE = ("model", "recipe")
"""Fingerprints of what a picture of a unit depends on."""


def units_inside(
    request: Mapping[str, Any], pictures: Sequence[Request], fingerprints: Mapping[str, str]
) -> Iterator[Inner]:
    """What stands inside the result of a request about units (its facts), which made these pictures: each of them, and the
    result of each unit alone."""
    prints = {name: fingerprints[name] for name in OF_A_PICTURE}
    for row, picture in enumerate(pictures):
        yield Inner(json.loads(picture.canonical()), prints, row)
    for row, unit in enumerate(request["units"]):
        yield Inner({**request, "units": [unit]}, fingerprints, row)


def cut_unit(pieces: Pieces | Whole, row: int) -> Result:
    """The result of one unit."""
    request, table = pieces.facts["request"], pieces.table("units").iloc[[row]].reset_index(drop=True)
    arrays = {
        name: pieces.array(name) if name in OF_ALL else pieces.row(name, row)[None].copy() for name in pieces.arrays
    }
    facts = {**pieces.facts["facts"], "seconds": float(table["seconds"].iloc[0])}
    return Result({**request, "units": [request["units"][row]]}, arrays, {"units": table}, facts)


def joined(request: Mapping[str, Any], found: Iterable[Result | None]) -> Result | None:
    """The result of a request about several units, of those of each unit alone, in its order; None where one is not there."""
    alone = list[Result]()
    for each in found:
        if each is None:
            return None
        alone.append(each)
    first, tables = alone[0], [each.tables["units"] for each in alone]
    arrays = {
        name: array if name in OF_ALL else np.concatenate([each.arrays[name] for each in alone])
        for name, array in first.arrays.items()
    }
    devices = dict.fromkeys(str(each.facts["device"]) for each in alone)
    facts = {**first.facts, "device": ", ".join(devices), "seconds": sum(each.facts["seconds"] for each in alone)}
    return Result(dict(request), arrays, {"units": pd.concat(tables, ignore_index=True)}, facts)


def cut_picture(pieces: Pieces | Whole, row: int) -> Result:
    """The result that one picture is."""
    of, about = pieces.facts["request"], pieces.facts["facts"]
    number, down = row % len(of["units"]), row >= len(of["units"])
    request = {
        "experiment": "picture",
        "version": PICTURE,
        **{name: of[name] for name in ("model", "site", "recipe", "seed")},
        "wanted": str(of["units"][number]),
        "direction": -1 if down else 1,
        "start": "",
        "data": "",
    }
    which, line = "opposite_" if down else "", pieces.table("units").iloc[number]
    arrays = {name: pieces.row(f"{which}{name}s", number).copy() for name in ("image", "curve")}
    facts = {"seconds": float(line["seconds"]), "device": about["device"], "batch": int(line["batch"])}
    prints = {name: about["fingerprints"][name] for name in OF_A_PICTURE}
    return Result(request, arrays, {}, facts | {"precision": about["precision"], "fingerprints": prints})


PICTURE = 3
"""The version of single pictures."""
