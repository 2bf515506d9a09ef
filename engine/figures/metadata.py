"""What a PNG says of its origin: the requests that made it and the link that opens it, in a text chunk of the file.

Files come from anybody: what is read is text of a limited size, of which only a page of Vitrine and its parameters are used.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from PIL import Image, PngImagePlugin

from engine import __version__
from engine.core.errors import RefusedFile
from engine.core.paths import brief

CHUNK = "vitrine"
LARGEST_FILE = 64 << 20
LONGEST = 200_000
LONGEST_LINK = 8_000


@dataclass(frozen=True)
class Origin:
    """`requests`: their canonical facts. `page`: the page's path, like `feature_visualization`; `query`: its parameters, as
    in a link, without the question mark."""

    requests: tuple[dict[str, Any], ...] = ()
    page: str = ""
    query: str = ""


def as_chunks(origin: Origin) -> PngImagePlugin.PngInfo:
    """The text chunks of a PNG of this origin."""
    about = {"version": __version__, "requests": list(origin.requests), "page": origin.page, "query": origin.query}
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Software", f"Vitrine {__version__}")
    chunks.add_itxt(CHUNK, json.dumps(about, sort_keys=True))
    return chunks


def origin_of(data: bytes, name: str = "") -> Origin:
    """What a PNG says of its origin. Raises RefusedFile for a file that is none or says nothing."""
    label = brief(name) or "The file"
    if len(data) > LARGEST_FILE:
        raise RefusedFile(f"{label} is larger than {LARGEST_FILE >> 20} MiB. A figure of Vitrine is smaller.")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            text = dict(getattr(image, "text", {})).get(CHUNK, "")
        about = json.loads(text) if 0 < len(text) <= LONGEST else {}
    except Exception:  # whatever a decoder raises on hostile bytes: they differ by version
        raise RefusedFile(f"{label} is no PNG that can be read. Give a figure that was saved from Vitrine.") from None
    page, query = (about.get(part) for part in ("page", "query")) if isinstance(about, dict) else (None, None)
    if not isinstance(page, str) or not isinstance(query, str) or not _is_link(page + query):
        raise RefusedFile(f"{label} does not say what it shows. Give a figure that was saved from Vitrine as PNG.")
    requests = about.get("requests")
    made_by = tuple(one for one in requests if isinstance(one, dict)) if isinstance(requests, list) else ()
    return Origin(made_by, page, query)


def _is_link(text: str) -> bool:
    """Whether an address can hold it: JSON can also write half a surrogate pair, which nothing can send."""
    return len(text) <= LONGEST_LINK and not any("\ud800" <= letter <= "\udfff" for letter in text)


def parameters(origin: Origin) -> dict[str, str]:
    """The parameters of its link."""
    return dict(parse_qsl(origin.query, keep_blank_values=True))
