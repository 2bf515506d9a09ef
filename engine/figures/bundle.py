"""A figure with all that belongs to it in one ZIP: drawing, numbers, requests, a script that makes it again, how to cite it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date

from engine.core import export
from engine.core.request import Result
from engine.figures import citation, script
from engine.figures.drawing import Drawing
from engine.figures.layout import COLUMN
from engine.figures.metadata import Origin
from engine.figures.raster import to_png
from engine.figures.svg import to_svg

README = """figure.svg, figure.png   the figure: as a vector drawing, and at 288 pixels an inch
figure.tex, cite.bib     to include it in LaTeX, and what to cite
again.py, again.sh       a script and a command that make the results again
results/                 for each result its numbers, pictures and request

Drop figure.png on Vitrine's home page to open what it shows. A PDF: rsvg-convert -f pdf figure.svg, or any vector program.
"""


def to_zip(drawing: Drawing, caption: str, results: Sequence[Result], origin: Origin, link: str, on: date) -> bytes:
    """The bytes of the archive."""
    requests = script.again([result.request for result in results])
    commands = [line for request in requests if (line := script.command(request))]
    files: dict[str, str | bytes] = {
        "README.txt": README,
        "figure.svg": to_svg(drawing),
        "figure.png": to_png(drawing, origin),
        "figure.tex": citation.latex("figure.png", caption, wide=drawing.width > COLUMN),
        "cite.bib": citation.bibtex(link, on),
        "again.py": script.python(requests),
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
