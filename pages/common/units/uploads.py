"""Uploaded directions and images, stored under a name that requests accept; each is read once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core import config
from engine.core.choices import PHOTO_MODELS, PHOTOS
from engine.core.errors import RefusedFile
from engine.data.uploads import UPLOADED
from engine.people.person import Person
from pages.common import errors, who
from pages.common.experiments.places import BY_NAME

if TYPE_CHECKING:
    from engine.figures.metadata import Origin

LABEL = "What does it see in my photo?"
FOR_MEMBERS = "Files are taken from members of this server. Ask whoever runs it to make you one."
_KEPT = "kept_uploads"


def keep_vector(data: bytes, name: str, tensor: str) -> str:
    """The digest that a direction is known by from now on. Raises RefusedFile for a file that holds none."""
    from engine.data.uploads import has_vector, keep_vector

    def keep() -> str:
        return _once(("direction", data, tensor), lambda person: keep_vector(data, name[:80], tensor, person))

    digest = keep()
    if not has_vector(digest):  # it was deleted meanwhile, for instance since nobody used it for long
        st.session_state.pop(_KEPT, None)
        digest = keep()
    return digest


def keep_image(data: bytes, name: str) -> str:
    """The digest that an image is known by from now on. Raises RefusedFile for what is no image."""
    from engine.core.errors import Unavailable
    from engine.data.uploads import fingerprint, keep_image

    def keep() -> str:
        return _once(("image", data), lambda person: keep_image(data, name[:80], person))

    try:
        return fingerprint(keep())
    except Unavailable:  # it was deleted meanwhile, or the folder cannot be written
        st.session_state.pop(_KEPT, None)
        return keep()


def keep_words(data: bytes, name: str) -> str:
    """The digest that a list of words is known by from now on. Raises RefusedFile for a file that holds none."""
    from engine.data.uploads import keep_words

    return _once(("words", data), lambda person: keep_words(data, name[:80], person))


def _once(file: tuple[object, ...], keep: Callable[[Person], str]) -> str:
    """The digest that `keep` gives for a file, which this session keeps once, however often the page runs while it lies there.
    Deleted, it stays so until it is given again."""
    kept = st.session_state.setdefault(_KEPT, {})
    if (mark := hash(file)) not in kept:
        kept[mark] = keep(who.person())
    return kept[mark]


def readable_by() -> str:
    """What somebody who is about to upload something has to know: who can see it, for how long, and how it goes."""
    days = config.settings().limits.upload_days
    until = f" for {days} days after its last use" if days else ""
    return (
        f"It is kept on this server{until}. Whoever has the link of a result that uses it can see it. Delete it at any time on "
        "the page “Privacy and your data”."
    )


def file_box(label: str, key: str, help: str = "", **options: Any) -> Any:
    """A box for a file of one's own. Who can see it stands above where others use this server, and behind the question mark for
    whoever has it for themselves. The server takes files from members alone: the box of others takes none, and says so."""
    if not may_upload():
        return st.file_uploader(label, key=key, help=FOR_MEMBERS, disabled=True, **options)
    if shared := _others_come():
        st.caption(readable_by())
    return st.file_uploader(label, key=key, help=(help if shared else help + readable_by()) or None, **options)


def may_upload() -> bool:
    """Whether the server takes files from whoever asks (see `pages.routes.guard.Uploads`)."""
    asks = who.here()
    return asks is not None and asks.is_at_least("member")


def _others_come() -> bool:
    """Whether it is not the asker's own machine, who signs in nowhere and may do everything."""
    asks = who.here()
    return config.settings().access.login != "none" or asks is None or not asks.is_at_least("operator")


def image_box(label: str, key: str) -> Any:
    """A box for an image of one's own. Any file can be chosen: what is refused is refused where the image is kept, with what to
    do, and not by the browser."""
    return file_box(label, key, takes())


def photo_box(key: str, label: str = LABEL) -> str | None:
    """Draw the box that takes a photo: by a click, by dropping it, on a phone from its camera. Gives the name under which a
    photo that was just given is kept, once. Says what is wrong with a file that is none.

    A figure that was saved from Vitrine is no photo: it opens what it shows.
    """
    given = image_box(label, key)
    if given is None:
        return None
    with errors.shown():
        data, file = given.getvalue(), given.name[:80]
        fresh = st.session_state.get(f"{key}_taken") != given.file_id
        figure = _figure(data)
        name = "" if figure else UPLOADED + keep_image(data, file)
        st.session_state[f"{key}_taken"] = given.file_id
        if figure and fresh:
            open_figure(figure, file)
        return name if name and fresh else None
    return None


def open_figure(origin: Origin, name: str) -> None:
    """Go to the page that a saved figure shows. Raises RefusedFile where there is no such page."""
    from engine.figures.metadata import parameters

    if origin.page not in BY_NAME:
        raise RefusedFile(f"{name[:80]} names a page that is not there. It may come from a newer version.")
    st.switch_page(BY_NAME[origin.page], query_params=parameters(origin))


def _figure(data: bytes) -> Origin | None:
    """What a figure that was saved from Vitrine shows; None for any other file."""
    from engine.figures.metadata import CHUNK, origin_of

    with suppress(RefusedFile):
        return origin_of(data) if CHUNK.encode() in data else None  # to look for it in the file itself takes no decoder
    return None


def takes() -> str:
    """Which photos can be read here."""
    from engine.core.images import reads_heic

    kinds = "JPEG, PNG, WebP or HEIC" if reads_heic() else "JPEG, PNG or WebP"
    return f"{kinds}, at most 20 MB and 40 megapixels. "


def photo_link(image: str) -> dict[str, str]:
    """The query parameters that show a photo on its page at first: in two networks that were trained on photos, where both
    are here, else in the starter's."""
    from engine.core.errors import VitrineError
    from engine.models import catalog

    try:
        there = all(catalog.find(model).available for model in PHOTO_MODELS)
    except VitrineError:
        there = False
    return {"image": image} | (dict(zip("ab", PHOTO_MODELS, strict=True)) | {"data": PHOTOS} if there else {})
