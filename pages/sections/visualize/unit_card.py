"""One unit on a card: its picture, the scenes that excite it, where in them it looks, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.address import Address
from pages.common import colours, errors, query, results, words
from pages.common.charts import figure as chart_figure
from pages.common.charts.files import Source
from pages.common.colours import Side
from pages.common.experiments.places import SCRIPTS, photo
from pages.common.fragments import fragment
from pages.common.keeping import adding, kinds
from pages.common.style import THUMBS
from pages.common.units import charts, images
from pages.common.units.growing import Growing, nothing
from pages.common.units.growing import draw as growing_picture
from pages.common.units.on_data import OnData, of_unit
from pages.sections.visualize import figure, quality

if TYPE_CHECKING:
    from engine.core.request import Result
    from pages.common.units.view import View

SCENES = 4
SIDE = 384
"""How wide a picture is sent, in pixels, at least: on a card it is drawn smaller, in full screen larger."""
FAILED = (
    "The picture is not above all of its controls, so it is not evidence of what the unit responds to. They are zero (where "
    "the activation function has one), blanks of 29 colours and of its own, the strongest of 19 draws of noise with the "
    "picture's own spectrum and a sixth on top, and the 95th percentile of the images."
)
SCORED = (
    "Means over 16 augmented copies (jitter, mild colour shifts) that the optimization never saw, with 95% intervals over "
    "such copies. Scenes that lack their object or place are not counted."
)
NO_ZERO = "It has no zero. Ratios and the sixth above noise count from its value on the median of 29 blanks, {}."
CONTROLS = {"zero": "zero", "blank": "a blank", "noise": "noise of its spectrum and a sixth", "images": "95% of images"}
"""What a picture has to be above, in words."""
BRIEFLY = CONTROLS | {"noise": "noise"}
LISTED = 3
"""Names of images under a row of them."""


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
    view: View | None = None
    """What the cards are of, for their links and the figures that are made of them."""

    @property
    def result(self) -> Result | None:
        return results.find(self.key)

    def known(self, place: int) -> OnData | None:
        """What the unit at this place does on images: by its layer's index, or by the result. None for a target."""
        unit = self.address.names[place]
        return of_unit(self.index_key, unit, self.key) if isinstance(unit, int) else None

    def alone(self, place: int) -> View | None:
        """The view of the unit at this place alone, which is its page."""
        unit, address = self.address.names[place], self.address
        only = ((unit,), ()) if isinstance(unit, int) else ((), (unit,))
        a = Address(address.model, address.site, *only)
        return None if self.view is None else self.view.but(a=a, b=None, view="layer")


@fragment()
def draw(shown: Shown, place: int, growing: Growing | None = None) -> None:
    """The card of the unit at this place of the result. It has its height before its picture is made."""
    unit = shown.address.names[place]
    result = shown.result
    facts = None if result is None else result.tables["units"].iloc[place].to_dict()
    with st.container(border=True, key=f"card-{shown.side}-{unit}", gap="xsmall", height="stretch"):
        _title(shown, place)
        pictures(shown, place, growing)
        with st.container(key=f"said-{shown.side}-{unit}", gap=None):
            if result is not None and facts is not None:
                st.caption(verdict(facts, shown.data), help=details(facts, shown.data, result.facts))
                quality.draw(result, facts)
            else:
                st.caption(growing.text if growing else "Not made yet")
        if result is not None and "variants" in result.arrays:
            quality.variants(shown.key, result, place)
        strongest(shown, place, SCENES)
        _more(shown, place, facts)


def _title(shown: Shown, place: int) -> None:
    name, alone = errors.escape(words.target(shown.address.names[place])), shown.alone(place)
    if alone is None:
        st.markdown(f"**{name}**")
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap=None):
        st.page_link(
            SCRIPTS["visualize"],
            label=f"**{name}**",
            icon=":material/chevron_right:",
            icon_position="right",
            query_params=query.write(alone),
            width="content",
        )
        adding.button(lambda: kinds.unit(alone, shown.key, place), _key(shown, place), small=True)


def _key(shown: Shown, place: int) -> str:
    return f"unit-{shown.side}-{shown.address.site}-{shown.address.names[place]}"


def pictures(shown: Shown, place: int, growing: Growing | None = None, side: int = SIDE) -> None:
    """The picture and what belongs to it, side by side; in their places before they are made."""
    result, view = shown.result, shown.view
    name = f"{words.target(shown.address.names[place])} of {shown.address.site}"
    known = () if result is None else tuple(result.arrays)
    wanted: list[tuple[str, str, str | None]] = [("images", f"Picture for {name}", None)]
    if "opposite_images" in known or (result is None and view is not None and view.opposite):
        wanted.append(("opposite_images", f"Picture that minimizes {name}", "Minimized"))
    if "importance" in known or (result is None and view is not None and view.importance):
        wanted.append(("importance", f"The picture for {name} with its most important pixels bright", "Importance"))
    with st.grid(len(wanted), gap="xsmall"):
        for number, (which, alt, caption) in enumerate(wanted):
            if result is None:
                so_far = growing if number == 0 else None
                growing_picture(so_far, shown.input_size, f"{shown.side}-{place}-{which}", alt, caption)
                continue
            if which == "importance":
                data = results.importance(shown.key, place, side)
            else:
                data = results.picture(shown.key, which, place, side)
            st.image(data, caption=caption, width="stretch", output_format="PNG", alt=alt)


def verdict(facts: dict[str, Any], data: str) -> str:
    """How strongly the picture activates its unit, in two lines: against its strongest image, and its strongest control."""
    number = {name: float(value) for name, value in facts.items() if isinstance(value, int | float | np.number)}
    what = words.shows(data)
    if np.isfinite(ratio := number["ratio_to_best_scene"]):
        first = f"**{words.number(ratio)}×**{_between(number['ratio_low'], number['ratio_high'])} its strongest {what}"
    else:
        first = f"Activation **{words.number(number['activation'])}**"
    if bool(facts["failed"]):
        return f"{first}  \n:red[**Failed**: {words.number(abs(number['margin']))} below {BRIEFLY[facts['control']]}]"
    return f"{first}  \n**{words.number(number['margin'])}** above {BRIEFLY[facts['control']]}"


def details(facts: dict[str, Any], data: str, about: dict[str, Any]) -> str:
    """All other numbers, a line each, and how they were measured. `about`: the facts of the result, which say how many images
    there were."""
    number = {name: float(value) for name, value in facts.items() if isinstance(value, int | float | np.number)}
    what, many = words.shows(data), int(about["images"])
    between = _between(number["activation_low"], number["activation_high"])
    lines = [FAILED] if bool(facts["failed"]) else [f"Above {CONTROLS[facts['control']]}, its strongest control."]
    if np.isfinite(number["ratio_to_best_scene"]):
        ratio = _between(number["ratio_low"], number["ratio_high"])
        lines.append(f"{words.number(number['ratio_to_best_scene'])}×{ratio} its strongest {what}.")
    among = words.among(number["percentile"], f"{many:,} {what}s")
    lines.append(f"Activation {words.number(number['activation'])}{between}, above {among}.")
    if np.isfinite(number["ratio_as_is"]):
        lines.append(f"Without augmentations {words.number(number['ratio_as_is'])}× its strongest {what}.")
    if np.isfinite(base := number.get("base", np.nan)):
        lines.append(NO_ZERO.format(words.number(base)))
    lines.append(f"The strongest {about['augmented']} {what}s are augmented as the picture is.")
    if about["augmented"] == many:
        lines.append(_could_be_stronger(data, many, what))
    if np.isfinite(opposite := float(facts.get("opposite_activation", np.nan))):
        lines.append(f"Minimized {words.number(opposite)}.")
    return "  \n".join([*lines, SCORED])


def _could_be_stronger(data: str, many: int, what: str) -> str:
    """What so few images cannot rule out. Those that belong together count as one."""
    from engine.visualization.scoring.table import could_be_stronger

    independent = images.independent(data, many)
    groups = "" if independent == many else f" in {independent} group{'s' if independent > 1 else ''}"
    return (
        f"Only {many} {what}s{groups}: up to {words.share(could_be_stronger(independent))} of such could be stronger."
    )


def _between(low: float, high: float) -> str:
    return f" ({words.number(low)} to {words.number(high)})" if np.isfinite(low) else ""


def strongest(shown: Shown, place: int, count: int, beside: int = SCENES) -> None:
    """The images that activate the unit most (or come closest to the target), so many `beside` each
    other; they grow under a pointer. What is on them stands below. They have their places before they are known."""
    unit, known, result = shown.address.names[place], shown.known(place), shown.result
    numbers: Sequence[int] = ()
    ranks: Sequence[int] = ()
    if known is not None:
        ranks = known.ranks(shown.data, count)
        numbers = [int(known.top[rank]) for rank in ranks]
    elif isinstance(unit, str) and result is not None:
        numbers = [int(number) for number in result.arrays["target_top"][place - len(shown.address.units)][:count]]
    told = [results.dataset(shown.data).describe(number) for number in numbers]
    few = "" if known is None else fewer(len(numbers), count, len(known.top))
    with (
        st.container(key=f"{THUMBS}-{shown.side}-{unit}-{count}", gap="xxsmall"),
        st.grid(beside, min_column_width=36, wrap=False, gap="xxsmall"),
    ):
        for number in range(count):
            if number >= len(numbers):
                st.image(nothing(shown.input_size), width="stretch", output_format="PNG", alt="")
                continue
            if known is not None:
                data = known.scene(ranks[number], shown.data, shown.input_size, shown.maps)
            else:
                data = results.image(shown.data, numbers[number], shown.input_size)
            alt = f"Strongest {number + 1} for {words.target(unit)}: {words.scene(told[number])}"
            st.image(data, width="stretch", output_format="PNG", alt=alt)
    st.caption(
        f":small[{listed(told)}{few}]" if told else ":small[Its strongest images are known once its layer is indexed.]"
    )


def listed(told: Sequence[dict[str, Any]]) -> str:
    """What is on some images, each kind once, safe in Markdown. The whole names stand in the images' descriptions."""
    names = list(dict.fromkeys(_kind(facts) for facts in told))
    return errors.escape(words.breakable(", ".join(names[:LISTED]) + ("\u00a0…" if len(names) > LISTED else "")))


def _kind(facts: dict[str, Any]) -> str:
    if facts.get("variant") == "place" and facts.get("place"):
        return str(facts["place"])
    return str(facts.get("kind") or facts.get("name") or facts["id"])


def on_images(shown: Shown, place: int) -> np.ndarray | None:
    """(images,): what the unit or target does on every image; None where that is not known."""
    unit, known, result = shown.address.names[place], shown.known(place), shown.result
    if isinstance(unit, str):
        return None if result is None else result.arrays["target_values"][place - len(shown.address.units)]
    return None if known is None else known.values


def _more(shown: Shown, place: int, facts: dict[str, Any] | None) -> None:
    unit = shown.address.names[place]
    key = f"more-{shown.side}-{shown.address.site}-{unit}"
    more = st.expander("More", type="compact", key=key, on_change="rerun")
    if more.open:
        with more:
            distribution(shown, place, facts, key)
            growth(shown, place, key)
            tools(shown, place, key)


def distribution(shown: Shown, place: int, facts: dict[str, Any] | None, key: str) -> None:
    """What the unit does on all images, with its picture marked, and how its maps are scaled."""
    values, unit, known = on_images(shown, place), shown.address.names[place], shown.known(place)
    if values is None:
        return
    marks = {} if facts is None else {"picture": facts["activation"], "minimized": facts.get("opposite_activation")}
    told = f"{above(facts, shown.result.facts)} " if facts and shown.result is not None else ""
    if known is not None and shown.maps:
        low_map, high_map = known.scale
        told += (
            f"Images are dimmed the most up to the median over positions of the unit's strongest ones "
            f"({words.number(low_map)}), and not at all from half-way to their maximum ({words.number(high_map)}) on."
        )
    chart, numbers = charts.distribution(
        values,
        {name: float(value) for name, value in marks.items() if value is not None},
        colours.PLACES[shown.side],
        f"{words.target(unit)} of {shown.address.model} at {shown.address.site} on {shown.data}",
        None if known is None else known.images,
    )
    chart_figure.draw(
        chart, numbers, _source(shown, place), key=f"{key}-histogram", note=told, opens="" if known is None else "an image there",
        on_click=None if known is None else lambda what: st.session_state.update({f"{key}-image": int(what[0])}),
    )  # fmt: skip
    if (image := st.session_state.pop(f"{key}-image", None)) is not None:  # where one can go to another page
        st.switch_page(SCRIPTS["photo"], query_params=photo(image, shown.data, [shown.address.model]))


def fewer(shown: int, asked: int, known: int) -> str:
    """Why a row has fewer images than it has room for; empty where it is full."""
    if shown >= min(asked, known):
        return ""
    return f" · {shown} of its {known} strongest: the rest lack their object or place, or show the same again"


def above(facts: dict[str, Any], about: dict[str, Any]) -> str:
    """Where the picture stands among the whole images that it was scored against: not all that are drawn, where some are made of
    others."""
    count = f"{int(about['images']):,} images"
    return f"The picture is above {words.among(float(facts['percentile']), count)}."


def growth(shown: Shown, place: int, key: str) -> None:
    """How the picture came about."""
    if (result := shown.result) is not None:
        title = f"How the picture of {words.target(shown.address.names[place])} of {shown.address.model} grew"
        chart, numbers = charts.growth(result.arrays["curves"][place], colours.PLACES[shown.side], title)
        note = "The objective, the unit's activation, while the picture was optimized."
        chart_figure.draw(chart, numbers, _source(shown, place), key=f"{key}-curve", note=note)


def _source(shown: Shown, place: int) -> Source:
    """The unit's own page, and what its charts are drawn from."""
    alone = shown.alone(place)
    return Source(figure.PAGE, {} if alone is None else query.write(alone), (shown.key, shown.index_key))


def tools(shown: Shown, place: int, key: str) -> None:
    """The unit's address, its picture as a file, and as a figure."""
    alone = shown.alone(place)
    if alone is not None:
        st.code(str(alone.a), language=None, wrap_lines=True)
    if shown.result is not None:
        with st.container(horizontal=True):
            _download(shown, place, key)
            if alone is not None:
                adding.button(lambda: kinds.unit(alone, shown.key, place), f"{key}-tools")
                figure.popover(figure.Wanted(alone, (shown,), place), key)


def _download(shown: Shown, place: int, key: str) -> None:
    result, unit = shown.result, shown.address.names[place]
    assert result is not None, "what is saved is there"

    from engine.core.export import stem
    from engine.core.images import to_png

    st.download_button(
        "PNG",
        lambda: to_png(result.arrays["images"][place]),
        # Streamlit tells large files apart by their names: the key keeps two results from sharing one.
        file_name=f"{stem(result, unit)}-{shown.key[:8]}.png",
        mime="image/png",
        icon=":material/download:",
        key=f"{key}-png",
        on_click="ignore",
        help=f"The picture of {errors.escape(words.target(unit))} at its original size.",
    )
