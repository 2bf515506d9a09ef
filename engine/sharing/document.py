"""A collection as one HTML page that stands on its own: pictures inside, no script, nothing fetched from anywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from engine.core import config
from engine.core.images import inline
from engine.core.request import Result
from engine.sharing import collections, history, holding, names
from engine.sharing.items import Collection, Item, Kept
from engine.sharing.markdown import to_html

STYLE = """
body {font: 16px/1.5 system-ui, sans-serif; color: #101215; background: #fff; max-width: 72rem;
  margin: 2rem auto; padding: 0 1rem;}
h1, h2 {font-family: Georgia, serif; font-weight: 500;} .quiet {color: #5d6066; font-size: .85rem;}
main {display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem;}
article {border: 1px solid #e3dfd6; border-radius: .4rem; padding: .8rem; overflow-wrap: anywhere;}
article img {width: 100%; image-rendering: pixelated;} h2 {font-size: 1.05rem; margin: .4rem 0;} a {color: #2f6b5a;}
pre {white-space: pre-wrap;}
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(collection: Collection, address: str = "") -> str:
    """The page. `address`: where the server is, so that each item leads back to it; without it titles lead nowhere."""
    kept = collections.items(collection)
    made = f"{datetime.now(UTC):%Y-%m-%d}"
    by = names.name_of(collection.owner)
    parts = ["" if by == names.NOBODY else f"By {by}", f"{len(kept)} items", f"written {made} by Vitrine"]
    about = escape(" · ".join(filter(None, parts)))
    articles = "\n".join(_article(each, address) for each in kept)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(collection.title)}</title><style>{STYLE}</style></head><body>\n"
        f'<h1>{escape(collection.title)}</h1><p class="quiet">{about}</p>\n{to_html(collection.about)}\n'
        f"<main>\n{articles}\n</main></body></html>\n"
    )


def _article(kept: Kept, address: str) -> str:
    item = kept.item
    title = escape(item.title)
    if address:
        title = f'<a href="{escape(_link(item, address))}" rel="noopener noreferrer">{title}</a>'
    picture = _picture(item)
    shown = f'<img src="{inline(picture)}" alt="{escape(item.title)}">' if picture else ""
    by = names.name_of(kept.added_by)
    facts = " · ".join(filter(None, (item.kind, "" if by == names.NOBODY else f"added by {by}", *_made(item))))
    return f'<article>{shown}<h2>{title}</h2><p class="quiet">{escape(facts)}</p>{to_html(kept.note)}</article>'


def _link(item: Item, address: str) -> str:
    from urllib.parse import urlencode

    return f"{address.rstrip('/')}/{'' if item.page == 'home' else item.page}?{urlencode(item.params)}"


def _made(item: Item) -> list[str]:
    """When and with what the item's first result was computed; of one that was found, since when it has been there."""
    line = history.of_result(item.results[0].partition(".")[0]) if item.results else None
    if line is None:
        return []
    when = datetime.fromtimestamp(holding.stored_at(item.results[0]) or line.ended, UTC)
    told = f"{'stored' if line.started is None else 'computed'} {when:%Y-%m-%d}"
    return [told, *filter(None, (line.device, line.computed_in, f"Vitrine {line.vitrine}" if line.vitrine else ""))]


def _picture(item: Item) -> bytes | None:
    """PNG bytes of what stands for the item."""
    from engine.core.images import to_png
    from engine.sharing.thumbnails import is_pictures

    if item.picture is not None and (result := _result(item.picture.key)) is not None:
        stack = result.arrays.get(item.picture.array)
        if stack is not None and is_pictures(stack) and item.picture.index < len(stack):
            return to_png(stack[item.picture.index])
    if item.data and item.image.isdecimal():
        return _image(item.data, int(item.image))
    return None


def _result(key: str) -> Result | None:
    from engine.jobs.runner import Runner

    return Runner(config.store()).find(key)


def _image(data: str, number: int) -> bytes | None:
    from engine.core.errors import VitrineError
    from engine.core.images import to_png
    from engine.data.registry import open_dataset

    try:
        return to_png(open_dataset(data).image(number))
    except (VitrineError, IndexError):
        return None
