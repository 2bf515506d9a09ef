"""One unit on a card: its picture, the scenes that excite it, where in them it looks, and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.address import Address
from engine.core.choices import STARTER
from pages.common import errors, results, words
from pages.common.colours import Side
from pages.common.units import charts
from pages.sections.visualize import figure, quality

if TYPE_CHECKING:
    from engine.core.request import Result
    from pages.common.units.rows import Row
    from pages.common.units.view import View

SCENES = 6
PICTURE_WIDTH = 192
FAILED = (
    "The picture is not above all of its controls, so it is not evidence of what the unit responds to. They are zero (where "
    "the activation function has one), blanks of 29 colours and of its own, the strongest of 19 draws of noise with the "
    "picture's own spectrum and a sixth on top, and the 95th percentile of the images."
)
SCORED = (
    "Means over 16 augmented copies (jitter, mild colour shifts) that the optimization never saw, with 95% intervals over "
    "such copies. Scenes that lack their object or place are not counted."
)
CONTROLS = {"zero": "zero", "blank": "a blank", "noise": "noise of its spectrum and a sixth", "images": "95% of images"}
"""What a picture has to be above, in words."""


@dataclass(frozen=True)
class Shown:
    """What the cards of one side share: the result they show, and the index it is compared with, when it is there."""

    side: Side
    address: Address
    key: str
    index_key: str
    data: str
    input_size: tuple[int, int]
    maps: bool
    row: Row | None = None
    view: View | None = None
    """What the cards are of, for the figures that are made of them."""

    @property
    def result(self) -> Result:
        result = results.find(self.key)
        assert result is not None, "cards are drawn for results that are there"
        return result

    @property
    def index(self) -> Result | None:
        return results.find(self.index_key)


@st.fragment
def draw(shown: Shown, place: int) -> None:
    """The card of the unit at this place of the result."""
    unit = shown.address.names[place]
    facts = shown.result.tables["units"].iloc[place].to_dict()
    with st.container(border=True, key=f"card-{shown.side}-{unit}", gap="small"):
        with st.container(horizontal=True, gap="small"):
            _picture(shown, place, "images", f"Picture for {words.target(unit)} of {shown.address.site}")
            if "opposite_images" in shown.result.arrays:
                _picture(shown, place, "opposite_images", f"Picture that minimizes {words.target(unit)}", "Opposite")
            if "importance" in shown.result.arrays:
                st.image(
                    results.importance(shown.key, place, PICTURE_WIDTH),
                    caption="Importance",
                    width=PICTURE_WIDTH,
                    output_format="PNG",
                    alt=f"The picture of {words.target(unit)} with its most important pixels highlighted",
                )
            with st.container(width=PICTURE_WIDTH - 40, gap="xsmall"):
                st.markdown(f"**{errors.escape(words.target(unit))}**")
                st.caption(verdict(facts, shown.data), help=details(facts, shown.data, shown.result.facts))
                quality.draw(shown.result, facts)
                if bool(facts["failed"]):
                    st.badge("Failed", icon=":material/close:", color="red", help=FAILED)
        if "variants" in shown.result.arrays:
            quality.variants(shown.key, shown.result, place)
        if isinstance(unit, int):
            _scenes(shown, unit)
        else:
            _images(shown, place)
        _more(shown, place, unit, facts)


def verdict(facts: dict[str, Any], data: str) -> str:
    """How strongly the picture activates its unit, in two lines: against its strongest image, and its strongest control."""
    number = {name: float(value) for name, value in facts.items() if isinstance(value, int | float | np.number)}
    what = "scene" if data == STARTER else "image"
    if np.isfinite(number["ratio_to_best_scene"]):
        between = _between(number["ratio_low"], number["ratio_high"])
        first = f"**{words.number(number['ratio_to_best_scene'])}×** its strongest {what}{between}"
    else:
        between = _between(number["activation_low"], number["activation_high"])
        first = f"activation **{words.number(number['activation'])}**{between}"
    side = "above" if number["margin"] > 0 else "below"
    return f"{first}  \n**{words.number(abs(number['margin']))}** {side} {CONTROLS[facts['control']]}, its strongest control"


def details(facts: dict[str, Any], data: str, about: dict[str, Any]) -> str:
    """All other numbers, a line each, and how they were measured. `about`: the facts of the result, which say how many images
    there were."""
    number = {name: float(value) for name, value in facts.items() if isinstance(value, int | float | np.number)}
    what, many = "scene" if data == STARTER else "image", int(about["images"])
    between = _between(number["activation_low"], number["activation_high"])
    lines = [
        f"Activation {words.number(number['activation'])}{between}, above {number['percentile']:.1f}% of {many:,} {what}s."
    ]
    if np.isfinite(number["ratio_as_is"]):
        lines.append(f"Without augmentations {words.number(number['ratio_as_is'])}× its strongest {what}.")
    lines.append(f"The strongest {about['augmented']} {what}s are augmented as the picture is.")
    if about["augmented"] == many:
        lines.append(f"Only {many} {what}s: up to {words.share(about['could_be_stronger'])} of such could be stronger.")
    if np.isfinite(opposite := float(facts.get("opposite_activation", np.nan))):
        lines.append(f"Minimized {words.number(opposite)}.")
    return "  \n".join([*lines, SCORED])


def _between(low: float, high: float) -> str:
    return f" ({words.number(low)} to {words.number(high)})" if np.isfinite(low) else ""


def _picture(shown: Shown, place: int, which: str, alt: str, caption: str | None = None) -> None:
    # Shown at exactly the size it was enlarged to, so that its pixels stay crisp.
    st.image(
        results.picture(shown.key, which, place, PICTURE_WIDTH),
        caption=caption,
        width=PICTURE_WIDTH,
        output_format="PNG",
        alt=alt,
    )


def _scenes(shown: Shown, unit: int) -> None:
    index = shown.index
    if index is None:
        st.caption("The scenes that activate this unit most appear here once its layer is indexed.")
        return
    numbers = index.arrays["top_mean"][unit]
    dataset = results.dataset(shown.data)
    with st.grid(SCENES, min_column_width=44, wrap=False, gap="xxsmall"):
        for place, rank in enumerate(results.top_ranks(index, unit, shown.data, SCENES), 1):
            facts = dataset.describe(int(numbers[rank]))
            st.image(
                results.scene(shown.index_key, unit, rank, shown.data, shown.input_size, shown.maps),
                caption=f":small[{errors.escape(words.short(facts))}]",
                width="stretch",
                output_format="PNG",
                alt=f"Scene {place} for unit {unit}: {words.scene(facts)}",
            )


def _images(shown: Shown, place: int) -> None:
    """The images that come closest to a target, without maps: a target has no map of its own."""
    dataset, numbers = results.dataset(shown.data), shown.result.arrays["target_top"]
    with st.grid(SCENES, min_column_width=44, wrap=False, gap="xxsmall"):
        for number in numbers[place - len(shown.address.units)][:SCENES]:
            facts = dataset.describe(int(number))
            st.image(
                results.image(shown.data, int(number), shown.input_size),
                caption=f":small[{errors.escape(words.short(facts))}]",
                width="stretch",
                output_format="PNG",
                alt=f"Scene closest to the target: {words.scene(facts)}",
            )


def _on_images(shown: Shown, place: int) -> np.ndarray | None:
    """(images,): what the unit or target does on every image; None where that is not known."""
    unit, index = shown.address.names[place], shown.index
    if isinstance(unit, str):
        return shown.result.arrays["target_values"][place - len(shown.address.units)]
    return None if index is None else index.arrays["position_mean"][:, unit]


def _more(shown: Shown, place: int, unit: int | str, facts: dict[str, Any]) -> None:
    key = f"more-{shown.side}-{shown.address.site}-{unit}"
    more = st.expander("Distribution, optimization curve and address", type="compact", key=key, on_change="rerun")
    if not more.open:
        return
    with more:
        told = ""
        values, index, opposite = _on_images(shown, place), shown.index, facts.get("opposite_activation")
        has_opposite = "opposite_images" in shown.result.arrays and opposite is not None
        if values is not None:
            st.plotly_chart(
                charts.histogram(
                    values,
                    float(facts["activation"]),
                    float(opposite) if has_opposite else None,
                    shown.side,
                ),
                key=f"{key}-histogram",
                config={"displayModeBar": False},
                alt=f"Histogram of the activations of {words.target(unit)} on {shown.data}, with its picture marked",
            )
            told = f"The picture is above {float(facts['percentile']):.1f}% of {shown.result.facts['images']:,} images."
        if isinstance(unit, str):
            st.caption(told)
        elif index is not None:
            low, high = results.scale(index, unit)
            st.caption(
                f"{told} "
                f"Scenes are dimmed the most up to the median over positions of its strongest ones ({words.number(low)}), and "
                f"not at all from half-way to their maximum ({words.number(high)}) on; one scale for all of them."
            )
        st.plotly_chart(
            charts.curve(shown.result.arrays["curves"][place], shown.side),
            key=f"{key}-curve",
            config={"displayModeBar": False},
            alt=f"The objective during the optimization of the picture of unit {unit}",
        )
        alone = ((unit,), ()) if isinstance(unit, int) else ((), (unit,))
        st.code(str(Address(shown.address.model, shown.address.site, *alone)), language=None, wrap_lines=True)
        with st.container(horizontal=True):
            _download(shown, place, unit, key)
            if shown.row is not None and shown.view is not None:
                alone_in = shown.view.but(a=Address(shown.address.model, shown.address.site, *alone), b=None)
                figure.popover(figure.Wanted(alone_in, (shown.row,), place), key)


def _download(shown: Shown, place: int, unit: int | str, key: str) -> None:
    def data() -> bytes:
        from engine.core.images import to_png

        return to_png(shown.result.arrays["images"][place])

    from engine.core.export import stem

    st.download_button(
        "PNG",
        data,
        # Streamlit tells large files apart by their names: the key keeps two results from sharing one.
        file_name=f"{stem(shown.result, unit)}-{shown.key[:8]}.png",
        mime="image/png",
        icon=":material/download:",
        key=f"{key}-png",
        on_click="ignore",
        help=f"The picture of unit {errors.escape(str(unit))} at its original size.",
    )
