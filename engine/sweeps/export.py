"""A whole sweep as one folder or ZIP file: pictures, numbers, requests, and a page to look at them without Vitrine.

    index.html       a wall: every picture under the name of its layer
    pictures/        one PNG a unit, by model, layer and unit
    numbers.csv      one line a unit, with its address, where the experiment has numbers of units
    parts/           of other experiments: each part's tables and arrays
    sweep.json       what was asked for, and the request of every part with its key

What is not made yet is left out and counted. Invariant: a file or folder is there whole or not at all.
"""

from __future__ import annotations

import html
import json
import math
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from engine import __version__
from engine.concepts.browsing import units_table
from engine.concepts.naming import NameUnitsRequest
from engine.core import config, export
from engine.core.errors import BadRequest
from engine.core.images import to_png
from engine.core.paths import brief
from engine.core.request import Result
from engine.core.shares import times
from engine.jobs.runner import Runner
from engine.sweeps.parts import Part
from engine.sweeps.plan import Plan
from engine.sweeps.request import PICTURES, SweepRequest

NAMES = NameUnitsRequest.experiment
_EPOCH = (1980, 1, 1, 0, 0, 0)
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem;color-scheme:light dark}"
    "h2{font-size:1.1rem;margin:2rem 0 .5rem}"
    ".wall{display:grid;grid-template-columns:repeat(auto-fill,minmax(6rem,1fr));gap:.5rem}"
    "figure{margin:0}img{width:100%;image-rendering:pixelated}figcaption{font-size:.8rem}.failed{color:#c33}"
)
Write = Callable[[str, bytes], None]


def write(sweep: SweepRequest, plan: Plan, path: Path) -> int:
    """Write what is there of a sweep into a folder, or a ZIP file where the name ends so; gives how many parts it has.

    Raises BadRequest where that cannot be written, or a folder of that name holds something already.
    """
    if path.is_dir() and any(path.iterdir()):
        raise BadRequest(f"{brief(str(path))} holds something already. Name a new folder, or a file that ends in .zip.")
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        count = (_zip if path.suffix == ".zip" else _folder)(sweep, plan, partial)
        if path.is_dir():
            path.rmdir()
        os.replace(partial, path)
    except OSError as error:
        raise BadRequest(f"{brief(str(path))} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True) if partial.is_dir() else partial.unlink(missing_ok=True)
    return count


def _zip(sweep: SweepRequest, plan: Plan, path: Path) -> int:
    with zipfile.ZipFile(path, "w") as file:

        def add(name: str, data: bytes) -> None:
            how = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            file.writestr(zipfile.ZipInfo(name, _EPOCH), data, how)

        return _write(sweep, plan, add)


def _folder(sweep: SweepRequest, plan: Plan, path: Path) -> int:
    def add(name: str, data: bytes) -> None:
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    return _write(sweep, plan, add)


def _write(sweep: SweepRequest, plan: Plan, add: Write) -> int:
    """Part by part, so that no more than one is in memory."""
    wall, tables, requests = list[tuple[str, str]](), list[pd.DataFrame](), list[dict]()
    for key, part, result in _results(plan):
        requests.append({"key": key, "request": result.request})
        tables += _numbers(part, result)
        if sweep.what != PICTURES:
            for name, data in export.files(result):
                add(f"parts/{export.stem(result)}/{name}", data.encode() if isinstance(data, str) else data)
            continue
        for place, unit in enumerate(part.units):
            add(f"pictures/{export.stem(result, unit)}.png", to_png(result.arrays["images"][place]))
        wall += _figures(part, result)
    if tables:
        add("numbers.csv", export.to_csv(pd.concat(tables, ignore_index=True)).encode())
    if wall:
        add("index.html", _page(sweep, len(plan.parts) - len(requests), wall).encode())
    about = {"vitrine": __version__, "sweep": sweep.id, "request": json.loads(sweep.canonical()), "parts": requests}
    add("sweep.json", (json.dumps(about, indent=1) + "\n").encode())
    return len(requests)


def _results(plan: Plan) -> Iterator[tuple[str, Part, Result]]:
    runner = Runner(config.store())
    for key, part in plan.parts.items():
        if (result := runner.find(key)) is not None:
            yield key, part, result


def _numbers(part: Part, result: Result) -> list[pd.DataFrame]:
    """The part's table with a line for each unit, where its experiment has one; of names, with how each word was tested."""
    if part.request.experiment == NAMES:
        tested = {name: result.arrays[name] for name in ("held_out", "low", "high", "p")}
        return [units_table(result)[["address", "unit", "named", "word", "words", "score"]].assign(**tested)]
    table = result.tables.get("units", pd.DataFrame()).copy()
    if "unit" not in table or "address" in table:
        return []
    table.insert(0, "address", [f"{part.model}@{part.site}:{unit}" for unit in table["unit"]])
    return [table]


def _figures(part: Part, result: Result) -> list[tuple[str, str]]:
    """What a part has on the wall: the name of its layer, and a picture's line, for each unit."""
    layer, lines = html.escape(f"{part.model} {part.site}"), []
    for unit, numbers in zip(part.units, result.tables["units"].to_dict("records"), strict=True):
        ratio = times(numbers["ratio_to_best_scene"], numbers.get("ratio_low", math.nan))
        told = '<span class="failed">failed</span>' if numbers["failed"] else ratio
        source = quote(f"pictures/{export.stem(result, unit)}.png")
        image = f'<img src="{source}" loading="lazy" alt="Picture of unit {unit} of {layer}">'
        lines.append((layer, f"<figure>{image}<figcaption>{unit} {told}</figcaption></figure>"))
    return lines


def _page(sweep: SweepRequest, absent: int, wall: list[tuple[str, str]]) -> str:
    body = list[str]()
    for layer, lines in groupby(wall, key=lambda line: line[0]):
        body += [f"<h2>{layer}</h2>", '<div class="wall">', *(line for _, line in lines), "</div>"]
    left = f"<p>{absent} parts are not made yet.</p>" if absent else ""
    title = html.escape(sweep.title)
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>'
    about = (
        "<p>Each picture maximizes the activation of its unit; × says how many times that of the unit's strongest image it "
        'reaches. <a href="numbers.csv">Numbers</a>, <a href="sweep.json">requests</a>.</p>'
    )
    return "\n".join([head, about, left, *body, "</html>", ""])
