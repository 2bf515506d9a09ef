"""Units, charts and views as items of a collection: what each is called, and what opens it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.data.uploads import is_upload
from engine.sharing.items import Item, Picture
from engine.sharing.recording import line_of
from engine.sharing.thumbnails import is_pictures
from pages.common import query, results, words
from pages.common.experiments.places import SCRIPTS
from pages.common.keeping import adding

if TYPE_CHECKING:
    from engine.core.request import Request
    from pages.common.units.view import View

UNITS = SCRIPTS["visualize"].rpartition("/")[2].removesuffix(".py")


def unit(alone: View, key: str, place: int) -> Item:
    """One unit (or target), of the view that shows it alone; its picture is at this place of the result under `key`."""
    there = results.find(key) is not None
    picture = Picture(key=key, index=place) if there else None
    title = f"{words.target(alone.a.names[0])} · {alone.a.model} · {alone.a.site}"
    return adding.item("unit", title, query.write(alone), results=[key], picture=picture, page=UNITS)


def chart(title: str, page: str, params: Mapping[str, str], keys: Sequence[str]) -> Item:
    """A chart: the view of its page that it stands in."""
    return adding.item("result", title, dict(params), results=keys, page=page)


def view(title: str, params: Mapping[str, str], keys: Sequence[str]) -> Item:
    """What the open page shows; the first picture of the first of these results stands for it."""
    found = results.find(keys[0]) if keys else None
    pictured = found is not None and "images" in found.arrays and is_pictures(found.arrays["images"])
    picture = Picture(key=keys[0]) if pictured else None
    return adding.item("view", title, dict(params), results=keys, picture=picture)


def image(data: str, number: str, params: Mapping[str, str], keys: Sequence[str]) -> Item:
    """An image of a data set (or an upload), on the open page."""
    title = "A photo of one's own" if is_upload(number) else f"Image {number} of {data}"
    return adding.item("image", title, dict(params), results=keys, data=data, image=number)


def title_of(requests: Sequence[Request]) -> str:
    """What a view of these requests is called: by its first, and how many more there are."""
    first = line_of("", json.loads(requests[0].canonical()), 0.0).title
    return first if len(requests) == 1 else f"{first} and {len(requests) - 1} more"
