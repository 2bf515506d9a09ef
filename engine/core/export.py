"""A result as files that stand on their own: pictures, numbers and the request that makes them again.

Invariant: the same result gives the same bytes, and pixels are exactly those that were computed.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator

import numpy as np
import pandas as pd

from engine import __version__
from engine.core.images import to_png
from engine.core.request import Result

_PICTURES = {"images": "", "opposite_images": "-opposite", "importance": "-importance"}
_FORMULA = ("=", "+", "-", "@")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def names(result: Result) -> list[int | str]:
    """What the pictures of a `visualize` result were made for, in order: units, then targets."""
    return [*result.request["units"], *result.request.get("targets", ())]


def stem(result: Result, unit: int | str | None = None) -> str:
    """A file name, without its ending, that says model, site (or else the experiment) and unit (or target)."""
    request = result.request
    what = request.get("site") or request.get("experiment", "")
    parts = [_plain(str(request.get("model", ""))), _plain(str(what))]
    if unit is not None:
        name = f"unit-{unit}"
        # Targets keep files of their own, with names that are not too long: (2*7) and (2+7) are plainly the same.
        parts.append(f"{_plain(name)[:60]}-{_digest(name)}" if isinstance(unit, str) else name)
    return "-".join(filter(None, parts))


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def pngs(result: Result) -> Iterator[tuple[str, bytes]]:
    """File name and PNG bytes of every picture of a `visualize` result, unit by unit."""
    for place, unit in enumerate(names(result)):
        for name, ending in _PICTURES.items():
            if name in result.arrays:
                yield f"{stem(result, unit)}{ending}.png", to_png(result.arrays[name][place])
        for number, picture in enumerate(result.arrays["variants"][place] if "variants" in result.arrays else ()):
            yield f"{stem(result, unit)}-variant-{number}.png", to_png(picture)


def numbers(result: Result) -> str:
    """The numbers of every unit as CSV, one line a unit, with the unit's address first."""
    table = result.tables["units"].copy()
    address = f"{result.request['model']}@{result.request['site']}:"
    table.insert(0, "address", [f"{address}{unit}" for unit in table["unit"]])
    return to_csv(table)


def curves(result: Result) -> str:
    """The objective of every unit at every step as CSV: columns step, then one for each unit."""
    values = np.asarray(result.arrays["curves"], np.float32)
    lines = [",".join(["step", *(f"unit {unit}" for unit in names(result))])]
    lines += [",".join([str(step), *(f"{value:.6g}" for value in row)]) for step, row in enumerate(values.T, start=1)]
    return "\n".join(lines) + "\n"


def facts(result: Result) -> str:
    """The request, and what is known of how it was carried out, as JSON. `python -m engine` takes the same request."""
    about = {"vitrine": __version__, "request": result.request, "facts": result.facts}
    return json.dumps(about, indent=2, sort_keys=True, default=str) + "\n"


def to_csv(table: pd.DataFrame) -> str:
    """A table as CSV without its index. Text that a spreadsheet would carry out as a formula begins with an apostrophe:
    words and names come from anybody's files."""
    return table.apply(_harmless).to_csv(index=False, lineterminator="\n")


def _harmless(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column):
        return column
    return column.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell)


def to_zip(*results: Result) -> bytes:
    """One ZIP of results: for each a folder with its request and, of `visualize` results, pictures, numbers and curves;
    of others, every table as CSV and every array as a NumPy file."""
    buffer = io.BytesIO()
    used: set[str] = set()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for result in results:
            folder = name = stem(result)
            copies = 2
            while folder in used:
                folder, copies = f"{name}-{copies}", copies + 1
            used.add(folder)
            for file, data in files(result):
                _add(archive, f"{folder}/{file}", data)
    return buffer.getvalue()


def files(result: Result) -> Iterator[tuple[str, bytes | str]]:
    """Name and content of every file of a result."""
    if result.request.get("experiment") == "visualize":
        yield from pngs(result)
        yield "numbers.csv", numbers(result)
        yield "curves.csv", curves(result)
    else:
        for name, table in result.tables.items():
            yield f"{name}.csv", to_csv(table)
        for name, array in result.arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            yield f"{name}.npy", buffer.getvalue()
    yield "request.json", facts(result)


def _add(archive: zipfile.ZipFile, name: str, data: bytes | str) -> None:
    # A fixed date keeps the archive's bytes the same each time.
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
