"""The spatial probe's image: one unit's maps through the depth, and one position's token followed through it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from engine.core.images import inline
from engine.core.request import Result
from engine.data.uploads import is_upload
from pages.common import colours, errors, overlay, results, words
from pages.common.charts.clicks import clicked
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage
from pages.common.experiments.places import link_to_photo
from pages.sections.spatial import charts, scenes
from pages.sections.spatial.view import SpatialView

WIDTH = 300  # as high as the image to click on, which stands beside it
LARGE = 768
"""At least so wide is a picture that fills the screen."""
SMALL, TILE = 288, 88
"""Of the maps of all blocks: their pixels, and the least width that they are shown at."""


def draw(page: ExperimentPage[SpatialView], view: SpatialView, computed: Mapping[str, Result]) -> None:
    """The image of each side with the chosen layer's map, and all layers in a row; the image alone before there are maps."""
    there: dict[Side, Result] = {side: computed[f"maps-{side}"] for side in view.sides if f"maps-{side}" in computed}
    st.header(f"Unit {view.unit} on one image, block by block", anchor=False)
    if not there:
        st.caption("Not measured yet.")
        own, size = is_upload(view.image), results.input_size(view.a)
        plain = _own(view.image, size) if own else results.image(view.data, int(view.image), size)
        alt = "The uploaded image" if own else f"Image {view.image} of {view.data}"
        st.image(plain, width=WIDTH, output_format="PNG", alt=alt)
        return
    link_to_photo(
        "What fires on this image, layer by layer",
        view.image,
        view.data,
        [*view.sides.values()],
        ":material/image_search:",
    )
    _sliders(page, view)
    columns = st.columns(len(view.sides), gap="large")
    for column, (side, model) in zip(columns, view.sides.items(), strict=True):
        if side in there:
            with column:
                _side(page, view, side, model, there[side])
                _scenes(view, side, model, computed)


@st.cache_resource(max_entries=16, show_spinner=False)
def _own(image: str, size: tuple[int, int]) -> bytes:
    """PNG of an uploaded image, cut as the model sees it."""
    from engine.core.images import to_input, to_png
    from engine.data.uploads import image_of

    return to_png(to_input(image_of(image, ""), size))


def _scenes(view: SpatialView, side: Side, model: str, computed: Mapping[str, Result]) -> None:
    shown = computed[f"maps-{side}"]
    row = shown.tables["layers"].iloc[layer_at(view, shown)]
    height, width = shown.arrays["pixels"].shape[:2]
    scenes.draw(view, model, str(row["maps"]), (height, width), computed, f"scenes-{side}")


def layer_at(view: SpatialView, shown: Result) -> int:
    """The block that the view's depth falls on."""
    return round(view.depth * (len(shown.tables["layers"]) - 1))


def _sliders(page: ExperimentPage[SpatialView], view: SpatialView) -> None:
    """How deep, and which position. They look at what is there; nothing is computed."""

    def moved(name: str) -> None:
        if (shown := page.shown()) is not None:
            page.turn(shown.model_copy(update={name: st.session_state[page.key(f"{name}_at")] / 100}))

    labels = {
        "depth": "Depth, % of the blocks",
        "down": "Followed position: down, %",
        "across": "Followed position: across, %",
    }
    with st.container(horizontal=True, gap="medium"):
        for name, label in labels.items():
            key = page.key(f"{name}_at")
            st.session_state[key] = round(100 * getattr(view, name))
            st.slider(label, 0, 100, key=key, on_change=moved, args=(name,))


def _side(page: ExperimentPage[SpatialView], view: SpatialView, side: Side, model: str, result: Result) -> None:
    table = result.tables["layers"]
    key, layer = result.key, layer_at(view, result)
    row = table.iloc[layer]
    st.markdown(f"### :{colours.NAMES[side]}[{errors.escape(model)}] · `{row['maps']}`")
    left, right = st.columns(2)
    with left:
        chosen = pictured(key, "map", layer, None, LARGE)
        st.image(chosen, width=WIDTH, output_format="PNG", alt=f"Map of unit {view.unit} in {row['maps']}")
        st.caption(_about_map(view, result, layer))
    with right:
        rows, columns = int(row["height"]), int(row["width"])
        st.plotly_chart(
            charts.clickable(inline(pictured(key, "plain", 0, None, WIDTH)), rows, columns, side),
            key=page.key(f"click_{side}"),
            on_select=lambda: _clicked(page, side),
            selection_mode="points",
            config={"displayModeBar": False},
            alt="The image at the model's input size. Click a position to follow its token, or use the sliders.",
        )
        st.caption(f"{errors.escape(str(result.facts.get('caption', '')))}. Click a position to follow its token.")
    st.markdown(
        f":small[Unit {view.unit}, every block, with the AUROC for the object if its mask is known; bright where it is active, "
        f"dimmed elsewhere, **each on its own scale**]"
    )
    _row(
        table,
        [
            pictured(key, "map", index, None, SMALL) if f"map_{index}" in result.arrays else None
            for index in table["layer"]
        ],
    )
    if f"tokens_{layer}" in result.arrays:
        st.markdown(
            ":small[Cosine similarity of the followed position's token to all others, every block; **one scale**, 0 "
            "transparent to 1 bright]"
        )
        place = (view.down, view.across)
        _row(
            table.drop(columns="auroc", errors="ignore"),
            [pictured(key, "tokens", at, place, SMALL) for at in table["layer"]],
        )
    for line in result.facts["missing"]:
        st.caption(line)


def _row(table: pd.DataFrame, pictures: list[bytes | None]) -> None:
    with st.grid(min(len(pictures), 12), min_column_width=TILE, gap="xxsmall"):
        for row, picture in zip(table.to_dict("records"), pictures, strict=True):
            block = int(row["layer"])
            if picture is None:
                st.caption(f"{block}: no such unit")
                continue
            auroc = f" · {row['auroc']:.2f}" if np.isfinite(row.get("auroc", np.nan)) else ""
            alt = f"Block {block}: {row['site']}"
            st.image(picture, caption=f":small[{block}{auroc}]", width="stretch", output_format="PNG", alt=alt)


def _about_map(view: SpatialView, result: Result, layer: int) -> str:
    row = result.tables["layers"].to_dict("records")[layer]
    if f"map_{layer}" not in result.arrays:
        return f"This layer has {int(row['units'])} units; there is no unit {view.unit}."
    low, high = row["low"], row["high"]
    full = words.number(overlay.full_from(low, high))
    said = [
        f"Bright where the unit is active, dimmed elsewhere: the most at {words.number(low)}, in full from {full} on; "
        f"highest {words.number(high)}"
    ]
    prefix = [column for column in result.tables["layers"] if str(column).startswith("prefix_")]
    values = [words.number(row[name]) for name in prefix if np.isfinite(row[name])]
    said += [f"prefix tokens, which have no place in the image: {', '.join(values)}"] if values else []
    said += [f"AUROC for the object's mask {row['auroc']:.2f}"] if np.isfinite(row["auroc"]) else []
    return "; ".join(said) + "."


@st.cache_resource(max_entries=results.MOST_PICTURES, show_spinner=False)
def pictured(key: str, which: str, layer: int, place: tuple[float, float] | None, wide: int) -> bytes:
    """PNG, at least so `wide`, of the image alone, dimmed where a unit is not active, or under the similarity to the token at a
    place: that is read as a number on one scale, which brightness would hide where all tokens are alike."""
    from engine.core.images import to_png

    result = results.find(key)
    assert result is not None, "drawn for results that are there"
    image = overlay.enlarged(result.arrays["pixels"], wide)
    if which == "plain":
        return to_png(image)
    if which == "map":
        values = np.asarray(result.arrays.get(f"map_{layer}", np.zeros((1, 1))), np.float32)
        return to_png(overlay.spotlight(image, values, float(values.min()), float(values.max())))
    similar = np.asarray(result.arrays[f"tokens_{layer}"], np.float32)
    rows, columns = _grid(similar, result.arrays["pixels"].shape[:2])
    assert place is not None
    row, column = (min(int(part * count), count - 1) for part, count in zip(place, (rows, columns), strict=True))
    picture = overlay.overlay(image, similar[row * columns + column].reshape(rows, columns), 0.0, 1.0)
    high, wide = image.shape[0] / rows, image.shape[1] / columns
    return to_png(
        _framed(picture, round(row * high), round((row + 1) * high), round(column * wide), round((column + 1) * wide))
    )


def _grid(similar: np.ndarray, size: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of the positions of a square similarity matrix on an image of this shape."""
    rows = max(1, round((len(similar) * size[0] / size[1]) ** 0.5))
    return rows, len(similar) // rows


def _framed(image: np.ndarray, top: int, bottom: int, left: int, right: int) -> np.ndarray:
    """The image with a white frame, black outside it, around a rectangle."""
    framed = image.copy()
    for grow, value in ((0, 255), (2, 0)):
        t, b, x, y = (
            max(top - grow, 0),
            min(bottom + grow, len(image)),
            max(left - grow, 0),
            min(right + grow, image.shape[1]),
        )
        framed[t : t + 2, x:y] = framed[b - 2 : b, x:y] = value
        framed[t:b, x : x + 2] = framed[t:b, y - 2 : y] = value
    return framed


def _clicked(page: ExperimentPage[SpatialView], side: Side) -> None:
    place, shown = clicked(st.session_state.get(page.key(f"click_{side}"))), page.shown()
    if place is not None and shown is not None:
        down, across = place
        page.turn(shown.model_copy(update={"down": float(down), "across": float(across)}))
