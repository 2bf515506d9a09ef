"""The first pictures of home as plain HTML, which comes with the very first answer: a browser needs seconds to load and start
the app itself, and shows these meanwhile. They look as they will on the page, which takes their place without a word."""

from __future__ import annotations

import base64
import html
import io
from functools import cache

from PIL import Image
from streamlit import config

from engine.core.address import Address
from engine.core.errors import VitrineError
from pages.common import words
from pages.sections.home import exhibition, gallery
from pages.sections.home.gallery import Exhibit

SIDE, QUALITY = 160, 82
PLACE = "first-light"
_BEGUN = "body:has([data-testid=stMain] [data-testid=stElementContainer])"
# Only where a browser can take it away again by itself: a moment after something of the page is drawn, so that its own pictures
# have loaded, and at the latest after half a minute.
_STYLE = f"""
#{PLACE} {{display: none;}}
@supports selector(body:has(a)) {{
#{PLACE} {{display: block; position: fixed; inset: 0; z-index: 1000000; overflow: hidden; pointer-events: none;
padding: 6.2rem 5.6rem 0 5rem; box-sizing: border-box; font: 16px/1.6 "Source Sans", sans-serif;
animation: {PLACE} 0s 30s forwards;
GROUND}}
{_BEGUN} #{PLACE} {{visibility: hidden; transition: visibility 0s 0.8s;}}
}}
@keyframes {PLACE} {{to {{visibility: hidden;}}}}
@media (prefers-color-scheme: dark) {{#{PLACE} {{DARK}}}}
#{PLACE} h1 {{font: 500 2.1rem/1.2 "Source Serif", serif; margin: 0 0 1.4rem;}}
#{PLACE} p {{margin: 0 0 1rem;}}
#{PLACE} b {{color: var(--blue); font-weight: 600;}}
#{PLACE} div ~ div ~ div b {{color: var(--orange);}}
#{PLACE} .row {{display: grid; grid-template-columns: repeat(4, 1fr); gap: 1rem; margin: 0.6rem 0 1.6rem;}}
#{PLACE} figure {{margin: 0; display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem;}}
#{PLACE} img {{width: 100%; aspect-ratio: 1; border-radius: 0.4rem;}}
#{PLACE} figcaption {{grid-column: 1 / -1; text-align: center; font-size: 0.875rem; opacity: 0.6; padding-top: 1.1rem;}}
@media (max-width: 640px) {{#{PLACE} {{padding: 6.2rem 1rem 0;}} #{PLACE} .row {{grid-template-columns: 1fr;}}}}
"""


def markup() -> bytes:
    """What goes into the body of the first answer, some 150 KB; nothing while the pictures are not in the store."""
    if not (made := _made()):
        _made.cache_clear()
    return made


@cache
def _made() -> bytes:
    try:
        rows = "".join(map(_row, gallery.EXHIBITS[:2]))
    except VitrineError:  # what is wrong with the settings or the store the page says
        rows = ""
    if not rows:
        return b""
    style = _STYLE.replace("GROUND", _ground("light")).replace("DARK", _ground("dark"))
    return f'<div id="{PLACE}"><style>{style}</style><h1>Vitrine</h1><p>{gallery.ABOUT}</p>{rows}</div>'.encode()


def _row(exhibit: Exhibit) -> str:
    """A network's layers from left to right; empty where its pictures are not there."""
    figures = [_figure(exhibit, units) for units in exhibition.stored(exhibit)]
    if not figures:
        return ""
    about = f"<b>{html.escape(exhibit.model)}</b> <small>{html.escape(exhibit.about)}</small>"
    return f'<div>{about}</div><div class="row">{"".join(figures)}</div>'


def _figure(exhibit: Exhibit, units: list[tuple[Address, str]]) -> str:
    site = words.depth(units[0][0].site)
    images = [
        f'<img alt="{html.escape(exhibition.described(exhibit.model, address))}" src="data:image/webp;base64,{_small(key)}">'
        for address, key in units
    ]
    return f"<figure>{''.join(images)}<figcaption>{html.escape(site)}</figcaption></figure>"


def _small(key: str) -> str:
    out = io.BytesIO()
    picture = Image.open(io.BytesIO(exhibition.png(key))).convert("RGB")
    picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(out, "WEBP", quality=QUALITY)
    return base64.b64encode(out.getvalue()).decode()


def _ground(theme: str) -> str:
    """The colours of a theme."""
    back, text = (config.get_option(f"theme.{theme}.{name}") for name in ("backgroundColor", "textColor"))
    colours = "".join(
        f"--{name}: {config.get_option(f'theme.{theme}.{name}TextColor')};" for name in ("blue", "orange")
    )
    return f"background: {back}; color: {text}; {colours}"
