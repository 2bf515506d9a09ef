"""What is there already of the units of a photo's layers: the index that they are compared with, and their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from engine.core.address import Address
from engine.core.choices import DEFAULT_RECIPE, PHOTOS, STARTER
from engine.core.request import Result, build
from pages.common import results
from pages.common.colours import Side
from pages.common.units.rows import index_request
from pages.sections.photo.view import PhotoView

SECONDS = 5
"""How long it counts that a picture was not there."""
FEW = 100
"""Images of a data set that is read without asking: some seconds for any network."""


def index_of(model: str, site: str, data: str) -> tuple[str, str] | None:
    """(the key of a layer's index, the data set that it is of): of `data`, else of the photos or of the scenes; None where the
    layer is not indexed."""
    from engine.models import catalog

    mark = catalog.fingerprint(model)
    for name in dict.fromkeys((data, PHOTOS, STARTER)):
        if (key := _index_key(model, mark, site, name)) and results.find(key) is not None:
            return key, name
    return None


@st.cache_data(max_entries=1024, ttl=60, show_spinner=False)
def _index_key(model: str, mark: str, site: str, data: str) -> str:
    """ "" where the data set is not here."""
    from engine.core.errors import VitrineError

    try:
        return index_request(Address(model, site, ()), data).key()
    except VitrineError:
        return ""


def looked(view: PhotoView, computed: Mapping[str, Result]) -> dict[Side, Result]:
    """The results of the models that have looked at the photo, by side."""
    return {side: computed[f"photo-{side}"] for side in view.sides if f"photo-{side}" in computed}


@st.cache_resource(max_entries=256, show_spinner=False)
def strongest(photo: str, layer: int, index: str | None, count: int) -> pd.DataFrame:
    """The units of a layer that fire most (see `engine.evaluation.photo.strongest`), by the keys of the results."""
    from engine.evaluation.photo import strongest

    read = results.find(photo)
    assert read is not None, "drawn for results that are there"
    return strongest(read, layer, results.find(index) if index else None, count)


def pictures(model: str, site: str, units: Sequence[int]) -> list[str | None]:
    """The keys of the pictures of these units with the usual recipe, None for those that are not made yet."""
    from engine.models import catalog

    return _pictures(model, catalog.fingerprint(model), site, tuple(units))


@st.cache_data(max_entries=1024, ttl=SECONDS, show_spinner=False)
def _pictures(model: str, mark: str, site: str, units: tuple[int, ...]) -> list[str | None]:
    from engine.visualization.single import PictureRequest

    asked = [build(PictureRequest, model=model, site=site, wanted=str(u), recipe=DEFAULT_RECIPE, seed=0) for u in units]
    keys = [request.key() for request in asked]
    return [key if results.find(key) is not None else None for key in keys]


def is_small(data: str) -> bool:
    """Whether a data set is read without asking."""
    return len(results.dataset(data)) <= FEW


def sites(photo: Result) -> list[str]:
    """The layers of a photo's result, from the image to the answer."""
    return photo.tables["layers"]["site"].tolist()
