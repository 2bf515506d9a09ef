"""The setup of the feature visualization page: a line of controls for two sides, Run, and all else under Advanced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from engine.core.choices import DEFAULT_DATA, MAX_SEED, MAX_SEEDS, MAX_VARIANTS
from pages.common import errors
from pages.common.experiment_page import ExperimentPage
from pages.common.units.view import Shown, View
from pages.common.widgets import recipes, say_how_data_is_read
from pages.sections.visualize import files, making, pickers, recipe_form, unit_page

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

SHOWN: dict[Shown, tuple[str, str]] = {
    "layer": ("One layer", "The units side by side, each with its strongest images."),
    "depth": ("Whole depth", "The same unit numbers in every layer of the same role: edges, textures, parts, objects."),
    "recipes": (
        "Recipes",
        "The same units under each of the quicker recipes, and under `fast` with one part taken away.",
    ),
    "sites": ("Sites", "The same unit numbers at every site of the block: hidden, out, query, key, value ..."),
}
LABEL = 21
"""Pixels that make a button stand level with fields below their labels, less a gap."""
SIDE_WIDTH = 380
"""The least width of one side's controls, in pixels: below twice as much the sides stand under each other."""


def draw(page: ExperimentPage[View], below: DeltaGenerator) -> None:
    """Draw the widgets; a click on Run shows what they say. Over a unit alone they take one line: its layer is chosen already,
    and what is advanced stands `below` the unit."""
    from engine.data.registry import dataset_names

    state = st.session_state
    if state.get("fv_data") not in dataset_names():
        state["fv_data"] = DEFAULT_DATA
    if alone := unit_page.is_alone(page.shown()):
        one, other, last = st.columns([3.0, 1.2, 0.7], gap="small")  # at 834 pixels the last has room for its word
        with one:
            a = pickers.side("a", state["fv_data"], picture=False)
        with other:
            b = pickers.side("b", state["fv_data"], picture=False)
    else:
        with st.grid(2, min_column_width=SIDE_WIDTH, gap=("xsmall", "medium")):
            a = pickers.side("a", state["fv_data"])
            b = pickers.side("b", state["fv_data"])
        with st.container(horizontal=True, vertical_alignment="top"):
            # What is advanced decides whether Run can be pressed, but stands after it.
            last, below = st.container(width="content"), st.container()
    with below, page.advanced():
        chosen = _advanced()
    with last:
        if alone:
            st.space(LABEL)
        ready = a is not None and chosen is not None
        run = st.button("Run", type="primary", icon=":material/play_arrow:", key="fv_run", disabled=not ready)
        if chosen is None:
            st.caption("A setting is wrong: see Advanced.")
    if a is not None and chosen is not None:
        chosen = chosen.but(a=a, b=b)
        page.tell_choice(chosen)
        if run:
            with errors.shown():
                page.show(chosen, compute=True)


def _advanced() -> View | None:
    """All that most people leave alone, as a view of nothing yet; None (and said why) where the recipe is none."""
    left, right = st.columns(2, gap="large")
    with left:
        recipe = recipes("fv_recipe")
        tuned = recipe_form.popover(View(a=pickers.NOWHERE, recipe=recipe))
        if tuned is not None and tuned.tuned:
            st.caption(errors.escape(recipe_label(tuned)))
    with right:
        seed, data, shown, opposite = _how()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for side in ("a", "b"):
            pickers.choice(side, data)
        files.popover()
    chosen = _further(View(a=pickers.NOWHERE, recipe=recipe, seed=seed, data=data, view=shown, opposite=opposite))
    return None if tuned is None else chosen.but(tuned=tuned.tuned)


def _how() -> tuple[int, str, Shown, bool]:
    """Seed, data, view, and whether opposite pictures are made."""
    from engine.data.registry import dataset_names

    st.session_state.setdefault("fv_shown", "layer")
    shown = st.radio(
        "View",
        list(SHOWN),
        key="fv_shown",
        format_func=lambda name: SHOWN[name][0],
        captions=[told for _, told in SHOWN.values()],
        **pickers.KEEP,
    )
    opposite = st.toggle(
        "Also minimize",
        key="fv_opposite",
        help="Also optimizes a picture that minimizes the unit's activation. Takes twice as long.",
        **pickers.KEEP,
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=120):
            seed = pickers.number("Seed", "fv_seed", 0, most=MAX_SEED, least=0)
        with st.container(width=170):
            data = st.selectbox(
                "Images",
                dataset_names(),
                key="fv_data",
                help="Where the strongest images come from, and what pictures are scored against. Add folders of your own in "
                "vitrine.toml.",
                **pickers.KEEP,
            )
    say_how_data_is_read(data)
    return seed, data, shown, opposite


def _further(view: View) -> View:
    """What is asked for least; gives the view with it."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=170):
            start = st.text_input(
                "Start from an image",
                key="fv_start",
                placeholder="noise",
                help="The number of an image, or `up-…` of one uploaded under **Files**. That image is then modified to "
                "activate the unit (accentuation).",
                **pickers.KEEP,
            )
        with st.container(width=170):
            several = pickers.number(
                "Diverse pictures a unit",
                "fv_several",
                1,
                MAX_VARIANTS,
                1,
                help="Optimized jointly to differ, so that a unit that responds to several features can show them.",
            )
        with st.container(width=170):
            seeds = pickers.number(
                "Seeds to compare",
                "fv_seeds",
                1,
                MAX_SEEDS,
                1,
                help="Shows how much depends on the seed. Each seed takes one more picture.",
            )
        with st.container(width=220):
            st.selectbox(
                "Show pictures while they grow",
                list(making.WATCHED),
                key="fv_watched",
                format_func=lambda name: making.WATCHED[name][0],
                help="Each look sends them anew. Less often, or not at all, suits a slow connection.",
                **pickers.KEEP,
            )
        importance = st.toggle(
            "Importance map",
            key="fv_importance",
            help="Magnitude of the objective's gradient in the picture: which pixels the activation depends on.",
            **pickers.KEEP,
        )
    return view.but(start=(start or "").strip(), importance=importance, several=several, seeds=seeds)


def recipe_label(view: View) -> str:
    """The recipe of a view: its name, and what is changed."""
    from engine.visualization.recipes import recipe_named
    from engine.visualization.tuning import changed, label

    base = recipe_named(view.recipe)
    return label(changed(base, view.tuned), base)


def summary(view: View) -> str:
    """How the pictures of a view are made, in one line."""
    extras = [
        "recipes compared" if view.view == "recipes" else f"recipe {recipe_label(view)}",
        f"seed {view.seed}",
        f"images from {view.data}",
    ]
    extras += ["with minimized pictures"] if view.opposite else []
    extras += [f"from image {view.start[:9]}"] if view.start else []
    extras += [f"{view.several} pictures optimized to differ"] if view.several > 1 else []
    extras += [f"{view.seeds} seeds compared"] if view.seeds > 1 else []
    return " · ".join(extras)
