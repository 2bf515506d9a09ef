"""A photo that is given opens on its page, in the networks that are here."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine.core import config
from engine.core.errors import Unavailable
from engine.data import uploads
from engine.data.uploads import UPLOADED
from engine.figures.metadata import Origin, as_chunks
from engine.models import catalog
from pages.common.units.uploads import keep_image, keep_vector, photo_link
from tests.conftest import ROOT
from tests.engine.core.test_images import encoded, gradient
from tests.pages.opening import opened

PAGE = """
import streamlit as st
from pages.common.units.uploads import photo_box
st.session_state.setdefault("seen", []).append(photo_box("box"))
"""


def test_a_photo_is_handed_over_once_and_a_second_one_anew() -> None:
    app = AppTest.from_string(PAGE, default_timeout=60).run()
    app.file_uploader(key="box").upload("a.png", encoded(gradient(8, 9))).run()
    app.run()
    app.file_uploader(key="box").upload("b.png", encoded(gradient(9, 8))).run()
    none, first, again, second = app.session_state["seen"]
    assert none is None and again is None and first != second
    assert all(name.startswith(UPLOADED) for name in (first, second))


def test_a_refused_file_is_a_sentence_and_hands_over_nothing() -> None:
    app = AppTest.from_string(PAGE, default_timeout=60).run()
    app.file_uploader(key="box").upload("a.png", b"GIF89a").run()
    assert app.session_state["seen"] == [None, None] and "Save one frame" in app.error[0].value


def figure(page: str, query: str = "") -> bytes:
    """A PNG as it is saved from a page."""
    file = io.BytesIO()
    Image.fromarray(gradient(8, 9)).save(file, "PNG", pnginfo=as_chunks(Origin((), page, query)))
    return file.getvalue()


def test_a_saved_figure_that_is_dropped_as_a_photo_opens_what_it_shows() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    app.file_uploader(key="home_photo").upload("figure.png", figure("spatial", "a=starter-vit&unit=3")).run()
    assert app.title[0].value == "Spatial probe" and app.session_state["sp_unit"] == 3


def test_a_saved_figure_of_a_page_that_is_not_there_is_a_sentence_and_no_photo() -> None:
    app = AppTest.from_string(PAGE, default_timeout=60).run()
    app.file_uploader(key="box").upload("figure.png", figure("of-tomorrow")).run()
    assert app.session_state["seen"] == [None, None] and "newer version" in app.error[0].value


def test_a_photo_that_was_deleted_meanwhile_is_kept_when_it_is_given_again() -> None:
    photo = encoded(gradient(11, 7))
    digest = keep_image(photo, "a.png")
    (config.settings().cache_folder / "uploads" / "images" / f"{digest}.png").unlink()
    assert keep_image(photo, "a.png") == digest and uploads.image(digest).shape == (11, 7, 3)


def test_a_direction_that_was_deleted_meanwhile_is_kept_when_it_is_given_again() -> None:
    file = io.BytesIO()
    np.save(file, np.float32([1, 2, 3]))
    digest = keep_vector(file.getvalue(), "a.npy", "")
    (config.settings().cache_folder / "uploads" / "vectors" / f"{digest}.npy").unlink()
    assert keep_vector(file.getvalue(), "a.npy", "") == digest and uploads.vector(digest).tolist() == [1, 2, 3]


def test_a_photo_is_shown_in_networks_trained_on_photos_where_these_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise Unavailable(f"{name} is not here.")

    monkeypatch.setattr(catalog, "find", missing)
    assert photo_link("up-1") == {"image": "up-1"}
    monkeypatch.setattr(catalog, "find", lambda name: catalog.Entry(name, "", "", "", available=True))
    assert photo_link("up-1")["data"] == "photos" and photo_link("up-1")["b"] == "efficientnet-lite0"


@pytest.mark.parametrize(
    ("page", "link", "box", "run"),
    [
        ("spatial", {}, "sp_file", ""),
        ("feature_visualization", {}, "fv_image", ""),
        ("concepts", {"a": "starter-clip", "show": "zero-shot"}, "cn_zero_file", "cn_compare"),
    ],
)
def test_every_box_for_an_image_says_itself_what_to_do_with_a_photo_that_cannot_be_read(
    page: str, link: dict[str, str], box: str, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("engine.core.images", "engine.data.photo_files"):
        monkeypatch.setattr(f"{place}.reads_heic", lambda: False)
    app = opened(f"pages/{page}.py", **link)
    given = app.file_uploader(key=box)
    assert not given.allowed_type and "JPEG, PNG or WebP, at most 20 MB" in given.help
    given.upload("IMG_1.HEIC", b"\0\0\0\x1cftypheic\0\0\0\0").run()
    if run:
        app.button(key=run).click().run()
    assert not app.exception and len(app.error) == 1 and "Save it as JPEG" in app.error[0].value


def test_who_can_see_a_file_is_said_above_its_box_where_others_come(configured: Callable[..., None]) -> None:
    alone = AppTest.from_string(PAGE, default_timeout=60).run()
    assert not alone.caption and "Whoever has the link" in alone.file_uploader(key="box").help
    configured(access={"visitors": "member"})
    app = AppTest.from_string(PAGE, default_timeout=60).run()
    assert ["Whoever has the link of a result" in each.value for each in app.caption] == [True]
    assert "Whoever has the link" not in app.file_uploader(key="box").help


def test_the_box_of_a_viewer_takes_no_file_and_says_whom_to_ask(configured: Callable[..., None]) -> None:
    configured(access={"visitors": "viewer"})
    box = AppTest.from_string(PAGE, default_timeout=60).run().file_uploader(key="box")
    assert box.disabled and "Ask whoever runs it" in box.help
    configured(access={"visitors": "member"})
    assert not AppTest.from_string(PAGE, default_timeout=60).run().file_uploader(key="box").disabled
