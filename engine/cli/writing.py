"""What `visualize --out` writes: a PNG for each unit, a contact sheet, the numbers and the request."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from engine.core import export
from engine.core.errors import BadRequest
from engine.core.images import contact_sheet
from engine.core.paths import brief, readable
from engine.core.request import Result

COLUMNS = 8
SHEET, NUMBERS, FACTS = "contact-sheet.png", "numbers.csv", "request.json"


def must_be_writable(folder: Path) -> None:
    """Find out before the work, not after it. Raises BadRequest when files cannot be made in this folder."""
    standing = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    if not standing.is_dir():
        raise _refused(folder, f"{brief(str(standing))} is not a folder")
    if not os.access(standing, os.W_OK | os.X_OK):
        raise _refused(folder, "no permission")
    for path in (folder / name for name in (SHEET, NUMBERS, FACTS)):
        if path.is_dir() or (path.exists() and not os.access(path, os.W_OK)):
            raise _refused(folder, f"{path.name} in it {'is a folder' if path.is_dir() else 'may not be changed'}")


def write(result: Result, folder: Path) -> dict[int | str, str]:
    """Write the result's files; returns each unit's picture as a path. Raises BadRequest when they cannot be; the result
    is in the cache then."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in export.pngs(result):
            (folder / name).write_bytes(data)
        _sheet(result).save(folder / SHEET)
        (folder / NUMBERS).write_text(export.numbers(result), encoding="utf-8")
        (folder / FACTS).write_text(export.facts(result), encoding="utf-8")
    except OSError as error:
        raise _refused(
            folder, error.strerror or str(error), " The result is in the cache, so nothing has to be computed again."
        ) from error
    return {unit: readable(str(folder / f"{export.stem(result, unit)}.png")) for unit in export.names(result)}


def _sheet(result: Result) -> Image.Image:
    """All pictures on one sheet, each with its unit and activation."""
    numbers = result.tables["units"]
    images = list(result.arrays["images"])
    captions = [f"{unit}: {value:.3g}" for unit, value in zip(numbers["unit"], numbers["activation"], strict=True)]
    starts = range(0, len(images), COLUMNS)
    return contact_sheet(
        [images[start : start + COLUMNS] for start in starts],
        [captions[start : start + COLUMNS] for start in starts],
        title=f"{result.request['model']}@{result.request['site']}",
    )


def _refused(folder: Path, reason: str, more: str = "") -> BadRequest:
    return BadRequest(
        f"The folder {brief(str(folder))} cannot be written ({reason}). Name another one with --out.{more}"
    )
