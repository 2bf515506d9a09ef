"""The setup of the feature visualization page: two sides, the recipe, and the button that starts it."""

from __future__ import annotations

import streamlit as st

from engine.core.choices import DEFAULT_DATA, DEFAULT_RECIPE, MAX_SEED, MAX_SEEDS, MAX_VARIANTS
from pages.common import errors
from pages.common.experiment_page import ExperimentPage
from pages.common.units.view import Shown, View
from pages.common.widgets import say_how_data_is_read
from pages.sections.visualize import files, pickers, recipe_form

SHOWN: dict[Shown, str] = {"layer": "One layer", "depth": "Whole depth", "recipes": "Recipes", "sites": "Sites"}


def draw(page: ExperimentPage[View]) -> None:
    """Draw the widgets; a click on Run shows what they say."""
    state = st.session_state
    data = state.setdefault("fv_data", DEFAULT_DATA)
    left, right = st.columns(2, gap="large")
    with left:
        a = pickers.side("a", data)
    with right:
        b = pickers.side("b", data)
    chosen = _how()
    with st.container(horizontal=True, vertical_alignment="center"):
        # What the form says decides whether Run can be pressed, but stands after it.
        first, form = st.container(width="content"), st.container(width="content")
        with form:
            tuned = recipe_form.popover(chosen)
        ready = a is not None and tuned is not None
        with first:
            run = st.button("Run", type="primary", icon=":material/play_arrow:", key="fv_run", disabled=not ready)
        opposite = st.toggle(
            "Also minimize",
            key="fv_opposite",
            help="Also optimizes a picture that minimizes the unit's activation. Takes twice as long.",
            **pickers.KEEP,
        )
        files.popover()
        chosen = popover(tuned or chosen)
        st.caption(_in_words(chosen))
    if run and a is not None:
        with errors.shown():
            page.show(chosen.but(a=a, b=b, opposite=opposite), compute=True)


def _how() -> View:
    """The settings below the two sides, as a view of nothing yet."""
    from engine.data.registry import dataset_names
    from engine.visualization.recipes import RECIPES

    state = st.session_state
    state.setdefault("fv_recipe", DEFAULT_RECIPE)
    state.setdefault("fv_shown", "layer")
    names = dataset_names()
    if state["fv_data"] not in names:
        state["fv_data"] = DEFAULT_DATA
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        shown = st.segmented_control(
            "View",
            list(SHOWN),
            key="fv_shown",
            format_func=SHOWN.__getitem__,
            required=True,
            help="**Whole depth**: the same unit numbers in every layer of the same role: edges, textures, parts, objects.  \n"
            "**Recipes**: the same units under each of the quicker recipes, and ablations of `fast`.  \n"
            "**Sites**: the same unit numbers at every site of the block (hidden, out, query, key, value ...).",
            **pickers.KEEP,
        )
        recipe = st.segmented_control(
            "Recipe",
            list(RECIPES),
            key="fv_recipe",
            required=True,
            help="  \n".join(f"**{recipe.name}**: {errors.escape(recipe.summary)}" for recipe in RECIPES.values()),
            **pickers.KEEP,
        )
        with st.container(width=110):
            seed = pickers.number("Seed", "fv_seed", 0, most=MAX_SEED, least=0)
        with st.container(width=150):
            data = st.selectbox(
                "Scenes from",
                names,
                key="fv_data",
                help="The images used for the strongest scenes and the scores. Add your own folders in vitrine.toml.",
                **pickers.KEEP,
            )
    say_how_data_is_read(data)
    return View(a=pickers.NOWHERE, recipe=recipe, seed=seed, data=data, view=shown)


def _in_words(view: View) -> str:
    from engine.visualization.recipes import RECIPES

    return errors.escape(recipe_label(view) if view.tuned else RECIPES[view.recipe].summary)


def recipe_label(view: View) -> str:
    """The recipe of a view: its name, and what is changed."""
    from engine.visualization.recipes import recipe_named
    from engine.visualization.tuning import changed, label

    base = recipe_named(view.recipe)
    return label(changed(base, view.tuned), base)


def summary(view: View) -> str:
    """A view in one line, for where the setup is closed."""
    extras = [
        "recipes compared" if view.view == "recipes" else f"recipe {recipe_label(view)}",
        f"seed {view.seed}",
        f"scenes from {view.data}",
    ]
    extras += ["with minimized pictures"] if view.opposite else []
    extras += [f"from image {view.start[:9]}"] if view.start else []
    extras += [f"{view.several} pictures optimized to differ"] if view.several > 1 else []
    extras += [f"{view.seeds} seeds compared"] if view.seeds > 1 else []
    return " · ".join(extras)


def popover(view: View) -> View:
    """The widgets; gives the view with what they say."""
    with st.popover("More", icon=":material/add_circle:"):
        start = st.text_input(
            "Start from an image",
            key="fv_start",
            placeholder="noise",
            help="The number of a scene, or `up-…` of an image uploaded under **Files**. That image is then modified to "
            "activate the unit (accentuation).",
            **pickers.KEEP,
        )
        importance = st.toggle(
            "Importance map",
            key="fv_importance",
            help="Magnitude of the objective's gradient in the picture: which pixels the activation depends on.",
            **pickers.KEEP,
        )
        several = pickers.number("Diverse pictures per unit", "fv_several", 1, MAX_VARIANTS, 1)
        st.caption("Optimized jointly to differ, so that a unit that responds to several features can show them.")
        seeds = pickers.number("Seeds to compare", "fv_seeds", 1, MAX_SEEDS, 1)
        st.caption("Shows how much depends on the seed. Each seed takes one more picture.")
    return view.but(start=(start or "").strip(), importance=importance, several=several, seeds=seeds)
