"""A figure with all that belongs to it in one ZIP: drawing, numbers, requests, a script that makes it again, how to cite it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

from engine.core import export
from engine.core.request import Result
from engine.figures import citation, script
from engine.figures.drawing import Drawing
from engine.figures.layout import COLUMN
from engine.figures.metadata import Origin
from engine.figures.pdf import to_pdf
from engine.figures.raster import to_png
from engine.figures.svg import to_svg

README = """figure.svg, figure.pdf   the figure as a vector drawing
figure.png               the figure at 288 pixels an inch
figure.tex, cite.bib     to include it in LaTeX, and what to cite
again.py, again.sh       a script that makes the results again, and (for pictures of units) a command
numbers.csv              of a chart: the numbers that are drawn
results/                 for each result its numbers, pictures and request

Drop figure.png on Vitrine's home page to open what it shows.
"""


def to_zip(
    drawing: Drawing,
    caption: str,
    results: Sequence[Result],
    origin: Origin,
    link: str,
    on: date,
    own: Mapping[str, bytes] = MappingProxyType({}),
) -> bytes:
    """The bytes of the archive. `own`: further files, such as the numbers of a chart."""
    requests = script.again([result.request for result in results])
    commands = [line for request in requests if (line := script.command(request))]
    files: dict[str, str | bytes] = {
        "README.txt": README,
        "figure.svg": to_svg(drawing),
        "figure.pdf": to_pdf(drawing),
        "figure.png": to_png(drawing, origin),
        "figure.tex": citation.latex("figure.pdf", caption, wide=drawing.width > COLUMN),
        "cite.bib": citation.bibtex(link, on),
        "again.py": script.python(requests),
        **own,
    }
    if commands:
        files["again.sh"] = "\n".join(commands) + "\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        for number, result in enumerate(results):
            for name, data in export.files(result):
                archive.writestr(f"results/{number}-{export.stem(result)}/{name}", data)
    return buffer.getvalue()
